"""`security-events`, listed and followed."""

import json
import signal
from typing import Any

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "charge_point": "CP1",
        "source": "charge_point",
        "type": "TamperDetectionActivated",
        "tech_info": None,
        "occurred_at": "2026-01-31T09:59:00.000Z",
        "received_at": "2026-01-31T10:00:00.000Z",
        "count": 1,
        "last_occurred_at": "2026-01-31T09:59:00.000Z",
        "last_received_at": "2026-01-31T10:00:00.000Z",
        **fields,
    }


def listing(*events: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, "security_events": list(events)}


def test_listed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["security_event.list"] = listing(event(2, charge_point=None, source="csmsd"), event(1, count=7))
    row = csmsctl("security-events", "CP1", "--type", "A", "--source", "csmsd", "--since", "2026-01-01T00:00:00Z")
    assert row.out.splitlines()[2].split()[:6] == [
        *("1", "2026-01-31T10:00:00.000Z", "CP1", "TamperDetectionActivated", "7", "charge_point")
    ]
    asked = {"targets": ["CP1"], "types": ["A"], "source": "csmsd", "since": "2026-01-01T00:00:00.000Z"}
    assert daemon.params("security_event.list") == asked | {"limit": 101}
    assert [one["id"] for one in csmsctl("security-events", "--json").document["security_events"]] == [2, 1]


def test_followed_also_what_repeats(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "security_event.list": listing(event(2, count=2), event(1)),
        "event.subscribe": {"subscription": "s1", "last": 9},
    }

    def news(data: dict[str, Any]) -> dict[str, Any]:
        return {"number": 10, "type": "security.event", "charge_point": "CP1", "data": data}

    with csmsctl.start("security-events", "-f", "--json", "--type", "tamperdetectionactivated") as process:
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == [1, 2], "the oldest comes first"
        peer = daemon.wait_for("event.subscribe")
        assert daemon.params("event.subscribe") == {"types": ["security.event"]}
        peer.notify("event", news(event(2, count=2)))  # was in the list already
        peer.notify("event", news(event(3, type="FirmwareUpdated")))
        peer.notify("event", news(event(2, count=3)))
        assert json.loads(process.stdout.readline()) == {"schema_version": 1, **event(2, count=3)}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143


def test_a_line_says_how_often(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "security_event.list": listing(event(1, count=7, tech_info="lid\x1b")),
        "event.subscribe": {"subscription": "s1", "last": 9},
    }
    with csmsctl.start("security-events", "-f") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "1  2026-01-31T10:00:00.000Z  CP1  TamperDetectionActivated  7 times  lid\\x1b\n"
        daemon.wait_for("event.subscribe").notify("lagged", {"last": 8})
        assert process.wait(60) == 1
