"""Energy from registers that jump."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.profiles.core.energy import LIMIT_WH, EnergyRegister


def summed(*readings: float) -> EnergyRegister:
    """A register that stood at the first reading when the transaction began."""
    register = EnergyRegister(readings[0])
    for reading in readings[1:]:
        register.read(reading)
    return register


@pytest.mark.parametrize(
    ("what", "readings", "total", "suspect"),
    [
        ("nothing read", [1000], 0, False),
        ("steady", [1000, 1100, 1250, 1300], 300, False),
        ("standing still", [1000, 1100, 1100, 1100], 100, False),
        ("from zero", [0, 10, 20], 20, False),
        ("misread too low, once", [1000, 1100, 1200, 0, 1300], 300, True),
        ("misread too low, twice", [1000, 1100, 1200, 0, 5, 1300], 300, True),
        ("misread too high, once", [1000, 1100, 999_999, 1200, 1300], 300, True),
        ("misread too high, as the last reading before the stop", [1000, 1100, 999_999, 1150], 150, True),
        ("misread too high, while nothing was drawn", [1000, 999_999, 1000, 1000], 0, True),
        ("reset", [1000, 1100, 1200, 0], 200, True),
        ("reset, then growth", [1000, 1100, 1200, 0, 50, 120], 320, True),
        ("reset, then growth, first seen above zero", [1000, 1100, 1200, 30, 120], 290, True),
        ("reset twice", [1000, 1100, 1200, 0, 100, 0, 70], 370, True),
        ("reset, then growth beyond the old level", [1000, 1100, 1200, 0, 600, 1300], 300, True),
        ("reset after a level that was read twice", [0, 500, 500, 0, 300], 800, True),
        ("below the start, at the stop", [1000, 500], 0, True),
        ("below the start, then growth", [1000, 0, 400], 400, True),
        ("rounded up in kWh, exact at the stop", [1000, 1230, 1240, 1235], 235, False),
        ("jitter", [1000, 1100, 1098, 1101, 1100, 1200], 200, False),
        ("jitter at rest", [1000, 1100, 1100, 1098, 1100, 1098, 1100], 100, False),
        ("beyond any register", [1000, 1100, 1e15, 1200], 200, True),
        ("below any register", [1000, 1100, -1e15, 1200], 200, True),
        ("began beyond any register", [9e18, 1000, 1500], 500, True),
    ],
)
def test_hand_worked(what: str, readings: list[float], total: float, suspect: bool) -> None:
    register = summed(*readings)

    assert (register.total, register.suspect) == (total, suspect), what


@pytest.mark.parametrize(
    ("readings", "latest"), [([1000], 1000), ([1000, 1200], 1200), ([1000, 1100, 1200, 40], 40), ([1000, 1e15], 1000)]
)
def test_the_latest_reading(readings: list[float], latest: float) -> None:
    assert summed(*readings).latest == latest


READINGS = st.lists(
    st.integers(-1000, 10**7) | st.integers(-(10**19), 10**19) | st.sampled_from([0, 1, 1000]), min_size=1, max_size=30
).map(lambda numbers: [float(number) for number in numbers])
PLAUSIBLE = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).map(lambda numbers: [float(n) for n in numbers])


@given(READINGS)
def test_energy_is_never_negative_nor_more_than_can_be_kept(readings: list[float]) -> None:
    register = summed(*readings)

    assert 0 <= round(register.total) < 2**63
    assert abs(register.latest) <= LIMIT_WH


@given(PLAUSIBLE)
def test_energy_is_never_more_than_all_advances_together(readings: list[float]) -> None:
    assert summed(*readings).total <= sum(max(0.0, later - earlier) for earlier, later in pairwise(readings))


@given(PLAUSIBLE)
def test_a_register_that_only_grows_gives_last_minus_first(readings: list[float]) -> None:
    ordered = sorted(readings)
    register = summed(*ordered)

    assert (register.total, register.suspect) == (ordered[-1] - ordered[0], False)


@given(PLAUSIBLE)
def test_reading_a_value_twice_in_a_row_at_the_end_changes_nothing(readings: list[float]) -> None:
    register = summed(*readings)
    before = register.total
    register.read(register.latest)

    assert register.total == before


@given(PLAUSIBLE.map(sorted), st.integers(0, 29), st.integers(0, 10**9))
def test_one_misreading_among_growing_readings_never_raises_the_bill(
    readings: list[float], place: int, misread: int
) -> None:
    """Only one that nothing follows can: nothing shows that it is one."""
    place = 1 + place % len(readings)
    spoilt = [*readings[:place], float(misread), *readings[place:], readings[-1]]

    assert summed(*spoilt).total <= readings[-1] - readings[0]
