"""What is looked at in every frame of csmsd."""

import pytest

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
