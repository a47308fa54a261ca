"""Text to frames and back: CALL, CALLRESULT and CALLERROR (J 4.2)."""

import re
from collections.abc import Callable
from typing import Literal

import msgspec

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


_decode: Callable[[str | bytes], Frame] = msgspec.json.Decoder(Frame).decode
_decode_any = msgspec.json.Decoder().decode
encode_json = msgspec.json.Encoder().encode

_CONTROL = re.compile(rb"[\x00-\x1f]")
_SURROGATES = re.compile(
    rb"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def parse(text: str | bytes) -> Frame | Unreadable:
    """Reads one WebSocket message; never raises."""
    try:
        frame = _decode(text)
    except (ValueError, RecursionError):
        return _diagnose(text)
    return _too_long(frame.unique_id) or frame


def _too_long(unique_id: UniqueId) -> Unreadable | None:
    length = len(str(unique_id))
    return Unreadable("bad_unique_id", f"unique id of {length} characters") if length > MAX_UNIQUE_ID else None


def _diagnose(text: str | bytes) -> Frame | Unreadable:
    """Says what is wrong with text that is not a well-formed frame, and rescues what can be answered."""
    if not text.strip():
        return Unreadable("empty", "empty message")
    try:
        value = _decode_any(text)
    except (ValueError, RecursionError) as error:
        return _without_bad_characters(text) or Unreadable("not_json", str(error))
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
    too_long = _too_long(unique_id)
    if too_long is not None:
        return too_long
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


def _without_bad_characters(text: str | bytes) -> Frame | Unreadable | None:
    """Another try with blanks for what is no character: one in an idTag is not worth a StopTransaction.

    That is an unescaped control character, or half of a surrogate pair.
    """
    raw = text if isinstance(text, bytes) else text.encode(errors="replace")
    blanked = _SURROGATES.sub(_blank_when_alone, _CONTROL.sub(b" ", raw))
    return parse(blanked) if blanked != raw else None


def _blank_when_alone(found: re.Match[bytes]) -> bytes:
    return found[0] if found["pair"] else b" "


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode_json(value))


def written_out(payload: object) -> str:
    """Parsed JSON as text again, to be kept; never raises."""
    try:
        return encode_json(payload).decode()
    except RecursionError:
        return '"nested too deeply to be kept"'


def serialize_call(unique_id: str, action: str, payload: bytes) -> bytes:
    """A CALL as compact JSON: some charge points look for text and stumble over blanks."""
    return b"[2," + encode_json(unique_id) + b"," + encode_json(action) + b"," + payload + b"]"


def serialize_result(unique_id: UniqueId, payload: bytes) -> bytes:
    """A CALLRESULT; the id is echoed as it came, number or text."""
    return b"[3," + encode_json(unique_id) + b"," + payload + b"]"


def serialize_error(unique_id: UniqueId, code: str, description: str, details: bytes = b"{}") -> bytes:
    """A CALLERROR of five elements (J 4.2.3)."""
    return b"[4," + encode_json(unique_id) + b"," + encode_json([code, description])[1:-1] + b"," + details + b"]"
