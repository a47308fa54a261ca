"""Parameters that many commands share."""

import pytest
import typer

from csmsctl.arguments.shared_parameters import seconds_parameter, when_parameter
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_a_time_of_a_list_is_back_from_now_and_a_day_as_an_end_is_its_end() -> None:
    assert when_parameter(None) is None
    assert when_parameter("2026-01-31T12:00:00Z") == "2026-01-31T12:00:00.000Z"
    back, ahead = when_parameter("2h", past=True), when_parameter("2h")
    assert (back or "9") < (ahead or "0")
    first, after = when_parameter("2026-01-31", past=True), when_parameter("2026-01-31", past=True, end=True)
    assert (first or "9") < (after or "0")


@pytest.mark.parametrize("wrong", ["soon", "25:00", "2026-02-30"])
def test_no_time(wrong: str) -> None:
    with pytest.raises(typer.BadParameter, match="no time"):
        when_parameter(wrong)


def test_lengths_of_time() -> None:
    assert seconds_parameter("30m") == seconds_parameter("+30m") == seconds_parameter("1800") == 1800
    with pytest.raises(typer.BadParameter, match="no length of time"):
        seconds_parameter("half an hour")


def test_every_length_of_time_is_said_in_the_same_way(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = {"results": [samples.result("CP1", "accepted")]}
    for written in ("1800", "30m", "+30m", "1800s"):
        words = ["get-composite-schedule", "CP1", "--connector", "1", "--duration", written, "--timeout", written]
        assert csmsctl(*words).code == 0
        asked = daemon.params("operation.run")
        assert (asked["parameters"]["duration"], asked["timeout"]) == (1800, 1800)
    assert csmsctl("get-composite-schedule", "CP1", "--connector", "1", "--duration", "0").code == 2
    assert csmsctl("status", "--timeout", "2 hours").code == 2
