"""Reads structures and lists that are not as specified: what is in them is so nearly always, and is taken as it is; the
rest is read leniently (`leniency.py`).
"""

import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import inspect

from csmsd.ocpp.errors import ErrorCode, OcppError
from csmsd.ocpp.leniency import (
    Deviation,
    Deviations,
    Reader,
    Unfit,
    lenient_boolean,
    lenient_decimal,
    lenient_integer,
    lenient_json_text,
    lenient_literal,
    lenient_text,
)
from csmsd.ocpp.types import LARGEST_INTEGER, Message

M = TypeVar("M", bound=Message)

_MOST_DROPPED = 1_000  # elements of lists
AT_ONCE = 50  # elements of a long list


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
        elements = _elements(kind)
        try:
            for index in range(first, min(first + AT_ONCE, len(items))):
                unfit = _add_element(elements, items[index], f"{where}[{index}]", self, self.deviations)
                self.unfit = unfit or self.unfit
        except (Unfit, OcppError) as error:
            self.spoilt = error.with_traceback(None)


def read_leniently(cls: type[M], value: object, deviations: list[Deviation]) -> M:
    """The structure that the value is meant to be. Raises Unfit, and OcppError where too much of it is."""
    read: M = _structure(_form(cls), value, "", deviations)
    return read


class _Field(msgspec.Struct, frozen=True):
    """A field, worked out once. What `fits` is as specified; what does not is read."""

    attribute: str
    required: bool
    substitute: object
    is_part: bool
    fits: Callable[[object], bool]
    read: Reader


class _Form(msgspec.Struct, frozen=True):
    """A structure, worked out once: its fields by the names that they have in JSON.

    A `flat` one holds nothing but texts, whole numbers and the like.
    """

    cls: type
    fields: dict[str, _Field]
    by_folded_name: dict[str, str]
    flat: bool


class _Elements(msgspec.Struct, frozen=True):
    """What a list holds, worked out once; `flat` is the form of flat structures."""

    read: Reader
    flat: _Form | None
    droppable: bool | Literal["unless all"]
    fewest: int


# A float may be infinite, where it does not come out of JSON.
_NOT_FLAT = (inspect.StructType, inspect.ListType, inspect.FloatType)


@cache
def _form(cls: type) -> _Form:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    fields = {
        field.encode_name: _Field(
            field.name,
            field.required,
            _extra(field.type).get("substitute") if field.required else None,
            isinstance(bare_type(field.type), inspect.StructType | inspect.ListType),
            _fitting(bare_type(field.type)),
            _reader(field.type),
        )
        for field in info.fields
    }
    flat = not any(isinstance(bare_type(field.type), _NOT_FLAT) for field in info.fields)
    return _Form(cls, fields, {name.casefold(): name for name in fields}, flat)


def _elements(kind: inspect.ListType) -> _Elements:
    item = bare_type(kind.item_type)
    form = _form(item.cls) if isinstance(item, inspect.StructType) else None
    return _Elements(
        _reader(item),
        form if form is not None and form.flat else None,
        # Of texts and the like each is for itself as well.
        getattr(item.cls, "droppable", False) if isinstance(item, inspect.StructType) else True,
        kind.min_length or 0,
    )


def _fitting(kind: inspect.Type) -> Callable[[object], bool]:
    if isinstance(kind, inspect.StrType):
        most = math.inf if kind.max_length is None else kind.max_length
        return lambda value: type(value) is str and len(value) <= most
    if isinstance(kind, inspect.LiteralType):
        values = frozenset(kind.values)
        return lambda value: type(value) is str and value in values
    if isinstance(kind, inspect.IntType):
        lowest = -LARGEST_INTEGER if kind.ge is None else kind.ge
        highest = LARGEST_INTEGER if kind.le is None else kind.le
        return lambda value: type(value) is int and lowest <= value <= highest
    return lambda value: False


def _reader(kind: inspect.Type) -> Reader:
    read = _bare_reader(bare_type(kind))
    return partial(lenient_json_text, read) if _extra(kind).get("json") else read


def _bare_reader(kind: inspect.Type) -> Reader:
    if isinstance(kind, inspect.StrType):
        return partial(lenient_text, kind)
    if isinstance(kind, inspect.IntType):
        return partial(lenient_integer, kind)
    if isinstance(kind, inspect.FloatType):
        return partial(lenient_decimal, kind)
    if isinstance(kind, inspect.BoolType):
        return lenient_boolean
    if isinstance(kind, inspect.LiteralType):
        values = tuple(map(str, kind.values))
        return partial(lenient_literal, values, {value.casefold(): value for value in values})
    if isinstance(kind, inspect.ListType):
        return partial(_list, _elements(kind))
    if isinstance(kind, inspect.StructType):
        return partial(_structure, _form(kind.cls))
    return lambda value, where, deviations: value


def _structure(form: _Form, value: object, path: str, deviations: list[Deviation]) -> Any:
    if type(value) is not dict and not isinstance(value, Mapping):
        code: ErrorCode = "TypeConstraintViolation" if path else "FormationViolation"
        raise Unfit(code, path, "must be a JSON object")
    known = form.fields
    given = value if value.keys() <= known.keys() else _by_known_names(form, value, path, deviations)
    fields = {}
    for name, field in known.items():
        if name in given and field.fits(given[name]):  # nearly always
            fields[field.attribute] = given[name]
            continue
        where = place_below(path, name)
        if field.substitute is not None:
            fields[field.attribute] = field.substitute
        if name not in given:
            if not field.required:
                continue
            if field.substitute is None:
                raise Unfit("OccurenceConstraintViolation", where, "is required")
            deviations.append(Deviation(where, "missing", "OccurenceConstraintViolation"))
            continue
        item = given[name]
        if item is None:
            if field.required and field.substitute is None:
                raise Unfit("TypeConstraintViolation", where, "must not be null")
            deviations.append(Deviation(where, "null", "TypeConstraintViolation"))
            continue
        try:
            fields[field.attribute] = field.read(item, where, deviations)
        except Unfit as error:
            # A bad optional field is not worth the message it stands in, unless it is a part of the message itself.
            if field.is_part or (field.required and field.substitute is None):
                raise
            deviations.append(Deviation(where, "unusable", error.code))
    return form.cls(**fields)


def _as_specified(form: _Form, value: object) -> object | None:
    """A flat structure that is as specified; None where it has to be looked through."""
    if type(value) is dict and value.keys() <= form.fields.keys() and None not in value.values():
        try:
            read: object = msgspec.convert(value, form.cls)
        except msgspec.ValidationError:
            return None
        return read
    return None


def _by_known_names(
    form: _Form, value: Mapping[str, object], path: str, deviations: list[Deviation]
) -> Mapping[str, object]:
    """Its fields by their names as they are specified, without those that are unknown."""
    given: dict[str, object] = {}
    for name, item in value.items():
        if name in form.fields:
            given[name] = item
            continue
        meant = form.by_folded_name.get(name.casefold())
        if meant is not None and meant not in value:
            given[meant] = item
            deviations.append(Deviation(place_below(path, meant), "name_in_another_case", "FormationViolation"))
        else:
            deviations.append(Deviation(place_below(path, name[:50]), "unknown_field", "FormationViolation"))
    return given


def _list(elements: _Elements, value: object, where: str, deviations: list[Deviation]) -> list[object]:
    if isinstance(value, Mapping):
        deviations.append(Deviation(where, "object_instead_of_list", "TypeConstraintViolation"))
        value = [value]
    if not isinstance(value, list):
        raise Unfit("TypeConstraintViolation", where, "must be a list")
    length = value.length if isinstance(value, ReadList) else len(value)
    if length < elements.fewest:
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
            read = None if elements.flat is None else _as_specified(elements.flat, item)
            if read is not None:  # nearly always
                items.append(read)
            else:
                unfit = _add_element(elements, item, f"{where}[{index}]", items, deviations) or unfit
    if unfit is not None and elements.droppable == "unless all" and not items:
        try:
            raise unfit
        finally:
            del unfit  # it would hold on to itself
    return items


def _add_element(
    elements: _Elements, item: object, place: str, items: list[object], deviations: list[Deviation]
) -> Unfit | None:
    """Adds an element of a list, or says why it is dropped."""
    try:
        items.append(elements.read(item, place, deviations))
    except Unfit as error:
        if not elements.droppable:
            raise
        deviations.append(Deviation(place, "dropped", error.code))
        if isinstance(deviations, Deviations):
            deviations.dropped += 1
            if deviations.dropped > _MOST_DROPPED:  # no leniency bears that
                where = place.rpartition("[")[0]
                raise OcppError(error.code, f"{where}: too much of it cannot be used") from None
        return error.with_traceback(None)  # it would hold on to all that is read, until the collector comes
    return None


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


def place_below(path: str, name: str) -> str:
    """The place of a field of what stands at `path`."""
    return f"{path}.{name}" if path else name
