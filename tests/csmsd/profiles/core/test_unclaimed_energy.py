"""Energy that registers tell of and no transaction has: readings in, times and Wh out."""

import pytest

from csmsd.profiles.core.unclaimed_energy import Read, Span, find_unclaimed_energy
from tests.csmsd.profiles.scene import NOON

MINUTE = 60_000


def reads(*registers: tuple[float, float], connector: int = 1, charge_point: str = "CP1") -> list[Read]:
    return [Read(charge_point, connector, NOON + round(minute * MINUTE), wh) for minute, wh in registers]


def found(readings: list[Read], *busy: tuple[float, float]) -> list[tuple[str, int, float, float, int]]:
    spans: list[Span] = [(NOON + round(begin * MINUTE), NOON + round(end * MINUTE)) for begin, end in busy]
    return [
        (one.charge_point, one.connector, (one.since - NOON) / MINUTE, (one.until - NOON) / MINUTE, one.energy_wh)
        for one in find_unclaimed_energy(readings, {("CP1", 1): spans})
    ]


@pytest.mark.parametrize(
    ("registers", "busy", "expected"),
    [
        ([(0, 1000), (15, 2000), (30, 3000)], [], [("CP1", 1, 0, 30, 2000)]),
        ([(0, 1000), (15, 1000), (30, 3000), (45, 3000), (60, 3000)], [], [("CP1", 1, 15, 30, 2000)]),
        ([(0, 1000), (15, 2000), (30, 2000), (45, 3000)], [], [("CP1", 1, 0, 15, 1000), ("CP1", 1, 30, 45, 1000)]),
        ([(0, 1000), (600, 21000)], [], [("CP1", 1, 0, 600, 20000)]),  # the whole of it was lost
        ([(0, 1000), (15, 1099)], [], []),  # what it takes itself
        ([(0, 1000), (15, 1100)], [], [("CP1", 1, 0, 15, 100)]),
        ([(0, 1000), (15, 500), (30, 900)], [], [("CP1", 1, 15, 30, 400)]),  # set back, and on from there
        ([(0, 1000), (1, 2_000_000)], [], []),  # no connector delivers that
        ([(0, 1000)], [], []),
        ([], [], []),
        # a transaction ran, and has what flowed
        ([(0, 1000), (60, 9000)], [(10, 50)], []),
        ([(0, 1000), (60, 9000), (75, 9500)], [(10, 60)], [("CP1", 1, 60, 75, 500)]),
        ([(0, 1000), (15, 1500), (60, 9000)], [(15, 50)], [("CP1", 1, 0, 15, 500)]),
        ([(0, 1000), (60, 9000)], [(-20, -10), (70, 80)], [("CP1", 1, 0, 60, 8000)]),
    ],
)
def test_unclaimed(
    registers: list[tuple[float, float]],
    busy: list[tuple[float, float]],
    expected: list[tuple[str, int, float, float, int]],
) -> None:
    assert found(reads(*registers), *busy) == expected


def test_each_connector_is_for_itself() -> None:
    both = reads((0, 1000), (15, 2000)) + reads((0, 5000), (15, 5500), connector=2)
    other = reads((0, 9000), charge_point="CP2")
    assert found(both + other) == [("CP1", 1, 0, 15, 1000), ("CP1", 2, 0, 15, 500)]
    assert found(both, (5, 6)) == [("CP1", 2, 0, 15, 500)]
