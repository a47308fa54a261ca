"""Text that is nearly JSON: what is spelled in another way."""

import re

from csmsd.ocpp.mends import STRING, Hopeless, Mend
from csmsd.ocpp.possessive import compile_possessive

MOST_MENDS = 1000

_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_WORD = r"[\w.+$#-]++(?:\(\w*+\))?"
_VALUE_FOLLOWS = r'\s*+["{\[]'
_WELL_SPELLED = r'"[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*+"'

# What needs no mending, as much of it as there is; then the one thing behind it that may.
_SPOT = compile_possessive(
    rf"""(?:
        {_WELL_SPELLED}:"[^"\\]*+"(?!{_VALUE_FOLLOWS})
        | \s++
        | [\[{{](?!\s*+,)
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
        | (?P<text>{STRING})
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


def respelled(text: str, mends: list[Mend]) -> str:
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
    raise Hopeless


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
        escaped = _BAD_ESCAPE.sub(r"\1\2\2", found, MOST_MENDS)
        if escaped != found:
            mends.append("bad_escape")
        return escaped
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
        raise Hopeless
    sign, whole, fraction, power = number.groups()
    spelled = f"{sign.strip('+')}{whole or '0'}{'.' + fraction if fraction else ''}{power or ''}"
    if spelled != found:
        mends.append("malformed_number")
    return spelled
