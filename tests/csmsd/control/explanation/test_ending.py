"""How a transaction ended: which command did it, and what is known of one that was never stopped."""

from typing import Any

import pytest

from csmsd.control.explanation.facts import Measured
from csmsd.control.explanation.story import Story
from tests.csmsd.control.explanation.told import MINUTE, conclusion, facts, status, task, told
from tests.csmsd.profiles.scene import NOON

STOP = ("RemoteStopTransaction", {"transactionId": 17})
RESET = ("Reset", {"type": "Soft"})
UNLOCK = ("UnlockConnector", {"connectorId": 1})
RUNS = {"state": "active", "stop_time": None, "stop_received_at": None, "stop_reason": None, "meter_stop_wh": None}


@pytest.mark.parametrize(
    ("reason", "command", "gave"),
    [
        ("Local", STOP, "no reason, or Local"),
        ("Other", STOP, "the reason Other (the charge point gave no usual reason)"),
        ("EVDisconnected", STOP, "the reason EVDisconnected (the vehicle was unplugged)"),
        ("Remote", RESET, "the reason Remote (it was stopped from afar)"),
        ("Reboot", RESET, "the reason Reboot (the charge point rebooted by itself)"),
        ("Local", UNLOCK, "no reason, or Local"),
        ("Whim", RESET, "the reason Whim (the charge point gave a reason of its own)"),
    ],
)
def test_a_command_just_before_the_end_is_named_whatever_the_reason(
    reason: str, command: tuple[str, Any], gave: str
) -> None:
    found = facts({"stop_reason": reason}, tasks=[task(8, 59.5, *command)])
    sentence = (
        f"It ended 30 s after jo asked for {command[0]} (task 8), most likely by that, "
        f"although the charge point gave {gave}."
    )
    assert Story(found).conclusion[-1] == sentence
    assert [entry.text for entry in Story(found).entries if entry.kind == "command"]


@pytest.mark.parametrize("outcome", ["timeout", "unknown"])
def test_a_stop_whose_answer_was_lost_may_have_worked(outcome: str) -> None:
    lost = task(8, 59.9, *STOP, outcome=outcome, status=None)
    assert "it was stopped from afar by jo (Remote, task 8)." in conclusion(
        facts({"stop_reason": "Remote"}, tasks=[lost])
    )


@pytest.mark.parametrize(
    "command",
    [
        task(8, 58.9, *STOP),  # not just before
        task(8, 59.9, "RemoteStopTransaction", {"transactionId": 18}),
        task(8, 59.9, "UnlockConnector", {"connectorId": 2}),
        task(8, 59.9, *STOP, outcome="rejected", status="Rejected"),
        task(8, 59.9, *STOP, outcome="not_connected", status=None),
        task(8, 60.1, *STOP),  # after it
        task(8, 59.9, "GetConfiguration", {}),
    ],
)
def test_what_did_not_end_it_is_no_cause(command: Any) -> None:
    assert (
        Story(facts(tasks=[command])).conclusion[-1] == "It ended because it was stopped at the charge point (Local)."
    )


def test_a_reset_before_it_began_did_not_end_it() -> None:
    short = facts({"stop_time": NOON + 20_000, "stop_received_at": NOON + 20_000}, tasks=[task(8, -0.1, *RESET)])
    assert Story(short).conclusion[-1] == "It ended because it was stopped at the charge point (Local)."


def running(**known: Any) -> list[str]:
    return Story(facts(RUNS, **known)).conclusion


def test_it_still_runs_as_long_as_its_charge_point_is_there() -> None:
    assert running()[-1] == "It is still running."


def test_nobody_knows_of_one_whose_charge_point_is_offline() -> None:
    told_of = running(connected=False, heard_at=NOON + 20 * MINUTE, measured=[Measured(NOON + 20 * MINUTE)])
    assert told_of[-1] == "It was running 40 min ago; whether it still is, is not known: its charge point is offline."
    assert "It has run for 20 min and delivered 7.000 kWh, 21.0 kW on average." in told_of


def test_one_on_a_connector_that_is_free_is_over() -> None:
    told_of = running(free_since=NOON + 50 * MINUTE)
    assert told_of[-2].startswith("It was never stopped, and its connector has been Available for 10 min")
    assert told_of[-1] == "Close its books with: csmsctl tx close 17 --reason TEXT"


@pytest.mark.parametrize(
    ("since", "known"),
    [
        ({}, False),
        ({"measured": [Measured(NOON + 55 * MINUTE)]}, True),
        ({"events": [told(50, "charge_point.booted"), status(51, "Charging")]}, True),
    ],
)
def test_a_boot_under_way_leaves_it_open_until_something_is_heard(since: dict[str, Any], known: bool) -> None:
    usual: dict[str, Any] = {"events": [told(50, "charge_point.booted")], "measured": [Measured(NOON)]}
    assert ("It is still running." in running(**usual | since)) == known


@pytest.mark.parametrize(
    ("until", "average"),
    [
        ([0, 30], "14.0 kW on average up to the last reading, after 30 min"),
        ([0, 59], "7.1 kW on average up to the last reading, after 59 min"),
        ([0, 60], "7.0 kW on average."),
        ([], "delivered 7.000 kWh."),
        ([0], "delivered 7.000 kWh."),
    ],
)
def test_an_average_is_over_the_time_that_was_read(until: list[int], average: str) -> None:
    """59 min are within a minute of its end, which is as good as all of it."""
    measured = [Measured(NOON + minute * MINUTE) for minute in until]
    told_of = " ".join(running(measured=measured))
    assert average.replace(" up to the last reading, after 59 min", "") in told_of
    assert ("up to the last reading" in told_of) == (until == [0, 30])


def test_start_and_stop_are_readings_too() -> None:
    assert "delivered 7.000 kWh, 7.0 kW on average." in conclusion(facts(measured=[Measured(NOON + MINUTE)]))
