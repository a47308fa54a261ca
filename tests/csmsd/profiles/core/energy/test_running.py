"""How far the readings tell the energy, where a stop tells none."""

import pytest

from csmsd.profiles.core.energy.running import running_energy
from tests.csmsd.profiles.core.energy.cases import case_of, shown


@pytest.mark.parametrize(
    ("sent", "right"),
    [
        ("S 1000", "0"),
        ("S 1000 | M -50 1100 | M -40 1200", "200"),
        ("S 1000 | M -50 1200 | M -40 1192", "192"),
        ("S 1000 | M -50 1200 | M -40 1150 clock", "200"),
        ("S 1000 | M -50 995", "0"),
        ("S 1000 | M -50 900", "0"),
        ("S 12 | M -50 12500 | M -40 13000", "1000 (500..2000) unit"),
        ("S 0 | M -50 50000 | M -40 50100 | M -30 50200", "200 (200..50200) start_register"),
        ("S 1000 | M -50 3000 | M -40 10 | B -40 | M -30 500", "2500"),
        ("S 100000 | M -50 100.1 | M -40 100.25", "250 unit"),
        ("S 100000 | M -50 100.1 | M -40 100.25 | M -30 100400", "400 unit"),
        ("S 100000 | M -50 100100000 | M -40 100200000", "200 unit"),
        ("S 100000 | M -50 400 | M -40 800", "800"),
        ("S 100000 | M -50 100100 | M -50 5000000 | M -40 100200 | M -40 5000100", "200"),
        ("S 100000 | M -50 400 | M -50 9000000 | M -40 800 | M -40 9000100", "800"),
        ("S 100000 | M -50 400 | M -40 90 | M -30 800", "800 readings_disagree"),
        ("S 100000 | M -50 5000000 | M -40 5000100", "100 (100..83533.33333) start_register"),
        (
            "S 100000 | M -50 5000000 | M -40 5000100 | M -30 100",
            "100 (100..83533.33333) readings_disagree start_register",
        ),
        ("S 100000 | M -50 500000000 | M -40 900000000", "0 (0..160100) readings_disagree"),
        ("S 100000 | M -50 100500 | M -40 5000000 | M -30 100600", "600 readings_disagree"),
        ("S 100000 | M -50 100500 | M -40 300 | M -30 700", "900 (500..1200) went_back"),
        ("S 100000 | M -50 100500 | M -40 300", "500 (0..500) readings_disagree"),
        ("S 100000 | M -50 100500 | M -40 300 | M -30 700 | M -20 650", "500 (0..500) readings_disagree"),
        ("S 5000 odd got:-60 | M -50 5100 | M -40 5200", "200"),
    ],
)
def test_right(sent: str, right: str) -> None:
    assert shown(running_energy(case_of(sent))) == right
