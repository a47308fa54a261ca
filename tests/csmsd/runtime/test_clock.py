"""Jumps of the wall clock: noticed, waited out, and taken back without a trace."""

import asyncio

import pytest

from csmsd.profiles.milestone import Milestone
from csmsd.runtime.clock import steady_clock, wall_clock
from tests.csmsd.runtime.clocks import DAY, HOUR, MINUTE, NOON, YEARS, Clocks


@pytest.fixture
def clocks() -> Clocks:
    made = Clocks()
    made.watch.resume(None, None)
    return made


@pytest.mark.parametrize("by", [YEARS, -YEARS, 61_000, -61_000])
def test_after_a_jump_nothing_is_forgotten_for_a_day(clocks: Clocks, by: int) -> None:
    clocks.go_on(10 * DAY)
    assert clocks.watch.to_forget_by() == clocks.wall
    clocks.set(by)
    assert clocks.watch.to_forget_by() is None, "noticed by whoever asks, not only by the next round"
    assert clocks.watch.jump == Milestone(name="clock_jump", at=clocks.wall, number=by)
    clocks.go_on(DAY - 1)
    assert clocks.watch.patience() == 1
    clocks.go_on(1)
    assert clocks.watch.to_forget_by() == clocks.wall


def test_a_jump_that_is_taken_back_is_another_one(clocks: Clocks) -> None:
    clocks.set(YEARS)
    clocks.go_on(DAY // 2)
    clocks.set(-YEARS)
    clocks.go_on(DAY // 2)
    assert clocks.watch.patience() > 0
    assert clocks.watch.jump is not None
    assert clocks.watch.jump.number == -YEARS


def test_a_minute_is_no_jump_but_two_steps_beyond_it_are(clocks: Clocks) -> None:
    clocks.set(MINUTE)
    assert clocks.watch.patience() == 0
    clocks.set(1)
    assert clocks.watch.patience() == DAY
    clocks.set(-40_000)
    assert clocks.watch.patience() == DAY
    assert clocks.watch.jump is not None
    assert clocks.watch.jump.number == MINUTE + 1


def test_a_clock_that_drifts_has_not_jumped(clocks: Clocks) -> None:
    for _ in range(100):
        clocks.set(5 * 360)  # of an hour half of a thousandth: as fast as a clock is slewed
        clocks.go_on(HOUR)
    assert clocks.watch.jump is None


def test_small_steps_are_no_drift_however_long_the_clocks_have_gone_on_together(clocks: Clocks) -> None:
    """Else whoever sets the clock in steps of less than a minute is not noticed."""
    clocks.go_on(10 * DAY)
    clocks.set(40_000)
    clocks.go_on(1000)
    assert clocks.watch.patience() == 0
    clocks.set(40_000)
    clocks.go_on(1000)
    assert clocks.watch.jump is not None
    assert clocks.watch.jump.number == 80_000 - 1, "what may be slewed in the second between them is drift"


@pytest.mark.parametrize("by", [2 * HOUR, YEARS])
def test_nothing_expires_within_an_hour_of_a_jump_forward(clocks: Clocks, by: int) -> None:
    due = clocks.wall + 30 * MINUTE
    clocks.set(by)
    assert clocks.watch.to_expire_by() < due
    clocks.go_on(30 * MINUTE)
    assert clocks.watch.to_expire_by() == due, "when its time is over by both"
    clocks.go_on(30 * MINUTE - 1)
    assert clocks.watch.to_expire_by() == due + 30 * MINUTE - 1
    clocks.go_on(1)
    assert clocks.watch.to_expire_by() == clocks.wall, "nobody has taken it back: it is right"


def test_what_is_taken_back_within_the_hour_was_nothing(clocks: Clocks) -> None:
    clocks.set(YEARS)
    clocks.go_on(50 * MINUTE)
    clocks.set(-YEARS)
    clocks.go_on(MINUTE)
    assert clocks.watch.to_expire_by() == clocks.wall == NOON + 51 * MINUTE
    clocks.set(YEARS)
    clocks.go_on(59 * MINUTE)
    assert clocks.watch.to_expire_by() == NOON + 110 * MINUTE, "an hour of its own"


def test_two_jumps_after_each_other_are_held_against_the_time_before_both(clocks: Clocks) -> None:
    clocks.set(DAY)
    clocks.go_on(MINUTE)
    clocks.set(DAY)
    clocks.go_on(MINUTE)
    assert clocks.watch.to_expire_by() == NOON + 2 * MINUTE


def test_a_time_between_two_jumps_counts_as_well(clocks: Clocks) -> None:
    clocks.set(-DAY)
    clocks.go_on(MINUTE)
    clocks.set(YEARS)
    assert clocks.watch.to_expire_by() == NOON - DAY + MINUTE


def test_after_a_jump_back_things_last_as_the_clock_says(clocks: Clocks) -> None:
    clocks.set(-DAY)
    assert clocks.watch.to_expire_by() == clocks.wall


# --- over a restart


def test_nothing_is_forgotten_before_it_is_known_what_an_earlier_csmsd_saw() -> None:
    clocks = Clocks()
    assert clocks.watch.to_forget_by() is None
    clocks.set(YEARS)
    clocks.watch.resume(None, NOON)
    assert clocks.watch.patience() == DAY, "it jumped since csmsd started"
    assert clocks.watch.jump == Milestone(name="clock_jump", at=NOON + YEARS, number=YEARS)


@pytest.mark.parametrize("down", [-MINUTE, 0, HOUR, DAY])
def test_an_ordinary_restart_is_no_jump(clocks: Clocks, down: int) -> None:
    clocks.watch.resume(None, NOON - down)
    assert (clocks.watch.jump, clocks.watch.patience()) == (None, 0)


@pytest.mark.parametrize("by", [-MINUTE - 1, -YEARS, DAY + 1, YEARS])
def test_a_clock_that_was_set_while_csmsd_was_away(clocks: Clocks, by: int) -> None:
    clocks.watch.resume(None, NOON - by)
    assert clocks.watch.jump == Milestone(name="clock_jump", at=NOON, number=by)
    assert clocks.watch.patience() == DAY


def test_a_restart_does_not_end_the_patience(clocks: Clocks) -> None:
    jump = Milestone(name="clock_jump", at=NOON - 10 * HOUR, number=YEARS)
    clocks.watch.resume(jump, NOON - MINUTE)
    assert clocks.watch.patience() == 14 * HOUR
    assert clocks.watch.jump is jump
    clocks.go_on(14 * HOUR)
    assert clocks.watch.patience() == 0


@pytest.mark.parametrize("at", [NOON - DAY, NOON + 1])
def test_a_jump_of_long_ago_or_of_a_time_that_was_wrong_is_over(clocks: Clocks, at: int) -> None:
    clocks.watch.resume(Milestone(name="clock_jump", at=at, number=1), NOON)
    assert clocks.watch.patience() == 0


async def test_the_clocks_of_this_machine() -> None:
    wall, steady = wall_clock(), steady_clock()
    await asyncio.sleep(0.01)
    assert 0 < steady_clock() - steady < 60_000
    assert 1_600_000_000_000 < wall <= wall_clock()
