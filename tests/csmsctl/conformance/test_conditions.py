"""How payloads are compared with what they should be."""

from datetime import timedelta

import pytest

from csmsctl.conformance.conditions import (
    POSITIVE,
    TIME,
    Failed,
    about,
    differences,
    has,
    if_present,
    now,
    one_of,
    read_time,
    require,
    write_time,
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
        ({"a": if_present(POSITIVE)}, {}, 0),
        ({"a": if_present(POSITIVE)}, {"a": -1}, 1),
        ({"a": one_of("x", "y")}, {"a": "z"}, 1),
        ({"a": TIME}, {"a": "2026-01-01T00:00:00.000Z"}, 0),
        ({"a": TIME}, {"a": 0}, 1),
        ([], {}, 1),
    ],
)
def test_differences(expected: object, found: object, count: int) -> None:
    assert len(differences(expected, found)) == count


def test_a_record_may_have_more() -> None:
    assert has({"a": 1}, {"a": 1, "b": 2}) == []
    assert has({"a": 1}, {"b": 2}) == ["a is missing"]
    with pytest.raises(Failed, match="a reset: type is wrong"):
        require(["type is wrong"], "a reset")


def test_about_a_time() -> None:
    moment = read_time(now())
    assert about(timedelta(0)).holds(write_time(moment + timedelta(seconds=20)))
    assert not about(timedelta(0)).holds(write_time(moment + timedelta(seconds=40)))
    assert not about(timedelta(0)).holds("now")
