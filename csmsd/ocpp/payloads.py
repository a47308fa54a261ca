"""Reading payloads: at full speed when they are as specified, leniently when they are not.

A well-formed payload is decoded by msgspec in one step. Anything else goes through a lenient reader (`reading.py`); a
strict one turns the first deviation into the CALLERROR that the specification asks for.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.leniency import Deviation, Deviations, Unfit
from csmsd.ocpp.reading import AT_ONCE, ReadList, bare_type, place_below, read_leniently
from csmsd.ocpp.timestamps import is_rfc_3339
from csmsd.ocpp.types import Message

M = TypeVar("M", bound=Message)


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


def read_as_it_stands(message_type: type[M], payload: msgspec.Raw | bytes) -> M | None:
    """The typed message where nothing in it has to be looked at twice, as in nearly all."""
    if _NULL.search(payload) is None:  # a null is to be seen and counted, too
        try:
            message: M = _decoder(message_type).decode(payload)
        except (ValueError, RecursionError):
            return None
        return message
    return None


def read_payload(
    message_type: type[M], payload: msgspec.Raw | bytes, *, strict: bool = False
) -> tuple[M, list[Deviation]]:
    """The typed message and its deviations. Raises OcppError when it cannot be read, or deviates while `strict`."""
    message = read_as_it_stands(message_type, payload)
    if message is not None:
        if strict:
            for time in _odd_times(_struct_type(message_type), message, ""):
                _refuse_odd_time(time)
        return message, []
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
    if not strict and (message := read_as_it_stands(message_type, payload)) is not None:
        return message, []
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
    deviations: list[Deviation] = Deviations()
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
                if field is not None and isinstance(items, list) and len(items) > AT_ONCE:
                    read = value[name] = ReadList()
                    for first in range(0, len(items), AT_ONCE):
                        read.add(bare_type(field.type), items, first, field.encode_name)
                        yield None
        message = read_leniently(message_type, value, deviations)
    except Unfit as error:
        raise OcppError(error.code, str(error)) from None
    if strict:
        for odd in deviations:
            raise OcppError(odd.code, f"{odd.field}: {odd.kind.replace('_', ' ')}")
        for place, time in enumerate(_odd_times(info, message, "")):
            _refuse_odd_time(time)
            if some and place % AT_ONCE == 0:
                yield None
    yield message, deviations


def _is_list(field: inspect.Field) -> bool:
    return isinstance(bare_type(field.type), inspect.ListType)


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


def _refuse_odd_time(time: Deviation | None) -> None:
    if time is not None:
        raise OcppError(time.code, f"{time.field}: {time.kind.replace('_', ' ')}")


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
    kind = bare_type(kind)
    if isinstance(kind, inspect.StructType):
        for field in _fields_with_times(kind.cls):
            yield from _odd_times(field.type, getattr(value, field.name), place_below(where, field.encode_name))
    elif isinstance(kind, inspect.ListType) and _holds_time(kind.item_type):
        for index, item in enumerate(value):
            yield from _odd_times(kind.item_type, item, f"{where}[{index}]")
            yield None


@cache
def _fields_with_times(message_type: type[Message]) -> tuple[inspect.Field, ...]:
    return tuple(field for field in _struct_type(message_type).fields if _holds_time(field.type))


def _holds_time(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(map(_holds_time, kind.types))
    if isinstance(kind, inspect.Metadata):
        return bool((kind.extra or {}).get("time")) or _holds_time(kind.type)
    if isinstance(kind, inspect.ListType):
        return _holds_time(kind.item_type)
    return isinstance(kind, inspect.StructType) and bool(_fields_with_times(kind.cls))
