"""Reads what is not as specified: coerces what has only one sensible meaning, and notes every deviation, so that it can
be counted per charge point.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import inspect

from csmsd.ocpp.errors import ErrorCode, OcppError
from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.numbers import parse_integer, parse_number
from csmsd.ocpp.types import LARGEST_INTEGER

# Text longer than the specification allows is kept up to ten times that length, lest it fill memory and disk.
_KEPT = 10
_KEPT_ENUMERATION = 100
# A message of nothing but mistakes is read no further than this.
_MOST_DEVIATIONS = 1_000
_MOST_DROPPED = 1_000  # elements of lists
AT_ONCE = 50  # elements of a long list


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


class Unfit(Exception):
    """A value that no leniency can turn into what the field needs."""

    def __init__(self, code: ErrorCode, field: str, reason: str) -> None:
        super().__init__(f"{field or 'payload'}: {reason}")
        self.code: ErrorCode = code


class ReadList(list[object]):
    """A long list whose elements were read before all else of its message, with what there was to say of them."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0
        self.deviations = Deviations()
        self.unfit: Unfit | None = None
        self.spoilt: Unfit | OcppError | None = None  # the list cannot be read

    def add(self, kind: inspect.Type, items: list[object], first: int, where: str) -> None:
        """Reads some of them."""
        if self.spoilt is not None:
            return
        assert isinstance(kind, inspect.ListType)
        self.length = len(items)
        try:
            for index in range(first, min(first + AT_ONCE, len(items))):
                self.unfit = _element(kind, items[index], f"{where}[{index}]", self, self.deviations) or self.unfit
        except (Unfit, OcppError) as error:
            self.spoilt = error.with_traceback(None)


def read_leniently(info: inspect.StructType, value: object, path: str, deviations: list[Deviation]) -> Any:
    """The structure that the value is meant to be. Raises Unfit, and OcppError where too much of it is."""
    if not isinstance(value, Mapping):
        code: ErrorCode = "TypeConstraintViolation" if path else "FormationViolation"
        raise Unfit(code, path, "must be a JSON object")
    known = {field.encode_name: field for field in info.fields}
    given: dict[str, object] = {}
    by_folded_name = None
    for name, item in value.items():
        if name in known:
            given[name] = item
            continue
        by_folded_name = by_folded_name or {known_name.casefold(): known_name for known_name in known}
        meant = by_folded_name.get(name.casefold())
        if meant is not None and meant not in value:
            given[meant] = item
            deviations.append(Deviation(place_below(path, meant), "name_in_another_case", "FormationViolation"))
        else:
            deviations.append(Deviation(place_below(path, name[:50]), "unknown_field", "FormationViolation"))
    fields = {}
    for name, field in known.items():
        where = place_below(path, name)
        substitute = _extra(field.type).get("substitute") if field.required else None
        if substitute is not None:
            fields[field.name] = substitute
        if name not in given:
            if not field.required:
                continue
            if substitute is None:
                raise Unfit("OccurenceConstraintViolation", where, "is required")
            deviations.append(Deviation(where, "missing", "OccurenceConstraintViolation"))
            continue
        item = given[name]
        if item is None:
            if field.required and substitute is None:
                raise Unfit("TypeConstraintViolation", where, "must not be null")
            deviations.append(Deviation(where, "null", "TypeConstraintViolation"))
            continue
        try:
            fields[field.name] = _value(field.type, item, where, deviations)
        except Unfit as error:
            # A bad optional field is not worth the message it stands in, unless it is a part of the message itself.
            part = isinstance(bare_type(field.type), inspect.StructType | inspect.ListType)
            if part or (field.required and substitute is None):
                raise
            deviations.append(Deviation(where, "unusable", error.code))
    return info.cls(**fields)


def bare_type(kind: inspect.Type) -> inspect.Type:
    """The type behind annotations and `| None`."""
    while True:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            kind = next(part for part in kind.types if not isinstance(part, inspect.NoneType))
        else:
            return kind


def _extra(kind: inspect.Type) -> dict[str, Any]:
    """What the type's annotation says to this module (see `types.py`)."""
    if isinstance(kind, inspect.UnionType):
        kind = next(part for part in kind.types if not isinstance(part, inspect.NoneType))
    return (kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}


def _value(kind: inspect.Type, value: object, where: str, deviations: list[Deviation]) -> object:
    if _extra(kind).get("json") and not isinstance(value, str):
        deviations.append(Deviation(where, "json_instead_of_text", "TypeConstraintViolation"))
        value = written_out(value)
    kind = bare_type(kind)
    if isinstance(kind, inspect.StrType):
        return _text(kind, value, where, deviations)
    if isinstance(kind, inspect.IntType):
        return _integer(kind, value, where, deviations)
    if isinstance(kind, inspect.FloatType):
        return _decimal(kind, value, where, deviations)
    if isinstance(kind, inspect.BoolType):
        return _boolean(value, where, deviations)
    if isinstance(kind, inspect.LiteralType):
        return _literal(kind, value, where, deviations)
    if isinstance(kind, inspect.ListType):
        return _list(kind, value, where, deviations)
    if isinstance(kind, inspect.StructType):
        return read_leniently(kind, value, where, deviations)
    return value


def _text(kind: inspect.StrType, value: object, where: str, deviations: list[Deviation]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit("TypeConstraintViolation", where, "must be text")
    if not isinstance(value, str):
        deviations.append(Deviation(where, "number_instead_of_text", "TypeConstraintViolation"))
        value = str(value)
    if kind.max_length is not None and len(value) > kind.max_length:
        deviations.append(Deviation(where, "too_long", "PropertyConstraintViolation"))
        value = value[: _KEPT * kind.max_length]
    return value


def _integer(kind: inspect.IntType, value: object, where: str, deviations: list[Deviation]) -> int:
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


def _decimal(kind: inspect.FloatType, value: object, where: str, deviations: list[Deviation]) -> float:
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


def _boolean(value: object, where: str, deviations: list[Deviation]) -> bool:
    if isinstance(value, bool):
        return value
    meant = {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().casefold())
    if meant is None:
        raise Unfit("TypeConstraintViolation", where, "must be true or false")
    deviations.append(Deviation(where, "not_a_boolean", "TypeConstraintViolation"))
    return meant


def _literal(kind: inspect.LiteralType, value: object, where: str, deviations: list[Deviation]) -> str:
    if not isinstance(value, str):
        raise Unfit("TypeConstraintViolation", where, "must be text")
    if value in kind.values:
        return value
    folded = value.strip().casefold()
    for known in kind.values:
        if str(known).casefold() == folded:
            deviations.append(Deviation(where, "value_in_another_case", "PropertyConstraintViolation"))
            return str(known)
    deviations.append(Deviation(where, "unknown_value", "PropertyConstraintViolation"))
    return value[:_KEPT_ENUMERATION]


def _list(kind: inspect.ListType, value: object, where: str, deviations: list[Deviation]) -> list[object]:
    if isinstance(value, Mapping):
        deviations.append(Deviation(where, "object_instead_of_list", "TypeConstraintViolation"))
        value = [value]
    if not isinstance(value, list):
        raise Unfit("TypeConstraintViolation", where, "must be a list")
    length = value.length if isinstance(value, ReadList) else len(value)
    if kind.min_length is not None and length < kind.min_length:
        deviations.append(Deviation(where, "too_few_elements", "OccurenceConstraintViolation"))
    items: list[object] = []
    unfit: Unfit | None = None
    if isinstance(value, ReadList):
        if value.spoilt is not None:
            raise value.spoilt
        for deviation in value.deviations:
            deviations.append(deviation)
        items, unfit = [*value], value.unfit
    else:
        for index, item in enumerate(value):
            unfit = _element(kind, item, f"{where}[{index}]", items, deviations) or unfit
    if unfit is not None and _droppable(kind) == "unless all" and not items:
        try:
            raise unfit
        finally:
            del unfit  # it would hold on to itself
    return items


def _droppable(kind: inspect.ListType) -> bool | Literal["unless all"]:
    item_type = bare_type(kind.item_type)
    # Of texts and the like each is for itself as well.
    return getattr(item_type.cls, "droppable", False) if isinstance(item_type, inspect.StructType) else True


def _element(
    kind: inspect.ListType, item: object, place: str, items: list[object], deviations: list[Deviation]
) -> Unfit | None:
    """Adds an element of a list, or says why it is dropped."""
    try:
        items.append(_value(bare_type(kind.item_type), item, place, deviations))
    except Unfit as error:
        if not _droppable(kind):
            raise
        deviations.append(Deviation(place, "dropped", error.code))
        if isinstance(deviations, Deviations):
            deviations.dropped += 1
            if deviations.dropped > _MOST_DROPPED:  # no leniency bears that
                where = place.rpartition("[")[0]
                raise OcppError(error.code, f"{where}: too much of it cannot be used") from None
        return error.with_traceback(None)  # it would hold on to all that is read, until the collector comes
    return None


def place_below(path: str, name: str) -> str:
    """The place of a field of what stands at `path`."""
    return f"{path}.{name}" if path else name
