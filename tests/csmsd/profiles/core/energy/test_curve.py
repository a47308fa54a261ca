"""How the energy of a transaction came over time, reckoned as for its bill."""

import pytest

from csmsd.profiles.core.energy.curve import energy_curve
from tests.csmsd.profiles.core.energy.played import minute, played


@pytest.mark.parametrize(
    ("sent", "energy", "points"),
    [
        ("S 1000 -60 | E 1500 0", 500, []),
        ("S 1000 -60 | M -30 1200 | M -20 1400 | E 1500 0", 500, [(-30, 200), (-20, 400)]),
        ("S 1000 -60 | M -20 1400 | M -30 1200 | E 1500 0", 500, [(-30, 200), (-20, 400)]),
        ("S 1000 -60 | M -30 1000 begin | M -20 1400 | E 1500 0", 500, [(-20, 400)]),
        ("S 1000 -60 | M -30 1200 | M 2 9000 | E 1500 0", 500, [(-30, 200)]),  # after the stop
        ("S 1000 -60 | M -30 1200 | M -20 7000 power | E 1500 0", 500, [(-30, 200)]),
        ("S 1000 -60 | M -30 1200 | M -20 1400", 300, [(-30, 200), (-20, 300)]),  # settled with less
        ("S 0 -60 | M -40 1500 interval | M -20 1500 interval | E 0 0", 3000, [(-40, 1500), (-20, 3000)]),
    ],
)
def test_points(sent: str, energy: int, points: list[tuple[float, int]]) -> None:
    assert energy_curve(played(sent), energy) == [(minute(str(at)), wh) for at, wh in points]


def test_of_what_is_not_plain_no_more_moments_are_reckoned_than_are_worth_it() -> None:
    readings = " | ".join(f"M -{600 - place} {1000 + place} @Body" for place in range(500))
    points = energy_curve(played(f"S 1000 -601 | {readings} | E 1500 0"), 500)

    assert 50 <= len(points) <= 100
    assert points == sorted(points)
    assert points[-1] == (minute("-101"), 499)
