"""What the facts about a transaction say of themselves."""

import pytest

from csmsd.control.explanation.facts import Measured
from tests.csmsd.control.explanation.told import MINUTE, facts, status, told
from tests.csmsd.profiles.scene import NOON


def test_it_began_when_its_charge_point_says_so() -> None:
    assert facts({"start_received_at": NOON + 9 * MINUTE}).began == NOON


def test_the_statuses_are_those_of_its_connector() -> None:
    events = [
        status(-1, "Preparing"),
        status(0, "Charging"),
        status(1, "Faulted", connector=2),
        told(2, "charge_point.connected", connector=1),
        status(60, "Finishing", connector=0),
        status(61, "Available"),
    ]
    assert facts(events=events).statuses == [
        (NOON - MINUTE, "Preparing"),
        (NOON, "Charging"),
        (NOON + 61 * MINUTE, "Available"),
    ]
    assert facts({"connector": 2}, events=events).statuses == [(NOON + MINUTE, "Faulted")]


def test_the_state_of_charge_is_the_last_that_was_measured() -> None:
    measured = [Measured(NOON, 20), Measured(NOON + 5 * MINUTE), Measured(NOON + 10 * MINUTE, 30)]
    known = facts(measured=measured)

    assert known.soc_at(NOON - 1) is None
    assert known.soc_at(NOON) == 20
    assert known.soc_at(NOON + 9 * MINUTE) == 20
    assert known.soc_at(NOON + 10 * MINUTE) == 30
    assert facts(measured=[]).soc_at(NOON) is None


def test_a_state_of_charge_of_nothing_is_one() -> None:
    assert facts(measured=[Measured(NOON, 0.0)]).soc_at(NOON) == 0


@pytest.mark.parametrize(
    ("transaction", "minutes", "until"),
    [
        ({}, [10, 20], 60),  # the stop told its register
        ({"meter_stop_wh": 0}, [10], 60),
        ({"meter_stop_wh": None}, [10, 20], 20),
        ({"meter_stop_wh": None}, [20, 10], 20),
        ({"meter_stop_wh": None}, [-5, 10, 61], 10),  # of before and after it says nothing
        ({"meter_stop_wh": None}, [0, 60], 60),
        ({"meter_stop_wh": None}, [0], 0),
        ({"meter_stop_wh": None}, [], None),
        ({"stop_time": None, "meter_stop_wh": None}, [10], 10),
        ({"stop_time": None}, [10], 10),  # a register without a time
    ],
)
def test_up_to_when_its_energy_was_read(transaction: dict[str, object], minutes: list[int], until: int | None) -> None:
    known = facts(transaction, measured=[Measured(NOON + minute * MINUTE) for minute in minutes])
    assert known.measured_until == (None if until is None else NOON + until * MINUTE)
