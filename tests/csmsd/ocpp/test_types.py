"""The data types that messages share (C 7). Their agreement with the official schemas: tests/csmsd/profiles."""

from typing import get_args

import msgspec
import pytest

from csmsd.ocpp import types
from csmsd.ocpp.types import IdTagInfo, Message

ENUMERATIONS = {
    name: get_args(value) for name, value in vars(types).items() if type(value).__name__ == "_LiteralGenericAlias"
}


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_values_of_an_enumeration_differ_in_more_than_case(name: str) -> None:
    """A value in another case is folded to the one it means; two candidates would be one too many."""
    values = ENUMERATIONS[name]

    assert values
    assert len({value.casefold() for value in values}) == len(values)


def test_celsius_is_read_in_both_spellings() -> None:
    assert {"Celsius", "Celcius"} <= set(ENUMERATIONS["UnitOfMeasure"])  # JE 2.1


def test_names_on_the_wire_are_camel_case() -> None:
    info = IdTagInfo(status="Accepted", parent_id_tag="P1")

    assert msgspec.json.encode(info) == b'{"parentIdTag":"P1","status":"Accepted"}'


def test_every_message_forbids_unknown_fields_so_that_they_are_counted() -> None:
    messages = [value for value in vars(types).values() if isinstance(value, type) and issubclass(value, Message)]

    assert IdTagInfo in messages
    assert all(message.__struct_config__.forbid_unknown_fields for message in messages)
