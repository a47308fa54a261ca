"""Figures in another unit than they say: which readings are taken for a thousandth, and which are not."""

import pytest

from csmsd.profiles.core.energy.units import gains_in_other_unit, tells_thousandths, thousandfold_gain
from csmsd.profiles.core.energy.verdict import Verdict, reckon_verdict
from tests.csmsd.profiles.core.energy.cases import case_of, shown
from tests.csmsd.profiles.core.energy.played import played

POWER = "M -50 5500 power | M -20 5500 power"


@pytest.mark.parametrize(
    ("sent", "sure", "right"),
    [
        # 5.5 kW for half an hour are 2750 Wh; so says the power, or else the decimals
        (f"S 0 | M -50 24500.4 | M -20 24503.2 | {POWER}", False, True),
        ("S 0 | M -50 24500.4 | M -20 24503.2", True, True),
        ("S 0 | M -50 24500.4 | M -20 24503.2", False, False),
        ("S 0 | M -50 24500 | M -40 24501 | M -30 24502 | M -20 24503", True, True),
        ("S 0 | M -50 24500 | M -40 24501 | M -20 24503", True, False),  # whole numbers, too few of them
        ("S 0 | M -50 24500 | M -40 24501 | M -30 24504 | M -20 24505", True, False),  # and not evenly
        ("S 0 | M -50 24500.4", True, False),
        ("S 0 | M -50 24500.4 | M -20 24500.4", True, False),  # it gains nothing
        ("S 0 | M -50 24500.4 | M -40 24502 | M -20 24501", True, False),
        # no car draws so little, or so much
        ("S 0 | M -50 24500.4 | M -20 24500.8", True, False),
        ("S 0 | M -50 24500.4 | M -20 24514.2", True, False),
        ("S 0 | M -50 24500.4 | M -20 27250.4", True, False),
        # no register has come to so many kWh
        ("S 0 | M -50 99990.4 | M -20 99993.2", True, True),
        ("S 0 | M -50 99999.4 | M -20 100002.2", True, False),
        # it may count from 0
        ("S 0 | M -50 2.4 | M -20 5.2", True, False),
        # the power tells that there is no more, or less
        ("S 0 | M -50 24500.4 | M -20 24503.2 | M -50 600 power | M -20 600 power", True, False),
        ("S 0 | M -50 24500.4 | M -20 24500.9 | M -50 5500 power | M -20 5500 power", True, False),
        ("S 0 | M -50 24500.4 | M -20 24503.2 | M -50 0 power | M -20 0 power", True, False),
    ],
)
def test_a_register_in_kwh_that_are_called_wh(sent: str, sure: bool, right: bool) -> None:
    case = case_of(sent)

    assert tells_thousandths(case, case.points, sure=sure) is right


def test_a_register_that_was_read_just_after_the_stop_tells_no_pace() -> None:
    sent = "S 0 -5 | M +0.03 12500 | M +0.02 12500 end | E 12501"

    assert reckon_verdict(played(sent)) == Verdict(12501, 12501, 12501, "start_and_stop")


def test_what_came_before_the_first_reading_is_not_known() -> None:
    case = case_of("S 0 | M -50 24500.4 | M -20 24503.2")

    assert shown(thousandfold_gain(case, case.points)) == "2800 (2.8..8483.333333) start_register unit"


@pytest.mark.parametrize(
    ("sent", "factor", "right"),
    [
        ("S 0 | M -50 24500 | M -10 24508 | E 12000", 1000, True),
        ("S 0 | M -50 24500 | M -10 24513 | E 12000", 1000, False),  # more than all
        ("S 0 | M -50 24500 | M -10 24504 | E 12000", 1000, False),  # too little for the time
        ("S 0 | M -50 24500 | E 12000", 1000, False),
        ("S 0 | M -50 24500 | M -10 24508 | E 12000 odd got:0", 1000, False),
        ("S 0 | M -50 1200000000 | M -10 1208000000 | E 12000", 0.001, True),
        ("S 0 | M -50 1200000000 | M -10 1213000000 | E 12000", 0.001, False),
    ],
)
def test_the_meter_in_another_unit_beside_start_and_stop_that_count(sent: str, factor: float, right: bool) -> None:
    case = case_of(sent)

    assert gains_in_other_unit(case, 12000, case.points, factor) is right
