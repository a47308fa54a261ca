"""Text that is nearly JSON: what is opened and not closed, or closed and not opened."""

import re

from csmsd.ocpp.mends import STRING, Hopeless, Mend
from csmsd.ocpp.possessive import compile_possessive

MOST_LONE_BRACKETS = 10_000  # that are not closed close behind


def _nested(depth: int) -> str:
    """A value in brackets, and in it such of so many levels. How often a text is looked at grows with the levels."""
    inside = rf"[^\[\]{{}}\"]++|{STRING}" + (f"|{_nested(depth - 1)}" if depth else "")
    return rf"\[(?:{inside})*+\]|\{{(?:{inside})*+\}}"


# A reading of a meter has two more levels: a message of them is run through without a stop at each bracket.
_NESTED = _nested(2)
_BESIDE = rf"(?:[^\[\]{{}}\"]++|{STRING})*+"
_BESIDE_COMMAS = rf"(?:[^\[\]{{}}\",]++|{STRING})*+"
_BRACKET = compile_possessive(rf"{_BESIDE}[\[\]{{}}]", re.DOTALL)
_VALUES = compile_possessive(rf"(?:{_BESIDE}(?:{_NESTED}))*+", re.DOTALL)
_VALUES_OF_MEMBER = compile_possessive(rf"(?:{_BESIDE_COMMAS}(?:{_NESTED}))*+", re.DOTALL)
_MEMBERS = compile_possessive(rf"(?:{_BESIDE_COMMAS}(?:(?:{_NESTED}){_BESIDE_COMMAS})*+,)*+", re.DOTALL)
_WHOLE_MEMBER = compile_possessive(rf"\s*+{STRING}\s*+:\s*+{STRING}\s*+\Z", re.DOTALL)


def _past(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where that ends which begins there, and may be nothing."""
    match = pattern.match(text, place)
    assert match is not None
    return match.end()


def balanced(text: str, mends: list[Mend]) -> tuple[str, bool]:
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
            raise Hopeless
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
    raise Hopeless


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
        raise Hopeless
    mends.append("truncated")
    if len(opened) > 2 and element:
        return f"{before}{text[kept:element]}]}}]", True
    if len(opened) == 2 and _WHOLE_MEMBER.match(text[member:].lstrip(",")) is not None:
        member = len(text)
    return f"{before}{text[kept:member]}}}]", True
