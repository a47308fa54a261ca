"""What an answer says about a value that a charge point was sent."""

import pytest

from csmsd.operations.result import Result
from csmsd.operations.sending import has_taken
from csmsd.profiles.task import Outcome


@pytest.mark.parametrize(
    ("outcome", "status", "error", "taken"),
    [
        ("accepted", "Accepted", None, True),
        ("accepted", "RebootRequired", None, True),
        ("rejected", "Rejected", None, False),
        ("rejected", "NotSupported", None, False),
        ("rejected", "Stored", None, None),
        ("call_error", None, "NotSupported: no such key", False),
        ("call_error", None, "OccurrenceConstraintViolation", False),
        ("call_error", None, "InternalError: no memory for the answer", None),
        ("call_error", None, "GenericError", None),
        ("call_error", None, "Oops: what", None),
        ("call_error", None, "unreadable answer: it is cut off", None),
        ("timeout", None, "no answer within 30 s", None),
        ("unknown", None, "the connection was lost", None),
        ("not_connected", None, "CP1 is not connected", False),
        ("not_sent", None, "csmsd is stopping", False),
    ],
)
def test_what_is_not_said_is_not_known(
    outcome: Outcome, status: str | None, error: str | None, taken: bool | None
) -> None:
    assert has_taken(Result(charge_point="CP1", outcome=outcome, status=status, error=error)) is taken
