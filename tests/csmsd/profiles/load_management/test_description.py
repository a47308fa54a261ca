"""Circuits as people write them."""

import tomllib
from typing import Any

import pytest

from csmsd.profiles.load_management.circuits import CircuitError, check_circuits
from csmsd.profiles.load_management.description import describe_circuits, read_circuits

FILE = """
[circuits.main]
limit = "63A"
reserve = ["20A", "10A", "10A"]
reading_max_age = 60
timetable = "17:00-20:00=40A"

[circuits.garage]
parent = "main"
limit = ["32A", "none", "none"]
power = "7360W"

[[circuits.garage.members]]
charge_point = "CP1"
phases = "L1"
fallback = "8A"

[[circuits.garage.members]]
charge_point = "CP2"
connector = 2
phases = "L1"
rating = "16A"
minimum = "8A"
weight = 3
decimals = true
lowest = "6A"
clock_skew = 30
"""


def test_what_was_read_is_written_as_it_was() -> None:
    described = tomllib.loads(FILE)
    circuits, members = read_circuits(described)
    check_circuits(circuits, members)
    assert describe_circuits(circuits, members) == described
    assert (circuits[0].l2_ma, circuits[0].reserve_l1_ma, circuits[1].l2_ma, circuits[1].power_w) == (
        63_000,
        20_000,
        None,
        7_360,
    )
    assert (members[1].step_ma, members[1].floor_ma, members[1].rating_ma, members[1].skew_s) == (
        100,
        6_000,
        16_000,
        30,
    )
    assert (members[0].fallback_ma, members[1].fallback_ma) == (8_000, None)


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ({"circuit": {}}, "unknown field"),
        ({"circuits": {"main": {"limits": "63A"}}}, "unknown field"),
        ({"circuits": {"main": {"limit": "63"}}}, "is no limit"),
        ({"circuits": {"main": {"limit": "40kW"}}}, "main: 40kW is a power"),
        ({"circuits": {"main": {"power": "40A"}}}, "main: 40A is a current"),
        ({"circuits": {"main": {"limit": ["1A", "2A"]}}}, "one current for all phases, or three"),
        ({"circuits": {"main": {"limit": "63A", "members": [{}]}}}, "charge_point"),
        ({"circuits": {"main": {"limit": "6A", "members": [{"charge_point": "C", "rating": "x"}]}}}, "is no limit"),
    ],
)
def test_what_cannot_be_read_is_named(described: Any, why: str) -> None:
    with pytest.raises(CircuitError, match=why):
        read_circuits(described)


def test_nothing_is_described_as_nothing() -> None:
    assert describe_circuits([], []) == {"circuits": {}}
    assert read_circuits({}) == ([], [])
