"""Messages for tests: valid ones and spoilt ones made from their types, and the official schemas to hold them against.

The schemas are those that PyPI `ocpp` ships; `ERRATA` mends them where the errata sheet of OCPP-J says so.
"""

import json
import math
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import ocpp
from hypothesis import strategies as st
from msgspec import inspect

from csmsd.ocpp.payloads import check_sendable_payload, encode_payload, read_payload
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import Message
from csmsd.profiles import incoming, outgoing
from csmsd.profiles.action import Incoming, Outgoing

Schema = dict[str, Any]

_SCHEMAS = Path(ocpp.__file__).parent / "v16" / "schemas"


def message_types() -> list[type[Message]]:
    """Every request and confirmation there is, each once."""
    slices: list[Incoming[Message, Message] | Outgoing[Message, Message]] = [*incoming().values(), *outgoing().values()]
    found = {kind.__name__: kind for declared in slices for kind in (declared.request, declared.confirmation)}
    return [found[name] for name in sorted(found)]


def sent_types() -> list[type[Message]]:
    """What we send: the confirmations of what we take, the requests of what we ask."""
    found = {declared.confirmation for declared in incoming().values()}
    return sorted(found | {declared.request for declared in outgoing().values()}, key=lambda kind: kind.__name__)


@cache
def schema(message_type: type[Message]) -> Schema:
    """The official schema of a message, as the errata have it."""
    name = message_type.__name__
    file = name.removesuffix("Req") if name.endswith("Req") else name.removesuffix("Conf") + "Response"
    found: Schema = json.loads((_SCHEMAS / f"{file}.json").read_text("utf-8-sig"))
    found = _without_references(found, found.pop("definitions", {}))
    if name == "StopTransactionReq":  # JE 2.5: reason is optional
        found["required"] = [field for field in found["required"] if field != "reason"]
    if name == "BootNotificationConf":  # JE 2.3: interval is an integer
        found["properties"]["interval"]["type"] = "integer"
    if name in ("MeterValuesReq", "StopTransactionReq"):  # JE 2.1: both spellings are to be supported
        units = _sampled_value(found)["properties"]["unit"]["enum"]
        units += [unit for unit in ("Celsius", "Celcius") if unit not in units]
    return found


def _without_references(part: Any, definitions: Schema) -> Any:
    """With what is defined elsewhere in its place."""
    if isinstance(part, list):
        return [_without_references(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _without_references(definitions[part["$ref"].removeprefix("#/definitions/")], definitions)
    return {name: _without_references(one, definitions) for name, one in part.items()}


def _sampled_value(found: Schema) -> Schema:
    lists = found["properties"]
    meter_value = lists.get("meterValue") or lists["transactionData"]
    sampled_value: Schema = meter_value["items"]["properties"]["sampledValue"]["items"]
    return sampled_value


def against_schema(message_type: type[Message], payload: object) -> str | None:
    """What the official schema has against a payload, or None."""
    errors = sorted(jsonschema.Draft4Validator(schema(message_type)).iter_errors(payload), key=str)
    return f"{errors[0].json_path}: {errors[0].message}" if errors else None


def assert_valid(message_type: type[Message], payload: dict[str, Any]) -> None:
    """A payload is as specified: schema and strict reader agree, and it is written as it was read."""
    assert against_schema(message_type, payload) is None
    message, deviations = read_payload(message_type, msgspec.json.encode(payload), strict=True)
    assert deviations == []
    assert read_payload(message_type, msgspec.json.encode(payload)) == (message, [])
    assert json.loads(encode_payload(message)) == payload
    assert check_sendable_payload(message) is None


# --- messages made from their types

_TIMES = st.integers(1_500_000_000_000, 2_000_000_000_000).map(format_timestamp)


@cache
def instances(message_type: type[Message]) -> st.SearchStrategy[Message]:
    """Messages that are as specified."""
    made: st.SearchStrategy[Message] = _struct(inspect.type_info(message_type))
    return made


def _struct(kind: inspect.Type) -> st.SearchStrategy[Any]:
    assert isinstance(kind, inspect.StructType)
    needed = {field.name: _value(field.type) for field in kind.fields if field.required}
    optional = {field.name: st.none() | _value(field.type) for field in kind.fields if not field.required}
    return st.fixed_dictionaries({**needed, **optional}).map(lambda fields: kind.cls(**fields))


def bare(kind: inspect.Type) -> inspect.Type:
    """The type behind annotations and `| None`."""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.UnionType):
            (kind,) = (part for part in kind.types if not isinstance(part, inspect.NoneType))
        else:
            kind = kind.type
    return kind


def is_time(kind: inspect.Type) -> bool:
    """Whether a text is a dateTime."""
    return isinstance(kind, inspect.StrType) and kind.max_length == 64


def _value(kind: inspect.Type) -> st.SearchStrategy[Any]:
    kind = bare(kind)
    if is_time(kind):
        return _TIMES
    if isinstance(kind, inspect.StrType):
        return st.text(max_size=kind.max_length or 100)
    if isinstance(kind, inspect.IntType):
        low, high = kind.ge, kind.le
        return st.integers(-(2**63) if low is None else low, 2**63 - 1 if high is None else high)
    if isinstance(kind, inspect.FloatType):
        return st.integers(math.ceil(kind.ge or 0), 100_000).map(float)
    if isinstance(kind, inspect.BoolType):
        return st.booleans()
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.ListType):
        return st.lists(_value(kind.item_type), min_size=kind.min_length or 0, max_size=3)
    return _struct(kind)


_HOSTILE: list[Any] = [
    None, True, 0, -1, 5.5, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30), 1e300, -1e300,
    "", "5", "-1", "1e308", "NaN", "inf", "\0", "\x1b[31m", "💥", "=1+1", "x" * 3000, "9" * 400,
    "2026-03-01T12:00:00.000Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "accepted", "wH",
    [], {}, [[]], [None], [{}], {"value": 1}, [{"value": "1e308", "unit": "kWh"}],
    [{"timestamp": "", "sampledValue": []}],
]  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, message_type: type[Message]) -> object:
    """Payloads of a message in which places were overwritten, dropped or added to."""
    payload = msgspec.json.decode(encode_payload(draw(instances(message_type))))
    for _ in range(draw(st.integers(0, 3))):
        place = payload
        while isinstance(place, dict | list) and place and draw(st.integers(0, 3)):
            inner = draw(st.sampled_from(list(place.values()) if isinstance(place, dict) else place))
            if not isinstance(inner, dict | list):
                break
            place = inner
        hostile = deepcopy(draw(st.sampled_from(_HOSTILE)))
        if isinstance(place, dict):
            names = [*place, *schema(message_type).get("properties", ()), "x"]
            name = draw(st.sampled_from(names))
            if draw(st.booleans()):
                place[name] = hostile
            else:
                place.pop(name, None)
        elif isinstance(place, list):
            place.append(hostile)
    return payload
