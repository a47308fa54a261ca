"""A second reading for text that is nearly JSON: what has one sensible meaning is mended, and every mend has a name.

It runs only on what a strict reader has turned down. Each step goes over the text once, at the speed of regular
expressions, and what needs Python's attention one by one is capped: the work is linear in the length of the text.
"""

import json
import re
from typing import Literal

import msgspec

from csmsd.ocpp.possessive import compile_possessive

Mend = Literal[
    "byte_order_mark",
    "not_utf_8",
    "control_character",
    "lone_surrogate",
    "missing_value",
    "no_number",
    "bare_word",
    "malformed_number",
    "decimal_comma",
    "single_quotes",
    "bad_escape",
    "stray_comma",
    "missing_comma",
    "brackets",
    "trailing_bytes",
    "several_frames",
    "truncated",
    "unreadable",
]

# Text with more of them is no message of OCPP, and not worth the work: a long StopTransaction has 20,000 brackets.
MOST_BRACKETS = 50_000
MOST_COMMAS = 100_000
MOST_ESCAPES = 50_000
MOST_QUOTES = 200_000
MOST_MENDS = 1000
MOST_LONE_BRACKETS = 10_000  # that are not closed close behind


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

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_WORD = r"[\w.+$#-]++(?:\(\w*+\))?"
_VALUE_FOLLOWS = r'\s*+["{\[]'
_WELL_SPELLED = r'"[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*+"'

# What needs no mending, as much of it as there is; then the one thing behind it that may.
_SPOT = compile_possessive(
    rf"""(?:
        {_WELL_SPELLED}:"[^"\\]*+"(?!{_VALUE_FOLLOWS})
        | [\s\[{{]++(?!\s*+,)
        | [\]}}]+(?!{_VALUE_FOLLOWS})
        | {_WELL_SPELLED}(?!{_VALUE_FOLLOWS})
        | (?:true|false|null|{_NUMBER})(?![\w.+$-])(?!\s*+["{{\[:\w-])
        | ,(?!\s*+[,}}\]])
        | :(?!\s*+[:,}}\]])(?!\s*+-?[0-9]++,[0-9]++\s*+[,}}])
    )*+
    (?P<spot>
        (?P<end>\Z)
        | (?P<opening>[\[{{])
        | (?P<closing>[\]}}])
        | (?P<comma>,)
        | (?P<number>:\s*+-?[0-9]++,[0-9]++(?=\s*+[,}}]))
        | (?P<colon>:(?!\s*+:))
        | (?P<text>{_STRING})
        | (?P<quoted>'(?:[^'\\]++|\\.)*+')
        | (?P<word>{_WORD})
        | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_SPOTS = ("end", "opening", "closing", "comma", "number", "colon", "text", "quoted", "word", "other")
_VALUE_BEHIND = re.compile(_VALUE_FOLLOWS)
_COLON_BEHIND = re.compile(r"\s*+:")
# What needs no mending, then what does or the end. One that finds nothing would be tried at every place anew.
_BAD_ESCAPE = compile_possessive(r'([^\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^\\]*+)*+)(\\|\Z)')
_ODD_NUMBER = re.compile(r"([+-]?)0*+([0-9]*+)(?:\.([0-9]*+))?([eE][+-]?[0-9]+)?", re.ASCII)
# How the numbers that are none are written, and the nothing, in this language and that.
_NO_NUMBER = re.compile(r"[+-]?(?:nan(?:\(\w*\))?|inf(?:inity)?|1\.#\w+)", re.IGNORECASE)
_NOTHING = frozenset({"null", "none", "nil", "undefined"})


def _nested(depth: int) -> str:
    """A value in brackets, and in it such of so many levels. How often a text is looked at grows with the levels."""
    inside = rf"[^\[\]{{}}\"]++|{_STRING}" + (f"|{_nested(depth - 1)}" if depth else "")
    return rf"\[(?:{inside})*+\]|\{{(?:{inside})*+\}}"


# A reading of a meter has two more levels: a message of them is run through without a stop at each bracket.
_NESTED = _nested(2)
_BESIDE = rf"(?:[^\[\]{{}}\"]++|{_STRING})*+"
_BESIDE_COMMAS = rf"(?:[^\[\]{{}}\",]++|{_STRING})*+"
_BRACKET = compile_possessive(rf"{_BESIDE}[\[\]{{}}]", re.DOTALL)
_VALUES = compile_possessive(rf"(?:{_BESIDE}(?:{_NESTED}))*+", re.DOTALL)
_VALUES_OF_MEMBER = compile_possessive(rf"(?:{_BESIDE_COMMAS}(?:{_NESTED}))*+", re.DOTALL)
_MEMBERS = compile_possessive(rf"(?:{_BESIDE_COMMAS}(?:(?:{_NESTED}){_BESIDE_COMMAS})*+,)*+", re.DOTALL)
_WHOLE_MEMBER = compile_possessive(rf"\s*+{_STRING}\s*+:\s*+{_STRING}\s*+\Z", re.DOTALL)
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


class _Hopeless(Exception):
    """The text has what nobody can mend, or too much of it."""


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
    except (_Hopeless, ValueError, RecursionError):
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
            text = _respelled(text, mends)
            if text.rstrip().endswith("]"):  # else it is cut off
                found = _array(text, mends)
    if found is None:
        text, lost = _balanced(text, mends)
        found = _array(text, mends)
    if found is None:
        raise _Hopeless
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
        raise _Hopeless
    if constants or _OUT_OF_RANGE.search(text, 0, end) is not None:
        mends.append("no_number")
    return value, end


def _without_lone_surrogates(text: str) -> str:
    units = text.encode("utf-16-le", errors="surrogatepass")
    return units.decode("utf-16-le", errors="replace").replace("\ufffd", " ")


# --- what is spelled in another way


def _respelled(text: str, mends: list[Mend]) -> str:
    """Every value as JSON spells it, and a comma where one belongs, as far as that is certain."""
    parts: list[str] = []
    place = 0
    for _ in range(MOST_MENDS):
        match = _SPOT.match(text, place)
        assert match is not None
        begin, end = match.span("spot")
        parts.append(text[place:begin])
        place = end
        found = match["spot"]
        match _kind(match):
            case "end":
                return "".join(parts)
            case "comma":
                mends.append("stray_comma")
            case "opening":  # a comma stands right behind it
                parts.append(found)
                place = text.index(",", end) + 1
                mends.append("stray_comma")
            case "number":
                parts.append(found.replace(",", "."))
                mends.append("decimal_comma")
            case "colon":
                parts.append(":null")
                mends.append("missing_value")
            case "other":  # nothing is certain from here on
                return "".join([*parts, text[begin:]])
            case "word" if end == len(text):  # cut off in the middle, perhaps
                return "".join([*parts, found])
            case kind:
                parts.append(_value(kind, found, text, end, mends))
                if _VALUE_BEHIND.match(text, end) is not None:
                    parts.append(",")
                    mends.append("missing_comma")
    raise _Hopeless


def _kind(match: re.Match[str]) -> str:
    """Which group of `_SPOT` it is: the one below `spot`."""
    return next(kind for kind in _SPOTS if match[kind] is not None)


def _value(kind: str, found: str, text: str, end: int, mends: list[Mend]) -> str:
    """A text, a word or a closing bracket as JSON spells it."""
    if kind == "closing":
        return found
    if kind == "quoted":
        mends.append("single_quotes")
        found = '"' + found[1:-1].replace("\\'", "'").replace('\\"', '"').replace('"', '\\"') + '"'
    if kind in ("text", "quoted"):
        respelled = _BAD_ESCAPE.sub(r"\1\2\2", found, MOST_MENDS)
        if respelled != found:
            mends.append("bad_escape")
        return respelled
    return _word(found, _COLON_BEHIND.match(text, end) is not None, mends)


def _word(found: str, names: bool, mends: list[Mend]) -> str:
    folded = found.casefold()
    if names:
        mends.append("bare_word")
        return f'"{found}"'
    if folded in ("true", "false") or folded in _NOTHING:
        if found not in ("true", "false", "null"):
            mends.append("bare_word")
        return folded if folded in ("true", "false") else "null"
    if _NO_NUMBER.fullmatch(found) is not None:
        mends.append("no_number")
        return "null"
    number = _ODD_NUMBER.fullmatch(found)
    if number is None or not (number[2] or number[3] or "0" in found):
        raise _Hopeless
    sign, whole, fraction, power = number.groups()
    spelled = f"{sign.strip('+')}{whole or '0'}{'.' + fraction if fraction else ''}{power or ''}"
    if spelled != found:
        mends.append("malformed_number")
    return spelled


# --- what is opened and closed


def _past(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where that ends which begins there, and may be nothing."""
    match = pattern.match(text, place)
    assert match is not None
    return match.end()


def _balanced(text: str, mends: list[Mend]) -> tuple[str, bool]:
    """The text with every bracket closed once, and whether it was cut off, so that what was incomplete is left out.

    A bracket that closes one further out closes what is open in it as well; one that closes nothing is dropped.
    """
    parts: list[str] = []
    opened: list[str] = []
    place = member = element = 0  # up to where the payload's members are whole, and the elements of the last one
    kept = 0
    for _ in range(MOST_LONE_BRACKETS):
        if len(opened) == 2:
            comma = _past(_MEMBERS, text, place)
            end = _past(_VALUES_OF_MEMBER, text, comma)
            if comma > place:
                member = comma - 1
            if end > comma:
                member = end
            if end > place:
                element = 0
            place = end
        elif len(opened) > 2:
            end = _past(_VALUES, text, place)
            if end > place and len(opened) == 3 and opened[2] == "[":
                element = end
            place = end
        bracket = _BRACKET.match(text, place)
        if bracket is None:
            return _cut_off(text, "".join(parts), kept, opened, member, element, mends)
        place = bracket.end()
        found = text[place - 1]
        if found in _CLOSES:
            opened.append(found)
            if len(opened) == 2:
                member = place
                element = 0
            elif len(opened) == 1:
                member = place
            continue
        if not opened:
            raise _Hopeless
        if opened[-1] != _OPENS[found]:
            mends.append("brackets")
            parts.append(text[kept : place - 1])
            kept = place
            if len(opened) < 2 or opened[-2] != _OPENS[found]:
                continue
            parts.append(_CLOSES[opened.pop()] + found)
        opened.pop()
        if not opened:
            return "".join([*parts, text[kept:]]), False
        if len(opened) < 3:
            member = place
            if len(opened) == 2:
                element = 0
        elif len(opened) == 3 and opened[2] == "[":
            element = place
    raise _Hopeless


_OPENS = {"]": "[", "}": "{"}
_CLOSES = {"[": "]", "{": "}"}


def _cut_off(
    text: str, before: str, kept: int, opened: list[str], member: int, element: int, mends: list[Mend]
) -> tuple[str, bool]:
    """A text that ends too early, up to its last whole part."""
    if len(opened) == 1 and member and not text[member:].strip(", "):
        mends.append("brackets")
        return f"{before}{text[kept:member]}]", False
    if len(opened) < 2 or opened[:2] != ["[", "{"]:
        raise _Hopeless
    mends.append("truncated")
    if len(opened) > 2 and element:
        return f"{before}{text[kept:element]}]}}]", True
    if len(opened) == 2 and _WHOLE_MEMBER.match(text[member:].lstrip(",")) is not None:
        member = len(text)
    return f"{before}{text[kept:member]}}}]", True


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
