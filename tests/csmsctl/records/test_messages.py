"""OCPP messages of the log: chosen, and read by people."""

import json
import re

import pytest

from csmsctl.display.table import Record
from csmsctl.records import messages
from csmsctl.records.messages import Reader, Sieve
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.csmsctl.terminal import Terminal

HEARTBEAT = samples.message(1, text='[2,"a","Heartbeat",{}]')
RESET = samples.message(2, text='[2,"a","Reset",{"type":"Soft"}]', direction="out")
HEARTBEAT_ANSWER = samples.message(3, text='[3,"a",{"currentTime":"2026-01-31T10:00:00Z"}]', direction="out")
RESET_ANSWER = samples.message(4, text='[4,"a","NotSupported","no",{}]')
NONSENSE = samples.message(5, text="hello")
LOG = [HEARTBEAT, RESET, HEARTBEAT_ANSWER, RESET_ANSWER, NONSENSE]


@pytest.mark.parametrize(
    ("action", "grep", "direction", "passing"),
    [
        (None, None, None, [1, 2, 3, 4, 5]),
        ("heartbeat", None, None, [1, 3]),
        ("Reset", None, None, [2, 4]),
        ("Reset", None, "in", [4]),
        (None, "Soft|hel+o", None, [2, 5]),
        (None, None, "out", [2, 3]),
    ],
)
def test_what_passes(action: str | None, grep: str | None, direction: str | None, passing: list[int]) -> None:
    """An answer belongs to the CALL that went the other way, although both sides use the same unique ids."""
    pattern = re.compile(grep) if grep else None

    def sieve() -> Sieve:
        return Sieve(action=action, grep=pattern, direction=direction)

    one = sieve()
    assert [message["id"] for message in LOG if one.passes(message)] == passing
    for cut in range(1, 5):  # the same in two pages, the newer one first
        two = sieve()
        found = [*two.older(LOG[cut:]), *two.older(LOG[:cut])]
        assert sorted(message["id"] for message in found) == passing, cut
        for end in range(cut, 6):  # and what comes after these pages
            three = sieve()
            listed = [*three.older(LOG[cut:end]), *three.older(LOG[:cut])]
            three.go_on()
            found = [*listed, *filter(three.passes, LOG[end:])]
            assert sorted(message["id"] for message in found) == passing, (cut, end)


def test_an_answer_belongs_to_the_last_call_with_its_id_on_whichever_page() -> None:
    """Charge points count from 1 again after a reboot."""
    boot, status = (samples.message(number, text=f'[2,"1","{action}",{{}}]') for number, action in enumerate("XY", 1))
    answer = samples.message(3, text='[3,"1",{}]', direction="out")
    for pages in ([[answer], [status], [boot]], [[status, answer], [boot]], [[answer], [boot, status]]):
        sieve = Sieve(action="X", grep=None, direction=None)
        assert [message["id"] for page in pages for message in sieve.older(page)] == [1]
    sieve = Sieve(action="X", grep=None, direction=None)
    assert [message["id"] for page in ([status], [boot]) for message in sieve.older(page)] == [1]
    sieve.go_on()
    assert not sieve.passes(answer)


def test_a_long_log_does_not_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that is gone through for a rare action, no more is known than what an answer may still come to."""
    monkeypatch.setattr(messages, "_MOST_CALLED", 20)
    sieve = Sieve(action="X", grep=None, direction=None)
    for page in range(100, 0, -1):
        action = "X" if page in (100, 1) else "Y"
        told = [samples.message(10 * page + one, text=f'[2,"{page}-{one}","{action}",{{}}]') for one in range(10)]
        assert len(sieve.older(told)) == (10 if action == "X" else 0)
    keys = [one for one in vars(sieve).values() if isinstance(one, (dict, set))]
    assert sum(map(len, keys)) <= 20 + 10
    sieve.go_on()
    late, newest = (samples.message(2000 + n, text=f'[3,"{n}-0",{{}}]', direction="out") for n in (1, 100))
    assert [sieve.passes(late), sieve.passes(newest)] == [False, True]


def test_how_they_are_read() -> None:
    reader = Reader()
    assert [reader.text(message) for message in LOG] == [
        "Heartbeat",
        "Reset  type=Soft",
        "(Heartbeat)  currentTime=2026-01-31T10:00:00Z",
        "(Reset)  CALLERROR NotSupported no",
        "hello",
    ]


def test_an_answer_whose_call_is_not_there_is_told_with_the_action_that_was_asked_for() -> None:
    assert Reader().text(HEARTBEAT_ANSWER).startswith("(a)  ")
    assert Reader("Heartbeat").text(HEARTBEAT_ANSWER).startswith("(Heartbeat)  ")


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (
            {
                "connectorId": 1,
                "meterValue": [
                    {
                        "timestamp": "2026-01-31T10:00:00Z",
                        "sampledValue": [
                            {"value": "2796170", "context": "Sample.Periodic", "unit": "Wh"},
                            {"value": "6.0", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                            {"value": "50", "measurand": "SoC", "location": "EV", "context": "Trigger"},
                        ],
                    }
                ],
            },
            "connectorId=1 meterValue=[timestamp=2026-01-31T10:00:00Z sampledValue=[Energy.Active.Import.Register "
            "2796170 Wh; Current.Import L1 6.0 A; SoC 50 location=EV context=Trigger]]",
        ),
        (
            {
                "configurationKey": [
                    {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
                    {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
                    {"key": "Odd", "readonly": False, "unit": "s"},
                ],
                "unknownKey": ["A", "B"],
            },
            "configurationKey=[HeartbeatInterval=300; NumberOfConnectors=2 (read-only); Odd= unit=s] unknownKey=A B",
        ),
        (
            {"idTagInfo": {"status": "Accepted", "parentIdTag": "P"}, "other": [1, {}], "none": None},
            "idTagInfo=[status=Accepted parentIdTag=P] other=1  none=",
        ),
        ({"sampledValue": "none", "configurationKey": []}, "sampledValue=none configurationKey="),
    ],
)
def test_what_stands_in_objects_is_told_in_brackets(payload: dict[str, object], told: str) -> None:
    text = json.dumps([2, "a", "X", payload])
    assert Reader().text(samples.message(1, text=text)) == f"X  {told}"


def test_the_newest_of_an_action_are_looked_for_on_older_pages(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    stored = [samples.message(number, text=f'[2,"{number}","MeterValues",{{}}]') for number in range(1, 2401)]
    stored[4] = samples.message(5, text='[2,"x","BootNotification",{}]')
    stored[1999] = samples.message(2000, text='[3,"x",{"status":"Accepted"}]', direction="out")

    def reply(_: Peer, params: Params) -> Params:
        chosen = [one for one in stored if params.get("after_id", 0) < one["id"] < params.get("before_id", 9999)]
        cut = chosen[: params["limit"]] if params.get("oldest") else chosen[-params["limit"] :]
        return {"schema_version": 1, "messages": cut}

    daemon.replies["log.list"] = reply

    def ids(*words: str) -> list[str]:
        return csmsctl("log", *words, "-o", "name").out.split()

    assert ids("--action", "bootnotification") == ["5", "2000"]
    assert ids("--action", "BootNotification", "--limit", "1") == ["2000"]
    assert len(ids("--limit", "0")) == 2400
    assert ids("--filter", "direction=in", "--limit", "2") == ["2399", "2400"]
    assert ids("--sort=-id", "--limit", "2") == ["2400", "2399"]
    ended = csmsctl("log")
    assert len(ended.out.splitlines()) == 100
    assert ended.out.splitlines()[-1].endswith('[2,"2400","MeterValues",{}]')
    assert "there are more" in ended.err
    document: Record = csmsctl("log", "--grep", "Accepted", "--json").document
    assert [message["id"] for message in document["messages"]] == [2000]
    assert "more" not in document
    assert csmsctl("log", "--grep", "(").code == 2


def test_on_a_terminal_they_are_read_and_raw_is_the_wire(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["log.list"] = {"schema_version": 1, "messages": LOG}
    code, seen = Terminal(csmsctl, "log", "--color", "never").end()
    assert (code, "Reset  type=Soft" in seen, '[2,"a"' in seen) == (0, True, False)
    assert '[2,"a","Reset"' in Terminal(csmsctl, "log", "--raw", "--color", "never").end()[1]
