"""A second reading for text that is nearly JSON: what has one sensible meaning is mended, and every mend has a name.

It runs only on what a strict reader has turned down. Each step goes over the text once, at the speed of regular
expressions, and what needs Python's attention one by one is capped: the work is linear in the length of the text.
"""

import json
import re

import msgspec

from csmsd.ocpp.brackets import balanced
from csmsd.ocpp.mends import Hopeless, Mend
from csmsd.ocpp.possessive import compile_possessive
from csmsd.ocpp.spelling import respelled

# Text with more of them is no message of OCPP, and not worth the work: a long StopTransaction has 20,000 brackets.
MOST_BRACKETS = 50_000
MOST_COMMAS = 100_000
MOST_ESCAPES = 50_000
MOST_QUOTES = 200_000


class Mended(msgspec.Struct):
    """An array as it was meant, and each kind of mend that it needed.

    `rest` is the text of a further frame behind it; `lost`: something was left out.
    """

    value: list[object]
    mends: list[Mend]
    rest: str = ""
    lost: bool = False


class Head(msgspec.Struct, frozen=True):
    """What can be read of a frame whose payload cannot be: its message type, unique id and, of a CALL, its action."""

    kind: int
    unique_id: str | int | float
    action: str | None = None


_BLANKED = bytes(range(32)).maketrans(bytes(range(32)), b" " * 32)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf")  # the second: a mark that was encoded twice

_FRAME = compile_possessive(r"""[\s,]*+(\[\s*+["']?[234]["']?\s*+,.*+)""", re.DOTALL)
_SAYS_SOMETHING = re.compile(r"[^\s\[\]{},]")
_TEXT_OR_NUMBER = r'(?:"(?:[^"\\]|\\.){0,2000}+"|-?[0-9]{1,300}+(?:\.[0-9]{1,300}+)?(?=[\s,\]]))'
_HEAD = compile_possessive(
    rf"""\s*+\[\s*+(?P<kind>["']?[234](?:\.0)?["']?)\s*+,\s*+(?P<id>{_TEXT_OR_NUMBER})\s*+
         (?:,\s*+(?P<action>"\w{{1,100}}")|,|\]|\Z)?""",
    re.VERBOSE | re.DOTALL,
)

_OUT_OF_RANGE = re.compile(r"[0-9][eE]\+?[0-9]{3}")  # no float holds it; it is written as null
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PAIR = r"[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATE = compile_possessive(
    rf"([^\\]*+(?:\\(?:u{_PAIR}|u(?![dD][89a-fA-F][0-9a-fA-F]{{2}})|[^u])[^\\]*+)*+)"
    r"(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\?\Z)",
    re.DOTALL,
)
_LEFT_OVER_BYTE = re.compile(r"[\udc80-\udcff]")
_MOST_LEFT_OVER = 1000


def decoded_for_mending(text: str | bytes) -> tuple[str, list[Mend]]:
    """The text without a byte order mark, control characters as blanks, bytes that are no UTF-8 as Latin-1."""
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    mends: list[Mend] = []
    if _CONTROL.search(raw) is not None:
        mends.append("control_character")
    raw = raw.translate(_BLANKED)
    try:
        found = raw.decode()
    except UnicodeDecodeError:
        mends.append("not_utf_8")
        found, count = _LEFT_OVER_BYTE.subn(
            lambda byte: chr(ord(byte[0]) - 0xDC00), raw.decode(errors="surrogateescape"), _MOST_LEFT_OVER
        )
        if count == _MOST_LEFT_OVER:
            found = raw.decode("latin-1")
    for mark in _MARKS:
        if found.startswith(mark):
            mends.append("byte_order_mark")
            found = found.removeprefix(mark)
    return found, mends


def is_crowded(text: str) -> bool:
    """Whether so much stands in the text that reading it again is not worth its time."""
    return (
        text.count("[") + text.count("{") > MOST_BRACKETS
        or text.count(",") > MOST_COMMAS
        or text.count('"') > MOST_QUOTES
        or text.count("\\u") > MOST_ESCAPES
    )


def mend(text: str, *, ends_too_early: bool = False) -> Mended | None:
    """The array that was meant by a text out of `decoded`, or None; never raises.

    `ends_too_early`: a strict reader has said that nothing else is wrong with it.
    """
    if is_crowded(text):
        return None
    try:
        return _mended(text.lstrip(), ends_too_early)
    except (Hopeless, ValueError, RecursionError):
        return None


def _mended(text: str, ends_too_early: bool) -> Mended:
    mends: list[Mend] = []
    lost = False
    found = None
    if _SURROGATE.search(text) is not None:
        whole, text = text, _LONE_SURROGATE.sub(lambda lone: lone[1] + (" " if "u" in lone[2] else lone[2]), text)
        if text != whole:
            mends.append("lone_surrogate")
    if not ends_too_early:
        found = _array(text, mends)
        if found is None:
            text = respelled(text, mends)
            if text.rstrip().endswith("]"):  # else it is cut off
                found = _array(text, mends)
    if found is None:
        text, lost = balanced(text, mends)
        found = _array(text, mends)
    if found is None:
        raise Hopeless
    value, end = found
    behind = text[end:]
    further = _FRAME.match(behind)
    if further is not None:
        mends.append("several_frames")
        return Mended(value, [*dict.fromkeys(mends)], further[1], lost)
    if behind.strip():
        mends.append("trailing_bytes")
        lost = lost or _SAYS_SOMETHING.search(behind) is not None
    return Mended(value, [*dict.fromkeys(mends)], "", lost)


def _array(text: str, mends: list[Mend]) -> tuple[list[object], int] | None:
    """The array at the beginning of the text and where it ends, or None when it is not well-formed."""
    constants: list[str] = []
    try:
        # What stands for a number that is none is told to `append`, whose None is then its value.
        value, end = json.JSONDecoder(strict=False, parse_constant=constants.append).raw_decode(text)
    except ValueError:
        return None
    if not isinstance(value, list):
        raise Hopeless
    if constants or _OUT_OF_RANGE.search(text, 0, end) is not None:
        mends.append("no_number")
    return value, end


def _without_lone_surrogates(text: str) -> str:
    units = text.encode("utf-16-le", errors="surrogatepass")
    return units.decode("utf-16-le", errors="replace").replace("\ufffd", " ")


# --- what stands before the payload


def head_beyond_mending(text: str) -> Head | None:
    """The beginning of a frame of which no more can be read; never raises."""
    match = _HEAD.match(text)
    if match is None:
        return None
    try:
        unique_id = json.loads(match["id"], strict=False)
    except ValueError:  # an escape that is none, or a number that begins with 0
        return None
    if isinstance(unique_id, str):
        unique_id = _without_lone_surrogates(unique_id)
    return Head(int(float(match["kind"].strip("\"'"))), unique_id, match["action"][1:-1] if match["action"] else None)
