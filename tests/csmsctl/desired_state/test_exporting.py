"""Exporting and applying where something is odd: keys that a file cannot have, a csmsd that goes away."""

from typing import Any

from csmsctl.client import Client
from csmsctl.configurations import Key, Report
from csmsctl.desired_state.applying import applied
from csmsctl.desired_state.comparison import Comparison
from csmsctl.desired_state.document import MAX_KEY, MAX_VALUE, DesiredState, read, written
from csmsctl.desired_state.exporting import _settings
from csmsctl.desired_state.plan import Plan
from csmsctl.failure import UNREACHABLE, Failure


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
    settings = _settings(report, readonly=False)
    assert settings == good
    assert read(written(DesiredState(defaults=settings)), "site.toml").defaults == good


def test_a_csmsd_that_goes_away_is_a_result() -> None:
    class Gone:
        timeout = 1.0

        def call(self, *_: Any, **__: Any) -> Any:
            raise Failure(UNREACHABLE, "csmsd closed the connection.")

    plan = Plan("CP1", True, [Comparison("HeartbeatInterval", "300", "60", "defaults", "change")])
    client: Client = Gone()  # type: ignore[assignment]
    [result] = applied(client, plan)
    assert (result["charge_point"], result["outcome"], result["code"]) == ("CP1", "unknown", UNREACHABLE)
    assert result["error"] == "csmsd closed the connection."
