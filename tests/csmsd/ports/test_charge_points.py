"""What an edge may conclude from how a CALL ended."""

import pytest

from csmsd.ports.charge_points import CallEnd, CallTicket


@pytest.mark.parametrize(
    ("end", "never_sent"),
    [
        (CallEnd("not_connected"), True),
        (CallEnd("withdrawn"), True),
        (CallEnd("timeout"), True),  # its turn never came
        (CallEnd("timeout", duration_ms=30_000), False),  # sent, and not answered
        (CallEnd("timeout", duration_ms=0), False),
        (CallEnd("unknown"), False),
        (CallEnd("confirmed", duration_ms=5), False),
        (CallEnd("call_error", duration_ms=5), False),
    ],
)
def test_only_what_certainly_did_not_leave_was_never_sent(end: CallEnd, never_sent: bool) -> None:
    """A command that was not sent may be given again; one that may have been sent, never by itself."""
    assert end.never_sent is never_sent


def test_what_nobody_holds_cannot_be_withdrawn() -> None:
    assert CallTicket().withdraw() is False
