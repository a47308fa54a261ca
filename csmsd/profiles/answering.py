"""The way of a charge point's request: read → handled, or confirmed unread → what follows by the rules of other slices.

Pure: who calls it commits the changes, then answers, then tells the events.
"""

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.frames import Damage, written_out
from csmsd.ocpp.reading import Deviation, read
from csmsd.ocpp.types import Message
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.following import observed
from csmsd.profiles.record import Event
from csmsd.profiles.slice import Context, Incoming, Reply

Payload = bytes | msgspec.Raw


def answer(
    slice_: Incoming[Message, Message], payload: Payload, at: Context, damage: Damage | None = None
) -> Reply[Message]:
    """The reply to a request, with all that follows from it. Raises OcppError where it is answered with a CALLERROR."""
    reply = _handled(slice_, payload, at) if damage is None else _handled_all_the_same(slice_, payload, at, damage)
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


def damages(damage: Damage) -> list[Deviation]:
    """What was wrong with the text, to be counted."""
    return [Deviation("frame", mend, "FormationViolation") for mend in damage.mends]


def _handled_all_the_same(
    slice_: Incoming[Message, Message], payload: Payload, at: Context, damage: Damage
) -> Reply[Message]:
    """Handles a request whose text was no JSON, where its meaning is certain.

    A transaction message of which something was left out is kept, and booked only if all that it must have is there.
    """
    found = damages(damage)
    at.deviations.extend(found)
    if at.charge_point.record.strict:
        raise OcppError("FormationViolation", f"frame: {found[0].kind.replace('_', ' ')}")
    if damage.text is None or not slice_.kept_when_refused:
        return _handled(slice_, payload, at)
    try:
        message, deviations = read(slice_.request, payload)
    except OcppError as error:
        why = damage.unreadable or f"its text is incomplete: {error.description}"
        raise OcppError("FormationViolation", why) from None
    at.deviations.extend(deviations)
    reply = slice_.handle(message, at)
    kept = _kept(slice_, f"incomplete: {', '.join(damage.mends)}", damage.text, at)
    if kept is None:
        return reply
    told = Event("message.quarantined", at.charge_point.id, {"action": slice_.action})
    return Reply(reply.confirmation, [*reply.changes, kept], [*reply.events, told], reply.later)


def _kept(slice_: Incoming[Message, Message], reason: str, payload: object, at: Context) -> QuarantinedMessage | None:
    """A message for the operator; None when it came before, and is on the list."""
    text = written_out(payload)
    if at.charge_point.orphans.repeated(slice_.action, text) is not None:
        return None
    return at.site.quarantine(at.charge_point, at.now, slice_.action, reason, text)


def refused(
    slice_: Incoming[Message, Message],
    payload: Payload,
    error: OcppError,
    at: Context,
    damage: Damage | None = None,
) -> QuarantinedMessage | None:
    """What is kept of a request that gets a CALLERROR: transaction messages, which are dropped after some attempts."""
    if not slice_.kept_when_refused:
        return None
    text = None if damage is None else damage.text
    return _kept(slice_, f"refused: {error.code}", _parsed(payload) if text is None else text, at)


def _parsed(payload: Payload) -> object:
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return bytes(payload).decode(errors="replace")
