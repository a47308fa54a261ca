"""What measured values mean."""

import pytest

from csmsd.ocpp.measurands import over_phases, state_of_charge


@pytest.mark.parametrize(
    ("values", "power"),
    [
        ({}, None),
        ({"": 11000}, 11000),
        ({"": 11000, "L1": 3600, "L2": 3600, "L3": 3600}, 11000),
        ({"L1": 3100, "L2": 3200, "L3": 3300}, 9600),
        ({"L1": 3100, "L2": 3200, "L3": 3300, "N": 50}, 9600),
        ({"L1-N": 3100, "L2-N": 3200, "L3-N": 3300}, 9600),
        ({"L1-N": 3100, "L2": 3200, "L3-N": 3300, "N": 5}, 9600),
        ({"L1": 3100, "L1-N": 3100}, 3100),
        ({"L2": 3200}, 3200),
        ({"L1": 0, "L2": 0}, 0),
        ({"L1-L2": 3000, "L2-L3": 3100, "L3-L1": 3200}, 9300),
        ({"L1": 3100, "L2": 3200, "L1-L2": 5000}, 6300),
        ({"A": 1, "B": 2, "N": 3}, 3),
        ({"N": 50}, None),
    ],
)
def test_power_over_all_phases(values: dict[str, float], power: float | None) -> None:
    assert over_phases(values) == power


@pytest.mark.parametrize(
    ("value", "unit", "percent"),
    [
        (0, "Percent", 0),
        (55.5, "Percent", 55.5),
        (100, "Percent", 100),
        (100.1, "Percent", None),
        (-1, "Percent", None),
        (230.4, "V", None),
        (55, "Wh", None),
        (55, "", None),
    ],
)
def test_a_state_of_charge_is_in_percent(value: float, unit: str, percent: float | None) -> None:
    assert state_of_charge(value, unit) == percent
