"""Records in which every field has a value of its own, so that none can be shown in the place of another."""

import types
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsd.profiles.scene import NOON

R = TypeVar("R", bound=msgspec.Struct)


def filled(kind: type[R], **given: Any) -> R:
    """Of a type; booleans are False unless they are given."""
    hints = get_type_hints(kind)
    names = kind.__struct_fields__
    return kind(**{name: _value(hints[name], name, place) for place, name in enumerate(names, 1)} | given)


def each(kind: type[R], **given: Any) -> Iterator[R]:
    """One filled, and one for each of its booleans that is True alone."""
    yield filled(kind, **given)
    for name, hint in get_type_hints(kind).items():
        if hint in (bool, bool | None) and name not in given:
            yield filled(kind, **given, **{name: True})


def _value(hint: Any, name: str, place: int) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    if hint is bool:
        return False
    if name.endswith(("_at", "_time", "since")):
        return NOON + place
    return {int: place, float: place / 8, str: name}.get(hint, [f"one {name}"])


def _shown_by_name(record: msgspec.Struct, view: dict[str, Any], but: tuple[str, ...]) -> set[str]:
    """Asserts that what has the name of a field is its value, times as text; returns the keys of which that is so."""
    keys = set(view) & set(record.__struct_fields__) - set(but)
    for key in keys:
        value = getattr(record, key)
        time = isinstance(value, int) and not isinstance(value, bool) and value >= NOON
        assert view[key] == (format_timestamp(value) if time else value), key
    return keys


def all_shown(kind: type[R], view: Callable[[R], dict[str, Any]], *but: str, **given: Any) -> set[str]:
    """The keys that show the field of their name, whatever the others are; `but` are looked at by the test."""
    return set.intersection(*(_shown_by_name(record, view(record), but) for record in each(kind, **given)))
