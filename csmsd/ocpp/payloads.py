"""Reading payloads: at full speed when they are as specified, leniently when they are not.

A well-formed payload is decoded by msgspec in one step. Anything else goes through a reader that coerces what has
only one sensible meaning and notes every deviation, so that it can be counted per charge point; a strict reader
turns the first deviation into the CALLERROR that the specification asks for.
"""

import math
import re
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec import inspect

from csmsd.ocpp.errors import ErrorCode, OcppError
from csmsd.ocpp.json_text import written_out
from csmsd.ocpp.numbers import parse_integer, parse_number
from csmsd.ocpp.timestamps import is_rfc_3339
from csmsd.ocpp.types import LARGEST_INTEGER, Message

M = TypeVar("M", bound=Message)

# Text longer than the specification allows is kept up to ten times that length, lest it fill memory and disk.
_KEPT = 10
_KEPT_ENUMERATION = 100
# A message of nothing but mistakes is read no further than this.
_MOST_DEVIATIONS = 1_000
_MOST_DROPPED = 1_000  # elements of lists
_AT_ONCE = 50  # elements of a long list


class Deviation(msgspec.Struct, frozen=True):
    """One departure from the specification: where, what kind, and the code a strict reader answers."""

    field: str
    kind: str
    code: ErrorCode


class _Deviations(list[Deviation]):
    """The first of them, however many there are."""

    dropped = 0

    def append(self, deviation: Deviation) -> None:
        if len(self) < _MOST_DEVIATIONS:
            super().append(deviation)


class _Unfit(Exception):
    """A value that no leniency can turn into what the field needs."""

    def __init__(self, code: ErrorCode, field: str, reason: str) -> None:
        super().__init__(f"{field or 'payload'}: {reason}")
        self.code: ErrorCode = code


@cache
def _decoder(message_type: type[M]) -> msgspec.json.Decoder[M]:
    return msgspec.json.Decoder(message_type)


@cache
def _struct_type(message_type: type[Message]) -> inspect.StructType:
    return cast(inspect.StructType, inspect.type_info(message_type))


_encode = msgspec.json.Encoder().encode
_NULL = re.compile(b"null")  # half as long under way as `in` is, in texts with so many of its letters


def encode_payload(message: Message) -> bytes:
    """Compact JSON, fields in the specification's order, absent ones left out."""
    return _encode(message)


def check_sendable_payload(message: Message) -> str | None:
    """Why a charge point could not accept this message, or None; what we send is checked strictly."""
    try:
        _decoder(type(message)).decode(_encode(message))
    except ValueError as error:  # a value out of its limits, or text that is no Unicode
        return str(error)
    return None


def read_payload(
    message_type: type[M], payload: msgspec.Raw | bytes, *, strict: bool = False
) -> tuple[M, list[Deviation]]:
    """The typed message and its deviations. Raises OcppError when it cannot be read, or deviates while `strict`."""
    if not strict and _NULL.search(payload) is None:  # a null is to be seen and counted, too
        try:
            return _decoder(message_type).decode(payload), []
        except (ValueError, RecursionError):
            pass
    try:
        value = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise OcppError("FormationViolation", f"payload is not valid JSON: {error}") from None
    return read_payload_value(message_type, value, strict=strict)


def read_payload_value(message_type: type[M], value: object, *, strict: bool = False) -> tuple[M, list[Deviation]]:
    """As `read_payload`, for a payload that is parsed already."""
    for read in _read_value(message_type, value, strict=strict, some=False):
        if read is not None:
            return read
    raise AssertionError


def read_long_payload(
    message_type: type[M], payload: msgspec.Raw | bytes, *, strict: bool = False
) -> Generator[None, None, tuple[M, list[Deviation]]]:
    """As `read_payload`, of long lists some elements at a time."""
    if not strict and _NULL.search(payload) is None:
        try:
            return _decoder(message_type).decode(payload), []
        except (ValueError, RecursionError):
            yield
    try:
        value = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise OcppError("FormationViolation", f"payload is not valid JSON: {error}") from None
    for read in _read_value(message_type, value, strict=strict, some=True):
        if read is not None:
            return read
        yield
    raise AssertionError


def _read_value(
    message_type: type[M], value: object, *, strict: bool, some: bool
) -> Iterator[tuple[M, list[Deviation]] | None]:
    """The message at last; None before, with `some`, whenever others may have a turn."""
    info = _struct_type(message_type)
    deviations: list[Deviation] = _Deviations()
    if value is None:  # J 4.2.1 allows null for "no payload"
        value = {}
    elif not isinstance(value, Mapping):
        value = _unwrapped(value, deviations)
    try:
        if some and isinstance(value, Mapping):
            lists = {field.encode_name.casefold(): field for field in info.fields if _is_list(field)}
            value = dict(value)
            for name, items in value.items():
                field = lists.get(name.casefold())
                if field is not None and isinstance(items, list) and len(items) > _AT_ONCE:
                    read = value[name] = _ReadList()
                    for first in range(0, len(items), _AT_ONCE):
                        read.add(_bare(field.type), items, first, field.encode_name)
                        yield None
        message = _struct(info, value, "", deviations)
    except _Unfit as error:
        raise OcppError(error.code, str(error)) from None
    if strict:
        for odd in deviations:
            raise OcppError(odd.code, f"{odd.field}: {odd.kind.replace('_', ' ')}")
        for place, time in enumerate(_odd_times(info, message, "")):
            if time is not None:
                raise OcppError(time.code, f"{time.field}: {time.kind.replace('_', ' ')}")
            if some and place % _AT_ONCE == 0:
                yield None
    yield cast(M, message), deviations


def _is_list(field: inspect.Field) -> bool:
    return isinstance(_bare(field.type), inspect.ListType)


class _ReadList(list[object]):
    """A long list whose elements were read before all else of its message, with what there was to say of them."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0
        self.deviations = _Deviations()
        self.unfit: _Unfit | None = None
        self.spoilt: _Unfit | OcppError | None = None  # the list cannot be read

    def add(self, kind: inspect.Type, items: list[object], first: int, where: str) -> None:
        """Reads some of them."""
        if self.spoilt is not None:
            return
        assert isinstance(kind, inspect.ListType)
        self.length = len(items)
        try:
            for index in range(first, min(first + _AT_ONCE, len(items))):
                self.unfit = _element(kind, items[index], f"{where}[{index}]", self, self.deviations) or self.unfit
        except (_Unfit, OcppError) as error:
            self.spoilt = error.with_traceback(None)


def _unwrapped(value: object, deviations: list[Deviation]) -> object:
    """The object that a payload holds in a list of its own, or as text with JSON in it."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        deviations.append(Deviation("", "list_instead_of_object", "FormationViolation"))
        return value[0]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            found = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return value
        deviations.append(Deviation("", "text_instead_of_object", "FormationViolation"))
        return found
    return value


def _odd_times(kind: inspect.Type, value: Any, where: str) -> Iterator[Deviation | None]:
    """The times that are not written as specified; handlers that bear with them note them themselves.

    None for an element of a list that was looked at.
    """
    if value is None:
        return
    if isinstance(kind, inspect.UnionType):
        kind = next(part for part in kind.types if not isinstance(part, inspect.NoneType))
    if isinstance(kind, inspect.Metadata) and (kind.extra or {}).get("time") and not is_rfc_3339(value):
        yield Deviation(where, "no_rfc_3339_time", "PropertyConstraintViolation")
    kind = _bare(kind)
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from _odd_times(field.type, getattr(value, field.name), _join(where, field.encode_name))
    elif isinstance(kind, inspect.ListType):
        for index, item in enumerate(value):
            yield from _odd_times(kind.item_type, item, f"{where}[{index}]")
            yield None


def _struct(info: inspect.StructType, value: object, path: str, deviations: list[Deviation]) -> Any:
    if not isinstance(value, Mapping):
        code: ErrorCode = "TypeConstraintViolation" if path else "FormationViolation"
        raise _Unfit(code, path, "must be a JSON object")
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
            deviations.append(Deviation(_join(path, meant), "name_in_another_case", "FormationViolation"))
        else:
            deviations.append(Deviation(_join(path, name[:50]), "unknown_field", "FormationViolation"))
    fields = {}
    for name, field in known.items():
        where = _join(path, name)
        substitute = _extra(field.type).get("substitute") if field.required else None
        if substitute is not None:
            fields[field.name] = substitute
        if name not in given:
            if not field.required:
                continue
            if substitute is None:
                raise _Unfit("OccurenceConstraintViolation", where, "is required")
            deviations.append(Deviation(where, "missing", "OccurenceConstraintViolation"))
            continue
        item = given[name]
        if item is None:
            if field.required and substitute is None:
                raise _Unfit("TypeConstraintViolation", where, "must not be null")
            deviations.append(Deviation(where, "null", "TypeConstraintViolation"))
            continue
        try:
            fields[field.name] = _value(field.type, item, where, deviations)
        except _Unfit as error:
            # A bad optional field is not worth the message it stands in, unless it is a part of the message itself.
            part = isinstance(_bare(field.type), inspect.StructType | inspect.ListType)
            if part or (field.required and substitute is None):
                raise
            deviations.append(Deviation(where, "unusable", error.code))
    return info.cls(**fields)


def _bare(kind: inspect.Type) -> inspect.Type:
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
    kind = _bare(kind)
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
        return _struct(kind, value, where, deviations)
    return value


def _text(kind: inspect.StrType, value: object, where: str, deviations: list[Deviation]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Unfit("TypeConstraintViolation", where, "must be text")
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
            raise _Unfit("TypeConstraintViolation", where, "must be an integer")
        number = whole
        deviations.append(Deviation(where, "not_an_integer", "TypeConstraintViolation"))
    if isinstance(number, bool) or not isinstance(number, int):
        raise _Unfit("TypeConstraintViolation", where, "must be an integer")
    if abs(number) > LARGEST_INTEGER:
        raise _Unfit("PropertyConstraintViolation", where, "is out of range")
    _note_range(kind, number, where, deviations)
    return number


def _decimal(kind: inspect.FloatType, value: object, where: str, deviations: list[Deviation]) -> float:
    if isinstance(value, str):
        meant = parse_number(value)
        if meant is None and value.strip().lstrip("+-").casefold() not in ("nan", "inf", "infinity"):
            raise _Unfit("TypeConstraintViolation", where, "must be a number")
        number = math.inf if meant is None else meant
        deviations.append(Deviation(where, "text_instead_of_number", "TypeConstraintViolation"))
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unfit("TypeConstraintViolation", where, "must be a number")
    else:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if not math.isfinite(number):
        raise _Unfit("PropertyConstraintViolation", where, "is out of range")
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
        raise _Unfit("TypeConstraintViolation", where, "must be true or false")
    deviations.append(Deviation(where, "not_a_boolean", "TypeConstraintViolation"))
    return meant


def _literal(kind: inspect.LiteralType, value: object, where: str, deviations: list[Deviation]) -> str:
    if not isinstance(value, str):
        raise _Unfit("TypeConstraintViolation", where, "must be text")
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
        raise _Unfit("TypeConstraintViolation", where, "must be a list")
    length = value.length if isinstance(value, _ReadList) else len(value)
    if kind.min_length is not None and length < kind.min_length:
        deviations.append(Deviation(where, "too_few_elements", "OccurenceConstraintViolation"))
    items: list[object] = []
    unfit: _Unfit | None = None
    if isinstance(value, _ReadList):
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
    item_type = _bare(kind.item_type)
    # Of texts and the like each is for itself as well.
    return getattr(item_type.cls, "droppable", False) if isinstance(item_type, inspect.StructType) else True


def _element(
    kind: inspect.ListType, item: object, place: str, items: list[object], deviations: list[Deviation]
) -> _Unfit | None:
    """Adds an element of a list, or says why it is dropped."""
    try:
        items.append(_value(_bare(kind.item_type), item, place, deviations))
    except _Unfit as error:
        if not _droppable(kind):
            raise
        deviations.append(Deviation(place, "dropped", error.code))
        if isinstance(deviations, _Deviations):
            deviations.dropped += 1
            if deviations.dropped > _MOST_DROPPED:  # no leniency bears that
                where = place.rpartition("[")[0]
                raise OcppError(error.code, f"{where}: too much of it cannot be used") from None
        return error.with_traceback(None)  # it would hold on to all that is read, until the collector comes
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
