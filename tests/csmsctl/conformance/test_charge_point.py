"""The charge point of a case: no answer of csmsd that is wrong gets past it."""

import json

import pytest

from csmsctl.conformance import charge_point
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import CASES, play_broken
from tests.csmsctl.conformance.spoiling import Frame, spoil_connections


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come soon does not come."""
    monkeypatch.setattr(charge_point, "SECONDS_ALLOWED", 1.0)


@pytest.mark.parametrize(
    ("what", "wrong", "complaint"),
    [
        ("no answer at all", None, "was not answered within"),
        ("CALLERROR", [4, "{id}", "InternalError", "", {}], "InternalError"),
        ("four elements", [4, "{id}", "InternalError", ""], "five elements"),
        (
            "a code of no specification",
            [4, "{id}", "OccurrenceConstraintViolation", "", {}],
            "no error code of the specification",
        ),
        ("details that are no object", [4, "{id}", "InternalError", "", None], "errorDetails"),
        ("an answer to something else", [3, "other", {"idTagInfo": {"status": "Accepted"}}], "not asked"),
        ("one field more", [3, "{id}", {"idTagInfo": {"status": "Accepted"}, "more": 1}], "more must be absent"),
        ("no JSON", '[3, "', "not JSON"),
    ],
)
async def test_a_wrong_answer_is_found(
    what: str,
    wrong: Frame | str | None,
    complaint: str,
    private_csmsd: Site,
    monkeypatch: pytest.MonkeyPatch,
    impatient: None,
) -> None:
    def spoil(of: str, frame: Frame) -> Frame | str | None:
        if of != "Authorize":
            return frame
        return [frame[1] if part == "{id}" else part for part in wrong] if isinstance(wrong, list) else wrong

    spoil_connections(monkeypatch, spoil)
    problem = (await play_broken(CASES["TC_003"], private_csmsd)).problem
    assert problem is not None
    assert complaint in problem


async def test_a_time_without_milliseconds_is_found(private_csmsd: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(_: str, frame: Frame) -> Frame:
        text = json.dumps(frame)
        if frame[0] == 3 and "currentTime" in frame[2]:
            return [*frame[:2], frame[2] | {"currentTime": frame[2]["currentTime"][:19] + "Z"}]
        return list(json.loads(text))

    spoil_connections(monkeypatch, spoil)
    outcome = await play_broken(CASES["TC_001"], private_csmsd)
    assert outcome.problem is not None
    assert outcome.observations.bad_timestamps > 0
