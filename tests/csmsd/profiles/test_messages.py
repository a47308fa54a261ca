"""All messages of all slices against the official JSON schemas, and all handlers against hostile payloads."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import check_sendable_payload, encode_payload, read_payload
from csmsd.ocpp.types import Message
from csmsd.profiles import incoming
from csmsd.profiles.action import Context
from tests.csmsd.profiles.messages import (
    against_schema,
    bare,
    instances,
    is_time,
    message_types,
    schema,
    sent_types,
    spoilt,
)
from tests.csmsd.profiles.scene import Scene

ALL = message_types()
SENT = sent_types()

# Where a type of ours and its schema differ, and why. An entry that is not needed any more fails the test.
DIFFERENCES = {
    # The schemas of the specification lack it (C 7.45; CE 3.83 names Hertz in passing); PyPI `ocpp` added it to one of
    # the two that have it. It is read as any other text.
    "SampledValue.unit: only the schema knows Hertz",
    # C 7.33: sampledValue is 1..*; of the two schemas that have it one does not say so.
    "MeterValue.sampledValue: at least 1 here, 0 in the schema",
    # C 7.13: chargingSchedulePeriod is 1..*; the schemas do not say so.
    "ChargingSchedule.chargingSchedulePeriod: at least 1 here, 0 in the schema",
    # Whitepaper 5.8: certificateHashData is 0..*; the schema wants one, and some send an empty list for none.
    "GetInstalledCertificateIdsConf.certificateHashData: at least 0 here, 1 in the schema",
    # C 7.14: at most one decimal. Profiles are checked where they are made; there is no type for it.
    "ChargingSchedulePeriod.limit: multiples of 0.1 in the schema",
    "ChargingSchedule.minChargingRate: multiples of 0.1 in the schema",
}

JSON_TYPES = {
    inspect.StrType: "string",
    inspect.LiteralType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.ListType: "array",
    inspect.StructType: "object",
}


def differences(kind: inspect.Type, specified: dict[str, Any], place: str) -> Iterator[str]:
    kind = bare(kind)
    expected = JSON_TYPES[type(kind)]
    if specified["type"] != expected:
        yield f"{place}: {expected} here, {specified['type']} in the schema"
        return
    if isinstance(kind, inspect.LiteralType):
        ours, theirs = set(map(str, kind.values)), set(specified.get("enum", ()))
        yield from (f"{place}: only we know {value}" for value in sorted(ours - theirs))
        yield from (f"{place}: only the schema knows {value}" for value in sorted(theirs - ours))
    elif isinstance(kind, inspect.StrType):
        if "enum" in specified:
            yield f"{place}: an enumeration in the schema"
        if is_time(kind) != (specified.get("format") == "date-time"):
            yield f"{place}: a dateTime only on one side"
        elif not is_time(kind) and kind.max_length != specified.get("maxLength"):
            yield f"{place}: {kind.max_length} characters here, {specified.get('maxLength')} in the schema"
    elif isinstance(kind, inspect.FloatType) and "multipleOf" in specified:
        yield f"{place}: multiples of {specified['multipleOf']} in the schema"
    elif isinstance(kind, inspect.ListType):
        least, specified_least = kind.min_length or 0, specified.get("minItems", 0)
        if least != specified_least:
            yield f"{place}: at least {least} here, {specified_least} in the schema"
        yield from differences(kind.item_type, specified["items"], f"{place}[]")
    elif isinstance(kind, inspect.StructType):
        place = kind.cls.__name__  # data types are shared: a difference in one is named once
        fields = {field.encode_name: field for field in kind.fields}
        properties = specified.get("properties", {})
        yield from (f"{place}: only we have {name}" for name in sorted(fields.keys() - properties.keys()))
        yield from (f"{place}: only the schema has {name}" for name in sorted(properties.keys() - fields.keys()))
        for name in sorted(fields.keys() & properties.keys()):
            if fields[name].required != (name in specified.get("required", ())):
                yield f"{place}.{name}: required only on one side"
            yield from differences(fields[name].type, properties[name], f"{place}.{name}")


def test_types_and_schemas_agree_in_both_directions() -> None:
    found = {
        difference
        for message_type in ALL
        for difference in differences(inspect.type_info(message_type), schema(message_type), message_type.__name__)
    }

    assert found == DIFFERENCES


@pytest.mark.parametrize("message_type", SENT, ids=lambda kind: kind.__name__)
@settings(max_examples=settings().max_examples // 2)
@given(st.data())
def test_what_we_send_is_valid_by_the_official_schema(message_type: type[Message], data: st.DataObject) -> None:
    message = data.draw(instances(message_type))

    assert check_sendable_payload(message) is None
    assert against_schema(message_type, msgspec.json.decode(encode_payload(message))) is None


@pytest.mark.parametrize("message_type", ALL, ids=lambda kind: kind.__name__)
@settings(max_examples=settings().max_examples // 2)
@given(st.data())
def test_what_is_as_specified_is_read_strictly_and_comes_back(message_type: type[Message], data: st.DataObject) -> None:
    message = data.draw(instances(message_type))

    assert read_payload(message_type, encode_payload(message)) == (message, [])
    assert read_payload(message_type, encode_payload(message), strict=True) == (message, [])


@pytest.mark.parametrize("message_type", ALL, ids=lambda kind: kind.__name__)
@settings(max_examples=settings().max_examples // 2)
@given(st.data())
def test_what_the_strict_reader_takes_the_schema_takes_too(message_type: type[Message], data: st.DataObject) -> None:
    payload = data.draw(spoilt(message_type))
    try:
        message, _ = read_payload(message_type, msgspec.json.encode(payload), strict=True)
    except OcppError:
        return

    objection = against_schema(message_type, msgspec.json.decode(encode_payload(message)))
    # Who has no certificate may say so by an empty list, whatever these schemas have beyond the text (W 5.8).
    assert objection is None or "multiple of" in objection or objection.startswith("$.certificateHashData: []")


NEVER_REFUSED = ["BootNotification", "Heartbeat", "MeterValues", "SecurityEventNotification", "StopTransaction"]


@pytest.mark.parametrize("action", sorted(incoming()))
@given(st.data())
def test_no_payload_breaks_a_handler(action: str, data: st.DataObject) -> None:
    """Whatever comes is answered as specified, and what is to be kept can be kept (the scene sees to the latter)."""
    declared = incoming()[action]
    scene = Scene()
    transaction = scene.started()
    scene.meter("1200", transactionId=transaction.id)
    for _ in range(data.draw(st.integers(1, 3))):
        payload = data.draw(spoilt(declared.request))
        if isinstance(payload, dict) and "transactionId" in payload and data.draw(st.booleans()):
            payload["transactionId"] = data.draw(st.sampled_from([transaction.id, str(transaction.id), True, -1]))
        try:
            answer = scene.send(action, payload)
        except OcppError:
            assert action not in NEVER_REFUSED
        else:
            assert against_schema(declared.confirmation, answer.payload) is None
    assert 0 <= transaction.energy_wh < 2**63


@pytest.mark.parametrize("payload", ["null", "[]", "5", '"text"', "{}", '{"x":' + "[" * 400 + "]" * 400 + "}"])
@pytest.mark.parametrize("action", NEVER_REFUSED)
def test_what_is_always_confirmed(action: str, payload: str) -> None:
    assert against_schema(incoming()[action].confirmation, Scene().send(action, payload.encode()).payload) is None


def test_no_depth_breaks_a_handler() -> None:
    """Somewhere the interpreter's limit is met: in reading, or in writing down what could not be read."""
    scene, most = Scene(), deepest()
    for depth in range(most - 300, most + 1):
        value = msgspec.json.decode("[" * depth + "]" * depth)
        for action in ("MeterValues", "StopTransaction"):
            unreadable = incoming()[action].unreadable
            assert unreadable is not None
            assert unreadable({"x": value}, Context(scene.site, scene.cp, scene.now, [])).changes


def deepest() -> int:
    """How deep JSON may be to be read at all: as deep as the interpreter's stack lets it."""
    fits, too_deep = 0, 1_000_000
    while too_deep - fits > 1:
        depth = (fits + too_deep) // 2
        try:
            msgspec.json.decode("[" * depth + "]" * depth)
            fits = depth
        except RecursionError:
            too_deep = depth
    return fits
