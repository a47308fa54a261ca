"""What is as specified within a message that is not is taken as it is: no otherwise than if it were looked through."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import read_payload_value
from csmsd.ocpp.types import ChargingSchedule
from tests.csmsd.ocpp.car import CAR, CarReq

SIZES = (
    st.integers(-5, 2**65) | st.booleans() | st.none() | st.floats() | st.sampled_from(["16", " 17 ", "wide", "1e3"])
)
TYRES = st.sampled_from(["Summer", "Winter", "winter", "Slick", "", None, 5, 2.5, True]) | st.lists(
    st.none(), max_size=1
)
WHEELS = st.fixed_dictionaries({}, optional={"size": SIZES, "tyre": TYRES, "Size": SIZES, "TYRE": TYRES, "x": TYRES})


@given(WHEELS)
@example({"size": 16, "tyre": "Winter"})
@example({"size": 16, "tyre": None})
@example({"size": 16, "rim": "Steel"})
@example({"size": 2**63})
def test_an_element_is_read_as_what_stands_alone(wheel: object) -> None:
    try:
        alone = read_payload_value(CarReq, {**CAR, "spare": wheel})
    except OcppError:
        alone = None

    read, deviated = read_payload_value(CarReq, {**CAR, "wheels": [wheel]})

    if alone is None:
        assert read.wheels == []
        assert deviated[-1].kind == "dropped"
    else:
        assert read.wheels == [alone[0].spare]
        assert [(found.field.replace("wheels[0]", "spare"), found.kind, found.code) for found in deviated] == [
            (found.field, found.kind, found.code) for found in alone[1]
        ]


def test_each_element_counts_for_itself() -> None:
    good, odd = {"size": 16, "tyre": "Winter"}, {"size": "15", "tyre": "winter"}

    read, deviated = read_payload_value(CarReq, {**CAR, "wheels": [good, odd, good, None, good]})

    assert msgspec.to_builtins(read.wheels) == [good, {"size": 15, "tyre": "Winter"}, good, good]
    assert [(found.field, found.kind) for found in deviated] == [
        ("wheels[1].size", "not_an_integer"),
        ("wheels[1].tyre", "value_in_another_case"),
        ("wheels[3]", "dropped"),
    ]


def test_a_limit_without_limit_is_none() -> None:
    """JSON knows no such number, but Python's reads it."""
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 60, "limit": float("inf")}]

    with pytest.raises(OcppError, match="out of range"):
        read_payload_value(ChargingSchedule, {"chargingRateUnit": "A", "chargingSchedulePeriod": periods})


@pytest.mark.parametrize("seats", [True, False])
def test_what_is_true_or_false_is_no_number(seats: bool) -> None:
    with pytest.raises(OcppError, match="seats: must be an integer"):
        read_payload_value(CarReq, {**CAR, "seats": seats})
