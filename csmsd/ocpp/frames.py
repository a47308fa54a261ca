"""Text to frames and back: CALL, CALLRESULT and CALLERROR (J 4.2)."""

import math
from collections.abc import Callable
from typing import Literal

import msgspec

from csmsd.ocpp import mending
from csmsd.ocpp.json_text import encode_json
from csmsd.ocpp.mends import Mend

# Longer ids than the 36 characters of J 4.1.4 occur; one is echoed up to this length and dropped beyond it.
MAX_UNIQUE_ID = 255
UniqueId = str | int | float

_EMPTY = msgspec.Raw(b"{}")


class Call(msgspec.Struct, array_like=True, tag=2):
    """[2, id, action, payload] (J 4.2.1)"""

    unique_id: UniqueId
    action: str
    payload: msgspec.Raw = _EMPTY


class CallResult(msgspec.Struct, array_like=True, tag=3):
    """[3, id, payload] (J 4.2.2)"""

    unique_id: UniqueId
    payload: msgspec.Raw = _EMPTY


class CallError(msgspec.Struct, array_like=True, tag=4):
    """[4, id, code, description, details] (J 4.2.3); always five elements when sent."""

    unique_id: UniqueId
    code: str
    description: str = ""
    details: msgspec.Raw = _EMPTY


Frame = Call | CallResult | CallError

Problem = Literal["empty", "not_json", "not_a_frame", "unknown_message_type", "bad_unique_id"]


class Unreadable(msgspec.Struct, frozen=True):
    """Text that is no frame. With a usable CALL id it can be answered, otherwise only counted."""

    problem: Problem
    detail: str
    unique_id: UniqueId | None = None


class Damage(msgspec.Struct, frozen=True):
    """What a second reading made of text that is no JSON: the mends that it needed.

    `text` is all that came, where something of it had to be left out. `unreadable` says why the payload cannot be
    read at all; then it is that text.
    """

    mends: list[Mend]
    text: str | None = None
    unreadable: str | None = None


class DamagedFrame(msgspec.Struct, frozen=True):
    """A frame out of text that was nearly one; `rest` is the text of a further frame behind it."""

    frame: Frame
    damage: Damage
    rest: str = ""


_decode: Callable[[str | bytes], Frame] = msgspec.json.Decoder(Frame).decode
_decode_any = msgspec.json.Decoder().decode
_ENDS_TOO_EARLY = "Input data was truncated"  # what msgspec says of text with which nothing else is wrong


def parse(text: str | bytes) -> Frame | DamagedFrame | Unreadable:
    """Reads one WebSocket message; never raises."""
    try:
        frame = _decode(text)
    except (ValueError, RecursionError):
        return _read_again(text)
    if isinstance(text, bytes) and not text.isascii() and not _is_utf_8(text):  # payloads have not been looked into
        return _read_again(text)
    unique_id = frame.unique_id
    if type(unique_id) is str and len(unique_id) <= MAX_UNIQUE_ID:
        return frame
    return _unusable(unique_id) or frame


def _unusable(unique_id: UniqueId) -> Unreadable | None:
    if isinstance(unique_id, float) and not math.isfinite(unique_id):
        return Unreadable("bad_unique_id", "the unique id is too large a number")
    length = len(str(unique_id))
    return Unreadable("bad_unique_id", f"unique id of {length} characters") if length > MAX_UNIQUE_ID else None


def _read_again(received: str | bytes) -> Frame | DamagedFrame | Unreadable:
    """Says what is wrong with text that is not a well-formed frame, and rescues what can be answered."""
    text, mends = mending.decoded_for_mending(received)
    if not text.strip():
        return Unreadable("empty", "empty message")
    problem = "too much stands in it for a message of OCPP"
    if not mending.is_crowded(text):
        try:
            frame = _frame(_decode_any(text))
        except (ValueError, RecursionError) as error:
            problem = str(error)
        else:
            if not mends and not _is_json(received):  # a tab or the end of a line in the middle of a text
                mends = ["control_character"]
            return DamagedFrame(frame, Damage(mends)) if mends and not isinstance(frame, Unreadable) else frame
        mended = mending.mend(text, ends_too_early=problem == _ENDS_TOO_EARLY)
        if mended is not None:
            frame = _frame(mended.value)
            if isinstance(frame, Unreadable):
                return frame
            return DamagedFrame(frame, Damage(mends + mended.mends, text if mended.lost else None), mended.rest)
    return _by_its_head(text, problem, mends)


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_json(text: str | bytes) -> bool:
    try:
        _decode_any(text)
    except (ValueError, RecursionError):
        return False
    return True


def _by_its_head(text: str, problem: str, mends: list[Mend]) -> DamagedFrame | Unreadable:
    """What can be said to text of which at most the beginning can be read."""
    head = mending.head_beyond_mending(text)
    if head is None:
        return Unreadable("not_json", problem)
    unusable = _unusable(head.unique_id)
    if unusable is not None:
        return unusable
    if head.kind == 2 and head.action is None:
        return Unreadable("not_json", problem, head.unique_id)
    damage = Damage([*mends, "unreadable"], text, problem)
    # Whoever waits for the answer need not wait any longer: it came, and its payload is text that nobody can read.
    frame: Frame
    if head.kind == 2:
        frame = Call(head.unique_id, head.action or "", _raw(text))
    elif head.kind == 3:
        frame = CallResult(head.unique_id, _raw(text))
    else:
        frame = CallError(head.unique_id, "GenericError", "its CALLERROR cannot be read")
    return DamagedFrame(frame, damage)


def _frame(value: object) -> Frame | Unreadable:
    """The frame that parsed JSON is, or what is wrong with it."""
    if not isinstance(value, list) or not value:
        return Unreadable("not_a_frame", "a frame is a JSON array that begins with 2, 3 or 4")
    kind, rest = value[0], value[1:]
    if kind in ("2", "3", "4"):  # seen in the field: the message type as text
        kind = int(kind)
    # J 4.1.3: a message type that is not known is ignored.
    if kind not in (2, 3, 4) or isinstance(kind, bool):
        return Unreadable("unknown_message_type", f"message type {str(kind)[:40]}")
    unique_id = rest[0] if rest else None
    if not isinstance(unique_id, str | int | float) or isinstance(unique_id, bool):
        return Unreadable("bad_unique_id", "the unique id is neither text nor a number")
    unusable = _unusable(unique_id)
    if unusable is not None:
        return unusable
    try:
        if kind == 2:
            if len(rest) < 2 or not isinstance(rest[1], str):
                return Unreadable("not_a_frame", "a CALL needs an action as its third element", unique_id)
            return Call(unique_id, rest[1], _raw(rest[2] if len(rest) > 2 else {}))
        if kind == 3:
            return CallResult(unique_id, _raw(rest[1] if len(rest) > 1 else {}))
        code = rest[1] if len(rest) > 1 else None
        description = rest[2] if len(rest) > 2 else None
        details = _raw(rest[3]) if len(rest) > 3 else _EMPTY
        return CallError(
            unique_id,
            "GenericError" if code is None else str(code),
            "" if description is None else str(description),
            details,
        )
    except RecursionError as error:  # what could be read may still be too deep to be written
        return Unreadable("not_json", str(error))


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode_json(value))


def serialize_call(unique_id: str, action: str, payload: bytes) -> bytes:
    """A CALL as compact JSON: some charge points look for text and stumble over blanks."""
    return b"[2," + encode_json(unique_id) + b"," + encode_json(action) + b"," + payload + b"]"


def serialize_result(unique_id: UniqueId, payload: bytes) -> bytes:
    """A CALLRESULT; the id is echoed as it came, number or text."""
    return b"[3," + encode_json(unique_id) + b"," + payload + b"]"


def serialize_error(unique_id: UniqueId, code: str, description: str, details: bytes = b"{}") -> bytes:
    """A CALLERROR of five elements (J 4.2.3)."""
    return b"[4," + encode_json(unique_id) + b"," + encode_json([code, description])[1:-1] + b"," + details + b"]"
