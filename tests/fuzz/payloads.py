"""Payloads out of the official JSON schemas: valid ones, and such with one thing wrong.

A payload is drawn by hand, one cheap draw a choice: a million frames are to be had in an hour.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from csmsd.ocpp.timestamps import is_rfc_3339

Draw = Callable[[st.SearchStrategy[Any]], Any]
Json = Any

# What charge points send to a Central System (C 4), each with its schema.
ACTIONS = (
    *("BootNotification", "Heartbeat", "Authorize", "StatusNotification", "DataTransfer"),
    *("StartTransaction", "MeterValues", "StopTransaction"),
    *("FirmwareStatusNotification", "DiagnosticsStatusNotification"),
)
OURS = ("Reset", "RemoteStartTransaction", "ChangeConfiguration", "SetChargingProfile", "TriggerMessage", "ReserveNow")

TRANSACTION = -987_654_321  # stands for the id of a transaction that its connection was given
OF_ANOTHER = -987_654_322  # and that another one was given

_TEXTS = (
    *("A1B2C3", "TAG-1", "TAG-2", "a", "", " ", "0", "-1", "1e3", "null", "None", "true", "NaN", "7.4", "1,5", "+5"),
    *("é", "日本語", "😀", "\u202egnp", "\u0007", "\x1b[2J", "[red]x[/]", "=1+1", "'; DROP--", "%s%n", "../../etc"),
    *(
        "\\",
        '"',
        "\\u0041",
        "\u2028",
        "\x00",
        "\x7f",
        "\ufeff",
        "{}",
        "[]",
        "a\nb",
        "token=geheim",
        "AAAAAAAAAAAAAAAAAAAA",
    ),
)
_NUMBERS = (
    "0",
    "1",
    "12.5",
    "1000",
    "999999",
    "-5",
    "0.001",
    "1e6",
    "12345678901234567890",
    "1e308",
    "-1e308",
    "230",
    "16",
)
_INTEGERS = (0, 1, 2, 3, 7, 100, 1000, 12345, -1, 2**31 - 1, -(2**31))
_TIMES = (
    *("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z", "2026-03-01T13:30:00.123456+01:30"),
    *("1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "2000-02-29T00:00:00-12:00", "2026-10-25T02:30:00+02:00"),
)
_HOSTILE: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**53, 2**63, 2**64, 10**40, -(10**25)),
    *(
        "",
        "x",
        "\x00",
        "9" * 30,
        "1" * 400,
        "NaN",
        "0x10",
        "\u202e",
        {},
        [],
        [[]],
        [None],
        [{}],
        {"a": 1},
        {"": {"": []}},
    ),
    *([1, 2, 3], "2026-13-45T99:99:99Z", "2026-03-01", "tomorrow", "accepted", "ACCEPTED", "[bold]", {"value": "1"}),
)
_KEYS = ("x", "", "id", "idtag", "ConnectorId", "__proto__", "vendorId", "timestamp", "\x00", "a.b", "é", "k" * 300)

_TIME = re.compile(r'"timestamp":"([^"]*)"')
_LONG = 100_000  # bytes, near the longest that a message may be
_LARGE = re.compile(r":-?[0-9]{10}")
_text, _number, _integer = st.sampled_from(_TEXTS), st.sampled_from(_NUMBERS), st.sampled_from(_INTEGERS)
_time, _hostile, _key = st.sampled_from(_TIMES), st.sampled_from(_HOSTILE), st.sampled_from(_KEYS)
_transaction = st.sampled_from((TRANSACTION, TRANSACTION, OF_ANOTHER))
_connector = st.sampled_from((0, 1, 1, 1, 2, 2, 3, 12))
_any_text = st.text(max_size=8)
_any_integer = st.integers(-(2**31), 2**31 - 1)
_few = st.sampled_from((1, 1, 1, 2, 2, 3))
_one_of_ten = st.integers(0, 9)
_bits = cache(lambda number: st.integers(0, 2**number - 1))
_among = cache(st.sampled_from)


@cache
def schema(action: str) -> dict[str, Json]:
    text = files("ocpp.v16").joinpath("schemas", f"{action}.json").read_text("utf-8-sig")
    # C 7.45 has no such unit: frequencies come without one (C 7.31).
    found = json.loads(re.sub(r',\s*"Hertz"', "", text))
    assert isinstance(found, dict)
    return found


@cache
def _validator(action: str) -> Draft4Validator:
    return Draft4Validator(schema(action))


def is_valid(action: str, payload: Json) -> bool | None:
    """By the schema; None where it says too little: of times, lengths, connectors below 0, and empty lists."""
    if payload is None:  # J 4.2.1: a payload that says nothing
        return None
    if not _validator(action).is_valid(payload):
        return False
    raw = encoded(payload)
    text = raw.decode()
    sure = len(raw) < _LONG and "[]" not in text and not _LARGE.search(text)
    sure = sure and all(is_rfc_3339(time) for time in _TIME.findall(text))
    return True if sure and payload.get("connectorId", 0) >= 0 else None


def valid(draw: Draw, action: str) -> dict[str, Json]:
    found = _value(draw, schema(action), action)
    assert isinstance(found, dict)
    return found


def _value(draw: Draw, kind: dict[str, Json], name: str) -> Json:
    if "enum" in kind:
        return draw(_among(tuple(kind["enum"])))
    match kind["type"]:
        case "object":
            return _object(draw, kind)
        case "array":
            return [_value(draw, kind["items"], name) for _ in range(draw(_few))]
        case "integer" if name == "transactionId":
            return draw(_integer) if draw(_one_of_ten) == 0 else draw(_transaction)
        case "integer" if name == "connectorId":
            return draw(_connector)
        case "integer":
            return draw(_any_integer) if draw(_one_of_ten) == 0 else draw(_integer)
        case "string" if kind.get("format") == "date-time":
            return draw(_time)
        case "string" if name == "value":
            return draw(_text) if draw(_one_of_ten) == 0 else draw(_number)
    found = draw(_any_text) if draw(_one_of_ten) == 0 else draw(_text)
    longest = kind.get("maxLength")
    return found if longest is None else found[:longest]


def _object(draw: Draw, kind: dict[str, Json]) -> dict[str, Json]:
    fields, required = kind.get("properties", {}), kind.get("required", [])
    chosen = draw(_bits(len(fields))) & draw(_bits(len(fields))) if fields else 0
    return {
        name: _value(draw, one, name)
        for number, (name, one) in enumerate(fields.items())
        if name in required or chosen >> number & 1
    }


# --- one thing wrong

# By what is done to the payload, the codes with which a Central System may refuse it (J 4.2.3; JE 5.1 for the
# spelling). Where the place of a mistake decides, all that are true of it are allowed.
_CODES = {
    "missing": {"OccurenceConstraintViolation"},
    "extra": {"OccurenceConstraintViolation", "FormationViolation", "PropertyConstraintViolation"},
    "hostile": {
        *("TypeConstraintViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation"),
        "FormationViolation",
    },
    "long": {"PropertyConstraintViolation", "FormationViolation", "TypeConstraintViolation"},
    "wrapped": {"TypeConstraintViolation", "FormationViolation", "OccurenceConstraintViolation"},
    "text": {"TypeConstraintViolation", "PropertyConstraintViolation"},
    "deep": {"TypeConstraintViolation", "FormationViolation", "PropertyConstraintViolation"},
    "other payload": {"FormationViolation", "TypeConstraintViolation", "OccurenceConstraintViolation"},
    "huge": {"FormationViolation", "PropertyConstraintViolation", "TypeConstraintViolation"},
}
_ways = st.sampled_from(
    tuple(
        way
        for way, times in {
            **{"missing": 6, "extra": 4, "hostile": 16, "long": 4, "wrapped": 2, "text": 3, "deep": 1},
            "other payload": 2,
        }.items()
        for _ in range(times)
    )
)
_seldom = st.integers(0, 299)
_lengths = st.sampled_from((21, 26, 51, 256, 300, 600, 5000))
_depths = st.sampled_from((10, 100, 1100))


class Spoilt(msgspec.Struct):
    """A payload as text, the codes with which it may be refused, and whether the schema allows it all the same."""

    payload: bytes
    codes: frozenset[str]
    valid: bool | None


def spoilt(draw: Draw, action: str) -> Spoilt:
    """A payload with one thing wrong."""
    payload: Json = valid(draw, action)
    way = "huge" if draw(_seldom) == 0 else draw(_ways)
    codes = frozenset(_CODES[way])
    if way == "other payload":
        payload = draw(_hostile)
        return Spoilt(encoded(payload), codes, is_valid(action, payload))
    places = list(_places(payload))
    place = draw(_among(tuple(range(len(places)))))
    where = places[place]
    key: Json = None
    if where:
        key = draw(_among(tuple(where) if isinstance(where, dict) else tuple(range(len(where)))))
    if way == "extra" or not where:
        if isinstance(where, dict):
            where[draw(_key)] = draw(_hostile)
        else:
            where.append(draw(_hostile))
        codes |= _CODES["hostile"]
    elif way == "missing":
        del where[key]
    elif way == "hostile":
        where[key] = draw(_hostile)
    elif way == "long":
        where[key] = "x" * draw(_lengths)
    elif way == "huge":
        where[key] = draw(_text) * 20_000 or "\x00" * 20_000
    elif way == "wrapped":
        where[key] = [where[key]]
    elif way == "text":
        where[key] = str(where[key])
    else:
        return Spoilt(_deep(payload, where, key, draw(_depths)), codes, valid=False)
    return Spoilt(encoded(payload), codes, is_valid(action, payload))


def _places(value: Json) -> Any:
    """Every object and list in it, itself first."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _places(inner)


def _deep(payload: Json, where: Json, key: Json, depth: int) -> bytes:
    where[key] = "DEEP"
    return encoded(payload).replace(b'"DEEP"', b"[" * depth + b"]" * depth)


def encoded(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
