"""What is borne with in a single value: what has only one sensible meaning is coerced, and every deviation is noted, so
that it can be counted per charge point. Structures and lists of such values are read by `reading.py`.
"""

import math
from collections.abc import Callable

import msgspec
from msgspec import inspect

from csmsd.ocpp.errors import ErrorCode
from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.numbers import parse_integer, parse_number
from csmsd.ocpp.types import LARGEST_INTEGER

# Text longer than the specification allows is kept up to ten times that length, lest it fill memory and disk.
_KEPT = 10
_KEPT_ENUMERATION = 100
# A message of nothing but mistakes is read no further than this.
_MOST_DEVIATIONS = 1_000


class Deviation(msgspec.Struct, frozen=True):
    """One departure from the specification: where, what kind, and the code a strict reader answers."""

    field: str
    kind: str
    code: ErrorCode


class Deviations(list[Deviation]):
    """The first of them, however many there are."""

    dropped = 0

    def append(self, deviation: Deviation) -> None:
        if len(self) < _MOST_DEVIATIONS:
            super().append(deviation)


Reader = Callable[[object, str, list[Deviation]], object]  # of a value that stands at a place; raises Unfit


class Unfit(Exception):
    """A value that no leniency can turn into what the field needs."""

    def __init__(self, code: ErrorCode, field: str, reason: str) -> None:
        super().__init__(f"{field or 'payload'}: {reason}")
        self.code: ErrorCode = code


def lenient_json_text(read: Reader, value: object, where: str, deviations: list[Deviation]) -> object:
    if not isinstance(value, str):
        deviations.append(Deviation(where, "json_instead_of_text", "TypeConstraintViolation"))
        value = written_out(value)
    return read(value, where, deviations)


def lenient_text(kind: inspect.StrType, value: object, where: str, deviations: list[Deviation]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit("TypeConstraintViolation", where, "must be text")
    if not isinstance(value, str):
        deviations.append(Deviation(where, "number_instead_of_text", "TypeConstraintViolation"))
        value = str(value)
    if kind.max_length is not None and len(value) > kind.max_length:
        deviations.append(Deviation(where, "too_long", "PropertyConstraintViolation"))
        value = value[: _KEPT * kind.max_length]
    return value


def lenient_integer(kind: inspect.IntType, value: object, where: str, deviations: list[Deviation]) -> int:
    number = value
    if isinstance(value, str | float):
        # 1234.5 Wh where an integer belongs: the fraction is dropped, and the deviation is on record.
        whole = parse_integer(value if isinstance(value, str) else repr(value))
        if whole is None:
            raise Unfit("TypeConstraintViolation", where, "must be an integer")
        number = whole
        deviations.append(Deviation(where, "not_an_integer", "TypeConstraintViolation"))
    if isinstance(number, bool) or not isinstance(number, int):
        raise Unfit("TypeConstraintViolation", where, "must be an integer")
    if abs(number) > LARGEST_INTEGER:
        raise Unfit("PropertyConstraintViolation", where, "is out of range")
    _note_range(kind, number, where, deviations)
    return number


def lenient_decimal(kind: inspect.FloatType, value: object, where: str, deviations: list[Deviation]) -> float:
    if isinstance(value, str):
        meant = parse_number(value)
        if meant is None and value.strip().lstrip("+-").casefold() not in ("nan", "inf", "infinity"):
            raise Unfit("TypeConstraintViolation", where, "must be a number")
        number = math.inf if meant is None else meant
        deviations.append(Deviation(where, "text_instead_of_number", "TypeConstraintViolation"))
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("TypeConstraintViolation", where, "must be a number")
    else:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if not math.isfinite(number):
        raise Unfit("PropertyConstraintViolation", where, "is out of range")
    _note_range(kind, number, where, deviations)
    return number


def _note_range(
    kind: inspect.IntType | inspect.FloatType, number: float, where: str, deviations: list[Deviation]
) -> None:
    if (kind.ge is not None and number < kind.ge) or (kind.le is not None and number > kind.le):
        deviations.append(Deviation(where, "out_of_range", "PropertyConstraintViolation"))


def lenient_boolean(value: object, where: str, deviations: list[Deviation]) -> bool:
    if isinstance(value, bool):
        return value
    meant = {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().casefold())
    if meant is None:
        raise Unfit("TypeConstraintViolation", where, "must be true or false")
    deviations.append(Deviation(where, "not_a_boolean", "TypeConstraintViolation"))
    return meant


def lenient_literal(
    values: tuple[str, ...],
    by_folded_value: dict[str, str],
    value: object,
    where: str,
    deviations: list[Deviation],
) -> str:
    if not isinstance(value, str):
        raise Unfit("TypeConstraintViolation", where, "must be text")
    if value in values:
        return value
    known = by_folded_value.get(value.strip().casefold())
    if known is not None:
        deviations.append(Deviation(where, "value_in_another_case", "PropertyConstraintViolation"))
        return known
    deviations.append(Deviation(where, "unknown_value", "PropertyConstraintViolation"))
    return value[:_KEPT_ENUMERATION]
