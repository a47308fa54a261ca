"""Exporting and applying where something is odd: keys that a file cannot have, a csmsd that goes away."""

from typing import Any

from csmsctl.desired_state.applying import apply_or_give_up
from csmsctl.desired_state.comparison import Comparison
from csmsctl.desired_state.document import MAX_KEY, MAX_VALUE, DesiredState, read_document, written_document
from csmsctl.desired_state.exporting import _settings_to_export
from csmsctl.desired_state.plan import Plan
from csmsctl.failure import UNREACHABLE, Failure
from csmsctl.link.client import Client
from csmsctl.records.configurations import Key, Report
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon


def test_what_is_exported_can_be_applied() -> None:
    odd = {
        "A=B": "1",
        " C": "1",
        "": "1",
        (MAX_KEY + 1) * "K": "1",
        "Long": (MAX_VALUE + 1) * "1",
        "AuthorizationKey": "1",
        "Url": "ftp://me:abc@host/",
    }
    good = {"HeartbeatInterval": "300", 'Say "so"\x1b[2J': "a\nb"}
    report = Report({name.casefold(): Key(name, value, False) for name, value in {**odd, **good}.items()})
    settings = _settings_to_export(report, readonly=False)
    assert settings == good
    assert read_document(written_document(DesiredState(defaults=settings)), "site.toml").defaults == good


def test_a_label_is_whole_whatever_changes_meanwhile(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """Two charge points, of all that there are; one was heard of between the two lists."""

    def charge_points(_peer: Peer, params: Params) -> Params:
        seen = "2026-03-01T12:00:00Z" if "targets" in params else "2026-03-01T12:00:01Z"
        known = [samples.charge_point(name, connected=False, last_seen_at=seen) for name in ("CP1", "CP2")]
        return {"charge_points": known if "targets" in params else [*known, samples.charge_point("CP3", labels=[])]}

    key = {"key": "HeartbeatInterval", "value": "300", "readonly": False, "reported_at": "2026-03-01T12:00:00Z"}
    daemon.replies |= {
        "charge_point.list": charge_points,
        "charge_point.show": samples.charge_point(configuration=[key]),
    }
    exported = csmsctl("config", "export", "@north", "--json").document
    assert exported["labels"] == {"north": {"configuration": {"HeartbeatInterval": "300"}}}
    assert exported["charge_points"] == {}


def test_a_csmsd_that_goes_away_is_a_result() -> None:
    class Gone:
        timeout = 1.0

        def call(self, *_: Any, **__: Any) -> Any:
            raise Failure(UNREACHABLE, "csmsd closed the connection.")

    plan = Plan("CP1", True, [Comparison("HeartbeatInterval", "300", "60", "defaults", "change")])
    client: Client = Gone()  # type: ignore[assignment]
    [result] = apply_or_give_up(client, plan)
    assert (result["charge_point"], result["outcome"], result["code"]) == ("CP1", "unknown", UNREACHABLE)
    assert result["error"] == "csmsd closed the connection."
