"""The way of a charge point's request: read → handled, or confirmed unread → what follows by the rules of other slices.

Pure: who calls it commits the changes, then answers, then tells the events.
"""

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.frames import written_out
from csmsd.ocpp.reading import read
from csmsd.ocpp.types import Message
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.following import observed
from csmsd.profiles.slice import Context, Incoming, Reply

Payload = bytes | msgspec.Raw


def answer(slice_: Incoming[Message, Message], payload: Payload, at: Context) -> Reply[Message]:
    """The reply to a request, with all that follows from it. Raises OcppError where it is answered with a CALLERROR."""
    reply = _handled(slice_, payload, at)
    if not reply.events:
        return reply
    changes, events = observed(reply.events, at.site, at.now)
    if not changes and not events:
        return reply
    return Reply(reply.confirmation, reply.changes + changes, reply.events + events, reply.later)


def _handled(slice_: Incoming[Message, Message], payload: Payload, at: Context) -> Reply[Message]:
    strict = at.charge_point.record.strict
    try:
        message, deviations = read(slice_.request, payload, strict=strict)
    except OcppError as error:
        if slice_.unreadable is None or strict:
            raise
        at.note("", f"unreadable:{error.code}")
        return slice_.unreadable(_parsed(payload), at)
    at.deviations.extend(deviations)
    return slice_.handle(message, at)


def refused(
    slice_: Incoming[Message, Message], payload: Payload, error: OcppError, at: Context
) -> QuarantinedMessage | None:
    """What is kept of a request that gets a CALLERROR: transaction messages, which are dropped after some attempts."""
    if not slice_.kept_when_refused:
        return None
    return QuarantinedMessage(
        charge_point=at.charge_point.id,
        received_at=at.now,
        action=slice_.action,
        reason=f"refused: {error.code}",
        payload=written_out(_parsed(payload)),
    )


def _parsed(payload: Payload) -> object:
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return bytes(payload).decode(errors="replace")
