"""What becomes of a charge point's request: read → handled, or confirmed unread → what follows from it.

Pure: who calls it commits the changes, then answers, then tells the events. One that can be read as it stands, as
nearly all can, goes from `charge_points/dispatch.py` straight to its slice.
"""

from collections.abc import Generator, Sequence

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.frames import Damage
from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.payloads import read_long_payload, read_payload
from csmsd.ocpp.types import Message
from csmsd.profiles.action import Context, Incoming, Prepared, Reply
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.orphans import FAILED
from csmsd.profiles.following import with_what_follows
from csmsd.profiles.record import Change, Event

Payload = bytes | msgspec.Raw

LONGEST = 128 * 1024  # bytes of a request, save those that may be long


def prepare(
    declared: Incoming[Message, Message], payload: Payload, at: Context
) -> Generator[Sequence[Change], None, Prepared]:
    """What takes long in the answer to a long request, worked out in turns.

    What it yields is to be stored at once. Raises NotRemembered.
    """
    assert declared.prepare is not None
    reading = read_long_payload(declared.request, payload, strict=at.charge_point.record.strict)
    try:
        while True:
            next(reading)
            yield ()
    except StopIteration as read:
        message, deviations = read.value
    except OcppError as error:
        return Prepared(None, unreadable=(error.code, error.description))
    worked_out = yield from declared.prepare(message, at)
    return Prepared(message, deviations, worked_out)


def answer(
    declared: Incoming[Message, Message], payload: Payload, at: Context, damage: Damage | None = None
) -> Reply[Message]:
    """The reply to a request, with all that follows from it. Raises OcppError where it is answered with a CALLERROR."""
    if damage is None:
        return with_what_follows(_handled(declared, payload, at), at.site, at.now)
    return with_what_follows(_handled_all_the_same(declared, payload, at, damage), at.site, at.now)


def _handled(declared: Incoming[Message, Message], payload: Payload, at: Context) -> Reply[Message]:
    strict = at.charge_point.record.strict
    try:
        message, deviations = _read(declared, payload, at, strict=strict)
    except OcppError as error:
        if declared.unreadable is None or strict:
            raise
        at.note("", f"unreadable:{error.code}")
        return declared.unreadable(_parsed(payload), at)
    at.deviations.extend(deviations)
    return declared.handle(message, at)


def _read(
    declared: Incoming[Message, Message], payload: Payload, at: Context, *, strict: bool = False
) -> tuple[Message, list[Deviation]]:
    prepared = at.prepared
    if prepared is None:  # nearly always
        return read_payload(declared.request, payload, strict=strict)
    if prepared.unreadable is not None:
        raise OcppError(*prepared.unreadable)
    assert prepared.message is not None
    return prepared.message, prepared.deviations


def damages(damage: Damage) -> list[Deviation]:
    """What was wrong with the text, to be counted."""
    return [Deviation("frame", mend, "FormationViolation") for mend in damage.mends]


def _handled_all_the_same(
    declared: Incoming[Message, Message], payload: Payload, at: Context, damage: Damage
) -> Reply[Message]:
    """Handles a request whose text was no JSON, where its meaning is certain.

    A transaction message of which something was left out is kept, and booked only if all that it must have is there.
    """
    found = damages(damage)
    at.deviations.extend(found)
    if at.charge_point.record.strict:
        raise OcppError("FormationViolation", f"frame: {found[0].kind.replace('_', ' ')}")
    if damage.text is None or not declared.kept_when_refused:
        return _handled(declared, payload, at)
    try:
        message, deviations = _read(declared, payload, at)
    except OcppError as error:
        why = damage.unreadable or f"its text is incomplete: {error.description}"
        raise OcppError("FormationViolation", why) from None
    at.deviations.extend(deviations)
    text = written_out(damage.text)
    if at.charge_point.orphans.repeated(declared.action, text) is not None:
        return declared.handle(message, at)
    at.site.require_room_in_quarantine(at.charge_point, at.now, declared.action, text)
    reply = declared.handle(message, at)
    reason = f"incomplete: {', '.join(damage.mends)}"
    kept = at.site.set_aside(at.charge_point, at.now, declared.action, reason, text)
    told = Event("message.quarantined", at.charge_point.id, {"action": declared.action})
    return Reply(reply.confirmation, [*reply.changes, kept], [*reply.events, told], reply.later)


def refused(
    declared: Incoming[Message, Message],
    payload: Payload,
    error: OcppError,
    at: Context,
    damage: Damage | None = None,
) -> QuarantinedMessage | None:
    """What is kept of a request that gets a CALLERROR: transaction messages, which are dropped after some attempts.

    None of one that came before, and is on the list, and where there is no room.
    """
    if not declared.kept_when_refused or error.code == "InternalError":  # that one is no verdict: it comes again
        return None
    return _put_aside(declared, payload, f"refused: {error.code}", at, damage)


def failed(
    declared: Incoming[Message, Message], payload: Payload, at: Context, damage: Damage | None
) -> QuarantinedMessage | None:
    """What is kept of a request that csms fails to handle, as of one that is refused.

    It comes again, but not for ever (C 3.7.1, 9.1.31).
    """
    return _put_aside(declared, payload, FAILED, at, damage) if declared.kept_when_refused else None


def settled_by(declared: Incoming[Message, Message], payload: Payload, at: Context) -> list[Change]:
    """What was kept of a request that csms had failed to handle before, and has handled now."""
    orphans, text = at.charge_point.orphans, written_out(_parsed(payload))
    known = orphans.repeated(declared.action, text)
    if known is None or known.number not in orphans.failed:
        return []
    kept = at.site.set_aside_again(at.charge_point, known, text)
    at.site.settle_message(kept, "came again, and was handled", at.now)
    return [kept]


def _put_aside(
    declared: Incoming[Message, Message], payload: Payload, reason: str, at: Context, damage: Damage | None
) -> QuarantinedMessage | None:
    whole = None if damage is None else damage.text
    text = written_out(_parsed(payload) if whole is None else whole)
    if at.charge_point.orphans.repeated(declared.action, text) is not None:
        return None
    try:
        return at.site.quarantine(at.charge_point, at.now, declared.action, reason, text)
    except OcppError:
        return None


def _parsed(payload: Payload) -> object:
    try:
        return msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return bytes(payload).decode(errors="replace")
