"""How payloads are compared with what they should be."""

from datetime import timedelta

import pytest

from csmsctl.conformance.conditions import (
    POSITIVE,
    TIME,
    Failed,
    condition_about_time,
    condition_if_present,
    condition_one_of,
    conditions_unmet_by_record,
    differences_from_conditions,
    now_for_condition,
    read_time_for_condition,
    require_condition,
    write_time_for_condition,
)


@pytest.mark.parametrize(
    ("expected", "found", "count"),
    [
        ({"a": 1}, {"a": 1}, 0),
        ({"a": 1}, {"a": 2}, 1),
        ({"a": 1}, {"a": True}, 1),
        ({"a": 6.0}, {"a": 6}, 0),
        ({"a": 1}, {}, 1),
        ({}, {"a": 1}, 1),
        ({"a": [1, 2]}, {"a": [1]}, 1),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 3}]}, 2),
        ({"a": {"b": 1}}, {"a": None}, 1),
        ({"a": POSITIVE}, {"a": 0}, 1),
        ({"a": POSITIVE}, {"a": True}, 1),
        ({"a": POSITIVE}, {"a": "1"}, 1),
        ({"a": POSITIVE}, {"a": 1}, 0),
        ({"a": condition_if_present(POSITIVE)}, {}, 0),
        ({"a": condition_if_present(POSITIVE)}, {"a": -1}, 1),
        ({"a": condition_one_of("x", "y")}, {"a": "z"}, 1),
        ({"a": TIME}, {"a": "2026-01-01T00:00:00.000Z"}, 0),
        ({"a": TIME}, {"a": 0}, 1),
        ([], {}, 1),
    ],
)
def test_differences(expected: object, found: object, count: int) -> None:
    assert len(differences_from_conditions(expected, found)) == count


def test_a_record_may_have_more() -> None:
    assert conditions_unmet_by_record({"a": 1}, {"a": 1, "b": 2}) == []
    assert conditions_unmet_by_record({"a": 1}, {"b": 2}) == ["a is missing"]
    with pytest.raises(Failed, match="a reset: type is wrong"):
        require_condition(["type is wrong"], "a reset")


def test_about_a_time() -> None:
    moment = read_time_for_condition(now_for_condition())
    assert condition_about_time(timedelta(0)).holds(write_time_for_condition(moment + timedelta(seconds=20)))
    assert not condition_about_time(timedelta(0)).holds(write_time_for_condition(moment + timedelta(seconds=40)))
    assert not condition_about_time(timedelta(0)).holds("now")
