"""Numbers as charge points write them: with a point (C 7.43), or as people of their country do."""

import math
import re

# 1,234,567.8 and 1.234.567,8: groups of three, all with the same separator, then perhaps another one and decimals.
_GROUPED = re.compile(r"([+-]?[0-9]{1,3})((?:([,.' ])[0-9]{3})(?:\3[0-9]{3})*)(?:(?!\3)[.,]([0-9]+))?", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]*(?:[eE][+-]?[0-9]+)?", re.ASCII)
# Longer text is no number, and not worth the work of finding out.
_LONGEST = 64


def parse_number(text: str) -> float | None:
    """The number that a text means, or None when it is none.

    A single comma is a decimal comma; several, or one before a point, divide thousands.
    """
    try:
        value = float(text)
    except ValueError:
        value = _as_people_write(text.strip()) if len(text) <= _LONGEST else math.nan
    return value if math.isfinite(value) else None


def parse_integer(text: str) -> int | None:
    """The whole number that a text means, without its fraction.

    Where a whole number belongs, a comma before three digits divides thousands.
    """
    text = text.strip()
    if text.lstrip("+-").isdecimal() and len(text) <= _LONGEST:
        try:
            return int(text)
        except ValueError:
            return None
    grouped = _GROUPED.fullmatch(text) if len(text) <= _LONGEST else None
    if grouped is not None and grouped[3] != ".":
        return int(_digits(grouped))
    number = parse_number(text)
    return None if number is None else int(number)


def _as_people_write(text: str) -> float:
    if _WITH_COMMA.fullmatch(text) and len(text) > 1:
        return _float(text.replace(",", "."))
    grouped = _GROUPED.fullmatch(text)
    return math.nan if grouped is None else float(f"{_digits(grouped)}.{grouped[4] or '0'}")


def _digits(grouped: re.Match[str]) -> str:
    return grouped[1] + grouped[2].replace(grouped[3], "")


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
