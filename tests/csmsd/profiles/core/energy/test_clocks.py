"""When a transaction began and ended, and which readings are its own."""

import pytest

from csmsd.profiles.core.energy.clocks import Clocks, own_readings_by_clocks, read_clocks
from csmsd.profiles.core.energy.plain import plain_reach
from tests.csmsd.profiles.core.energy.played import MINUTE, minute, played
from tests.csmsd.profiles.scene import HOUR, NOON

DAY = 24 * 60  # minutes


def judged(text: str) -> tuple[float | None, float | None, float, list[str]]:
    """(began, ended: minutes from noon; how many minutes the clock is ahead; doubts)."""
    clocks = read_clocks(played(text))

    def minutes(time: int | None) -> float | None:
        return None if time is None else (time - NOON) / MINUTE

    return minutes(clocks.began), minutes(clocks.ended), clocks.ahead / MINUTE, sorted(clocks.doubts)


@pytest.mark.parametrize(
    ("text", "began", "ended", "ahead", "doubts"),
    [
        ("S 1000 -60", -60, None, 0, []),
        ("S 1000 -60 | E 1300 0", -60, 0, 0, []),
        ("S 1000 -60 got:0 | E 1300 0", -60, 0, 0, []),  # it was offline
        # no clock
        ("S 1000 odd got:-60 | E 1300 0", None, 0, 0, ["start_clock"]),
        ("S 1000 -60 | E 1300 odd got:0", -60, None, 0, ["stop_clock"]),
        ("S 1000 odd got:-60 | E 1300 odd got:0", None, None, 0, ["start_clock", "stop_clock"]),
        # ahead by the same throughout, which is as good as right
        ("S 1000 -60 got:-90", -60, None, 30, []),
        ("S 1000 -60 got:-61", -60, None, 0, []),  # by a minute it may be
        ("S 1000 -60 got:-61.1", -60, None, 1.1, []),
        ("S 1000 -60 got:-90 | E 1300 0 got:-30", -60, 0, 30, []),
        ("S 1000 -60 got:-90 | E 1300 0 got:-31", -60, 0, 30, []),
        # set right in between
        ("S 1000 -60 got:-90 | E 1300 -70", -90, -70, 0, ["start_clock"]),
        ("S 1000 -60 got:-90 | E 1300 -61", -60, -61, 30, []),  # told later than it began, by a minute and less
        ("S 1000 -60 got:-90 | M -61.1 1100", -90, None, 0, ["start_clock"]),
        ("S 1000 -60 got:-90 | M -61 1100", -60, None, 30, []),
        ("S 1000 -60 got:-90 | M -61.1 1100 #2", -60, None, 30, []),
        ("S 1000 -60 got:-90 | M -70 1100 | E 1300 odd got:-30", -90, None, 0, ["start_clock", "stop_clock"]),
        # only the readings are by another clock
        ("S 1000 -60 got:-90 | M -80 1100 | E 1300 0 got:-30", -90, -30, 0, []),
        ("S 1000 -60 got:-90 | M -61 1100 | E 1300 0 got:-30", -60, 0, 30, []),
        # far behind, though something else is by a clock of the present
        (f"S 1000 -60 got:{31 * DAY} | E 1300 {31 * DAY}", None, 31 * DAY, 0, ["start_clock"]),
        (f"S 1000 -60 got:{31 * DAY} | E 1300 0 got:{31 * DAY}", -60, 0, 0, []),
        (f"S 1000 -60 got:{29 * DAY} | E 1300 {29 * DAY}", -60, 29 * DAY, 0, []),
        (f"S 1000 -60 got:{31 * DAY} | M {30 * DAY} 1100", None, None, 0, ["start_clock"]),
        (f"S 1000 -60 got:{31 * DAY} | M {30 * DAY - 61} 1100", -60, None, 0, []),
        (f"S 1000 -60 got:{31 * DAY} | M {30 * DAY} 1100 #2", -60, None, 0, []),
        # the stop
        ("S 1000 -60 | E 1300 -61", -60, -61, 0, []),
        ("S 1000 -60 | E 1300 -61.1", -60, -61.1, 0, ["stop_clock"]),
        ("S 1000 -60 | E 1300 -70 got:0", -60, 0, 0, ["stop_clock"]),
        ("S 1000 -60 | E 1300 0 got:-1", -60, 0, 0, []),
        ("S 1000 -60 | E 1300 0 got:-5", -60, 0, 0, []),  # it has gained that, or both are ahead by nearly a minute
        ("S 1000 -60 | E 1300 0 got:-5.1", -60, -5.1, 0, ["stop_clock"]),
        ("S 1000 -60 got:-61 | E 1300 0 got:-6", -60, 0, 0, []),
        ("S 1000 -60 got:-61 | E 1300 0 got:-6.1", -60, -6.1, 0, ["stop_clock"]),
        ("S 1000 -60 got:0 | E 1300 1.1 got:0", -60, 1.1, 0, []),  # it was offline
        (f"S 1000 -60 | E 1300 0 got:{31 * DAY}", -60, 31 * DAY, 0, ["stop_clock"]),
        (f"S 1000 -60 | E 1300 0 got:{29 * DAY}", -60, 0, 0, []),
        (f"S 1000 odd got:-60 | E 1300 0 got:{31 * DAY}", None, 0, 0, ["start_clock"]),
    ],
)
def test_when_it_began_and_ended(
    text: str, began: float | None, ended: float | None, ahead: float, doubts: list[str]
) -> None:
    assert judged(text) == (began, ended, ahead, doubts)


# --- what it can have come to


def clocks(began: float | None = -60, ended: float | None = 0, watts: float = 22_000) -> Clocks:
    return Clocks(
        None if began is None else minute(str(began)),
        None if ended is None else minute(str(ended)),
        0,
        watts,
        frozenset(),
    )


def test_what_it_can_have_come_to() -> None:
    assert clocks().since_start(NOON) == plain_reach(22_000, HOUR)
    assert clocks().until_end(NOON - HOUR // 2) == plain_reach(22_000, HOUR // 2)
    assert clocks(watts=400_000).since_start(NOON) == plain_reach(400_000, HOUR)


def test_where_a_time_is_not_known_it_is_what_a_wallbox_delivers_in_a_day() -> None:
    assert clocks(began=None, watts=400_000).since_start(NOON) == plain_reach(22_000, 24 * HOUR)
    assert clocks(ended=None, watts=50_000).until_end(NOON) == plain_reach(50_000, 24 * HOUR)
    assert clocks().since_start(None) == plain_reach(22_000, 24 * HOUR)


def test_of_what_is_not_known_it_is_likely_a_wallbox() -> None:
    assert read_clocks(played("S 1000")).likely_watts == 22_000
    assert read_clocks(played("S 1000")).watts == 400_000
    assert read_clocks(played("R 50000 | S 1000")).likely_watts == 50_000


# --- its own readings


def own(text: str) -> list[float]:
    sent = played(text)
    return [reading.value for reading in own_readings_by_clocks(sent, read_clocks(sent))[0]]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("S 1000 | M -30 1200 | M -50 1100", [1100, 1200]),
        ("S 1000 | M -50 1100 | M -50 1100 | M -50 1100 clock | M -50 1101", [1100, 1100, 1101]),
        ("S 1000 | M -50 1100 | M -50 88000 #0 | M -50 500 #2", [1100]),
        # before the start
        ("S 1000 | M -60 1000 | M -60.1 999 | M -50 1100", [1000, 1100]),
        ("S 1000 | M -75 1000 begin | M -50 1100", [1000, 1100]),
        ("S 1000 | M -75.1 1000 begin | M -50 1100", [1100]),
        # after the end
        ("S 1000 | M 1 1300 | M 1.1 1310 | E 1300", [1300]),
        ("S 1000 | M 15 1300 end | M 15.1 1310 end | E 1300", [1300]),
        ("S 1000 | M 300 1100 begin | M 300 1101 begin | M 300 899 begin | E 1300", [1100]),
        ("S ? | M 300 5000 begin | E 1300", [5000]),
        # no clock tells
        ("S 1000 odd got:-60 | M -600 900", [900]),
        ("S 1000 | M 600 1310 | E 1300 odd got:0", [1310]),
    ],
)
def test_which_readings_are_its_own(text: str, values: list[float]) -> None:
    assert own(text) == values


@pytest.mark.parametrize(
    ("text", "values", "doubted"),
    [
        ("S 1000 | M -300 1100 | M -200 1200", [1100, 1200], True),
        ("S 1000 | M -60.1 1011", [1011], True),
        ("S 1000 | M -60.1 1010", [], False),  # nothing went on from the start
        (f"S 1000 | M {-60 - 14 * 60} 1100", [1100], True),
        (f"S 1000 | M {-60.1 - 14 * 60} 1100", [], False),  # no time zone is so far away
        ("S 1000 | M -300 990 | M -200 1200", [990, 1200], True),
        ("S 1000 | M -300 989 | M -200 1200", [], False),  # that was before
        ("S 1000 | M -300 1100 | M -50 1150", [1150], False),  # one is in its time
        ("S 1000 | M -300 1100 | M -60 1000 begin", [1100], True),  # this one is of the start, by whatever clock
        ("S 1000 | M -300 1100 interval", [], False),
        ("S 1000 | M -300 1100 | M -250 5 power", [1100, 5], True),
        ("S ? | M -300 1100", [], False),
    ],
)
def test_readings_that_go_on_from_the_start_but_are_by_another_clock(
    text: str, values: list[float], doubted: bool
) -> None:
    sent = played(text)
    found, judged = own_readings_by_clocks(sent, read_clocks(sent))

    assert [reading.value for reading in found] == values
    assert ("start_clock" in judged.doubts) is doubted
    assert (judged.began is None) is doubted
