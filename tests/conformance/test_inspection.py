"""What is looked at in every frame of csmsd, and how payloads are compared."""

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
from csmsctl.conformance.inspection import Inspection, Observations


def inspected(*frames: str | bytes, sent: tuple[str, ...] = ()) -> Observations:
    observations = Observations()
    inspection = Inspection("CP", observations, None)
    for text in sent:
        inspection.sent(text)
    for frame in frames:
        inspection.received(frame)
    return observations


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        (['[2,"1","Reset",{"type":"Soft"}]', '[2,"2","Reset",{"type":"Soft"}]'], "while a CALL had no answer yet"),
        (['[2,"' + "x" * 37 + '","ClearCache",{}]'], "37 characters"),
        (['[2,"","ClearCache",{}]'], "0 characters"),
        (['[2,"1","ClearCache"]'], "no frame"),
        (['[2,"1","ClearCache",null]'], "no frame"),
        (['[2,1,"ClearCache",{}]'], "no frame"),
        (['[3,"9",{}]'], "not asked"),
        (['[5,"9",{}]'], "no frame"),
        (["{}"], "no frame"),
        (["["], "not JSON"),
        ([b'[2,"1","ClearCache",{}]'], "binary"),
        (['[2,"1","ReserveNow",{"expiryDate":"2026-01-01T00:00:00Z"}]'], "milliseconds"),
        (['[2,"1","ReserveNow",{"expiryDate":"2026-01-01T00:00:00.000+00:00"}]'], "milliseconds"),
        (['[2,"1","ReserveNow",{"expiryDate":"2026-13-01T00:00:00.000Z"}]'], "milliseconds"),
        (['[4,"a","NotSupported","' + "x" * 256 + '",{}]'], "errorDescription"),
    ],
)
def test_a_wrong_frame_is_found(frames: list[str | bytes], complaint: str) -> None:
    observations = inspected(*frames, sent=('[2,"a","Heartbeat",{}]',))
    assert len(observations.violations) == 1
    assert complaint in observations.violations[0]


def test_a_unique_id_is_used_once() -> None:
    observations = Observations()
    inspection = Inspection("CP", observations, None)
    inspection.received('[2,"1","ClearCache",{}]')
    inspection.sent('[3,"1",{"status":"Accepted"}]')
    inspection.received('[2,"1","ClearCache",{}]')
    assert len(observations.violations) == 1
    assert "second time" in observations.violations[0]


def test_right_frames_are_left_alone() -> None:
    observations = inspected(
        '[3,"a",{"currentTime":"2026-01-01T00:00:00.000Z"}]',
        '[4,"b","NotSupported","",{}]',
        '[2,"1","SendLocalList",{"localAuthorizationList":[{"idTagInfo":{"expiryDate":"2026-01-01T00:00:00.000Z"}}]}]',
        sent=('[2,"a","Heartbeat",{}]', '[2,"b","Reset",{}]', "no JSON"),
    )
    assert observations.violations == []
    assert (observations.timestamps, observations.bad_timestamps) == (2, 0)
    assert len(observations.conversation) == 6


def test_an_oracle_is_asked_for_both_directions() -> None:
    asked: list[tuple[str, bool]] = []

    def oracle(action: str, payload: object, confirmation: bool) -> list[str]:
        asked.append((action, confirmation))
        return ["wrong"]

    observations = Observations()
    inspection = Inspection("CP", observations, oracle)
    inspection.sent('[2,"a","Heartbeat",{}]')
    inspection.received('[3,"a",{}]')
    inspection.received('[2,"1","ClearCache",{}]')
    assert asked == [("Heartbeat", True), ("ClearCache", False)]
    assert observations.violations == ["wrong", "wrong"]


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
