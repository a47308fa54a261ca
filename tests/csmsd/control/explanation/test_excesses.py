"""A vehicle that drew more than the limits of the time: odd, and told."""

import pytest

from csmsd.control.explanation.facts import Measured
from csmsd.control.explanation.story import Story
from tests.csmsd.control.explanation.told import MINUTE, conclusion, facts, lines, profile, set_profile, task
from tests.csmsd.profiles.scene import NOON

LIMIT = "8 A by profile 3 (TxDefaultProfile, level 0)"


def drawn(*readings: tuple[float, float | None, float | None]) -> list[Measured]:
    return [Measured(NOON + round(minute * MINUTE), None, current, power) for minute, current, power in readings]


def test_a_limit_that_was_not_kept_is_odd() -> None:
    found = facts(
        profile_tasks=[set_profile(6, -10, 8)], measured=drawn((5, 16.0, 11_000), (6, 15.5, None), (30, 8.0, None))
    )
    assert (5, "excess", f"16.0 A were drawn, and the limit was {LIMIT}") in lines(found)
    assert (
        f"Odd: 16.0 A were drawn, and the limit was {LIMIT}. The charge point did not keep it."
        in Story(found).conclusion
    )


@pytest.mark.parametrize(
    "readings",
    [
        [(5, 8.9, None)],  # a meter is not exact
        [(0.9, 16.0, None)],  # it has a minute to act
        [(5, None, 5520.0)],  # 8 A on three phases
        [(5, None, None)],
        [(5, 7.0, 11_000.0)],  # by the phase, which is what the limit is about
    ],
)
def test_no_false_doubt(readings: list[tuple[float, float | None, float | None]]) -> None:
    found = facts(profile_tasks=[set_profile(6, -10, 8)], measured=drawn(*readings))
    assert "Odd" not in conclusion(found)


def test_power_alone_shows_what_three_phases_cannot_have_been() -> None:
    found = facts(profile_tasks=[set_profile(6, -10, 8)], measured=drawn((5, None, 11_040.0)))
    assert "Odd: 16.0 A were drawn" in conclusion(found)


def test_limits_in_watts() -> None:
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4000}]}
    request = {"connectorId": 1, "csChargingProfiles": profile(0, chargingSchedule=schedule)}
    sent = [task(6, -10, "SetChargingProfile", request)]
    assert "Odd: 4700.0 W were drawn" in conclusion(facts(profile_tasks=sent, measured=drawn((5, 7.0, 4700.0))))
    assert "Odd" not in conclusion(facts(profile_tasks=sent, measured=drawn((5, 32.0, 4600.0))))


def test_without_limits_nothing_is_too_much() -> None:
    assert "Odd" not in conclusion(facts(measured=drawn((5, 80.0, 55_000.0))))
