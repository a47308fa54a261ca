"""Records: what slices hand to the store."""

from collections.abc import Iterator
from typing import get_args, get_origin, get_type_hints

import pytest

from csmsd.profiles.record import Record


def all_kinds(base: type[Record]) -> Iterator[type[Record]]:
    for kind in base.__subclasses__():
        yield from (kind, *all_kinds(kind))


KINDS = sorted((kind for kind in all_kinds(Record) if "table" in kind.__dict__), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_record_names_its_table_and_a_key_among_its_fields(kind: type[Record]) -> None:
    assert kind.table
    assert set(kind.key) <= set(kind.__struct_fields__)


def test_no_two_records_share_a_table() -> None:
    assert len({kind.table for kind in KINDS}) == len(KINDS) > 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_record_holds_nothing_but_what_sqlite_or_json_can(kind: type[Record]) -> None:
    for name, hint in get_type_hints(kind).items():
        if name in kind.__struct_fields__:
            parts = [part for outer in get_args(hint) or (hint,) for part in get_args(outer) or (outer,)]
            assert get_origin(hint) is list or all(
                isinstance(p, str) or p in (str, int, float, bool, type(None)) for p in parts
            )
