"""Regular expressions with possessive groups, on every Python that is supported."""

import re
import sys
from typing import Final

# Before that a possessive group takes what its last turn has tried and given back (cpython gh-106052): `(?:a|,(?!b))*+`
# takes the comma of `,b`. Debian 12 has 3.11.2.
_SOUND: Final = sys.version_info >= (3, 11, 5)

_POSSESSIVE = re.compile(r"([*+?]|\{[0-9,]++\})\+")


def compile_possessive(pattern: str, flags: int = 0, *, sound: bool = _SOUND) -> re.Pattern[str]:
    """`sound`: whether this Python takes possessive groups as they are meant. As atomic groups they are taken right
    everywhere; but these remember each turn until their end, and take twice to five times as long.
    """
    return re.compile(pattern if sound else _with_atomic_groups(pattern), flags)


def _with_atomic_groups(pattern: str) -> str:
    """`(…)*+` as `(?>(…)*)`."""
    found: list[str] = []
    opened: list[int] = []
    at, in_set = 0, False
    while at < len(pattern):
        piece = pattern[at : at + 2] if pattern[at] == "\\" else pattern[at]
        at += len(piece)
        if in_set:
            in_set = piece != "]"
        elif piece == "[":
            in_set = True
        elif piece == "(":
            opened.append(len(found))
        elif piece == ")":
            begun = opened.pop()
            if (repeated := _POSSESSIVE.match(pattern, at)) is not None:
                found[begun] = "(?>("
                piece = f"){repeated[1]})"
                at = repeated.end()
        found.append(piece)
    return "".join(found)
