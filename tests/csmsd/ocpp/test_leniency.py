"""Payloads off the specification, and beyond reading (FIELD-NOTES "Fields")."""

import gc
import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import encode_payload, read_long_payload, read_payload
from csmsd.profiles.core.stop_transaction import StopTransactionReq
from tests.csmsd.ocpp.car import CAR, CarReq, car, deviations, without

# What is sent, what it is taken for, and the deviation that is counted.
TOLERATED = [
    ({"name": 42}, {"name": "42"}, "name", "number_instead_of_text", "TypeConstraintViolation"),
    ({"name": 4.5}, {"name": "4.5"}, "name", "number_instead_of_text", "TypeConstraintViolation"),
    ({"name": "x" * 21}, {"name": "x" * 21}, "name", "too_long", "PropertyConstraintViolation"),
    ({"name": "x" * 201}, {"name": "x" * 200}, "name", "too_long", "PropertyConstraintViolation"),
    ({"seats": "5"}, {"seats": 5}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": " +5 "}, {"seats": 5}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": 5.0}, {"seats": 5}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": 5.9}, {"seats": 5}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": "5.9"}, {"seats": 5}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": "9007199254740993"}, {"seats": 9007199254740993}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": -1}, {"seats": -1}, "seats", "out_of_range", "PropertyConstraintViolation"),
    ({"length": "4.5"}, {"length": 4.5}, "length", "text_instead_of_number", "TypeConstraintViolation"),
    ({"weight": -0.5}, {"weight": -0.5}, "weight", "out_of_range", "PropertyConstraintViolation"),
    ({"electric": "true"}, {"electric": True}, "electric", "not_a_boolean", "TypeConstraintViolation"),
    ({"electric": "False"}, {"electric": False}, "electric", "not_a_boolean", "TypeConstraintViolation"),
    ({"electric": 1}, {"electric": True}, "electric", "not_a_boolean", "TypeConstraintViolation"),
    ({"electric": "0"}, {"electric": False}, "electric", "not_a_boolean", "TypeConstraintViolation"),
    ({"colour": "darkblue"}, {"colour": "DarkBlue"}, "colour", "value_in_another_case", "PropertyConstraintViolation"),
    ({"colour": " RED "}, {"colour": "Red"}, "colour", "value_in_another_case", "PropertyConstraintViolation"),
    ({"colour": "Green"}, {"colour": "Green"}, "colour", "unknown_value", "PropertyConstraintViolation"),
    ({"colour": "G" * 999}, {"colour": "G" * 100}, "colour", "unknown_value", "PropertyConstraintViolation"),
    ({"motto": None}, {}, "motto", "null", "TypeConstraintViolation"),
    ({"spare": None}, {}, "spare", "null", "TypeConstraintViolation"),
    ({"motto": {"de": "los"}}, {}, "motto", "unusable", "TypeConstraintViolation"),
    ({"motto": ["los"]}, {}, "motto", "unusable", "TypeConstraintViolation"),
    ({"motto": True}, {}, "motto", "unusable", "TypeConstraintViolation"),
    ({"electric": "maybe"}, {}, "electric", "unusable", "TypeConstraintViolation"),
    ({"electric": []}, {}, "electric", "unusable", "TypeConstraintViolation"),
    ({"rangeLeft": "far"}, {}, "rangeLeft", "unusable", "TypeConstraintViolation"),
    ({"rangeLeft": "NaN"}, {}, "rangeLeft", "unusable", "TypeConstraintViolation"),
    ({"rangeLeft": True}, {}, "rangeLeft", "unusable", "TypeConstraintViolation"),
    ({"rangeLeft": 2**63}, {}, "rangeLeft", "unusable", "PropertyConstraintViolation"),
    ({"rangeLeft": -(2**63)}, {}, "rangeLeft", "unusable", "PropertyConstraintViolation"),
    ({"rangeLeft": 10**400}, {}, "rangeLeft", "unusable", "PropertyConstraintViolation"),
    ({"rangeLeft": "9" * 5000}, {}, "rangeLeft", "unusable", "TypeConstraintViolation"),
    ({"weight": 10**400}, {}, "weight", "unusable", "PropertyConstraintViolation"),
    ({"weight": "heavy"}, {}, "weight", "unusable", "TypeConstraintViolation"),
    ({"weight": {}}, {}, "weight", "unusable", "TypeConstraintViolation"),
    ({"colour": 5}, {}, "colour", "unusable", "TypeConstraintViolation"),
    ({"Motto": "go"}, {"motto": "go"}, "motto", "name_in_another_case", "FormationViolation"),
    ({"RANGELEFT": 3}, {"rangeLeft": 3}, "rangeLeft", "name_in_another_case", "FormationViolation"),
    ({"motto": "go", "MOTTO": "no"}, {"motto": "go"}, "MOTTO", "unknown_field", "FormationViolation"),
    ({"vendorThing": {"a": [1]}}, {}, "vendorThing", "unknown_field", "FormationViolation"),
    ({"v" * 99: None}, {}, "v" * 50, "unknown_field", "FormationViolation"),
    ({"wheels": []}, {"wheels": []}, "wheels", "too_few_elements", "OccurenceConstraintViolation"),
    ({"wheels": {"size": 1}}, {"wheels": [{"size": 1}]}, "wheels", "object_instead_of_list", "TypeConstraintViolation"),
    ({"wheels": [{"size": 1}, {}]}, {"wheels": [{"size": 1}]}, "wheels[1]", "dropped", "OccurenceConstraintViolation"),
    ({"wheels": [5, {"size": 1}]}, {"wheels": [{"size": 1}]}, "wheels[0]", "dropped", "TypeConstraintViolation"),
    ({"wheels": [{"size": None}]}, {"wheels": []}, "wheels[0]", "dropped", "TypeConstraintViolation"),
    ({"spare": {"size": "1"}}, {"spare": {"size": 1}}, "spare.size", "not_an_integer", "TypeConstraintViolation"),
    ({"spare": {"size": 15, "x": 1}}, {"spare": {"size": 15}}, "spare.x", "unknown_field", "FormationViolation"),
    ({"names": ["a", 5]}, {"names": ["a", "5"]}, "names[1]", "number_instead_of_text", "TypeConstraintViolation"),
    ({"names": ["a", {}]}, {"names": ["a"]}, "names[1]", "dropped", "TypeConstraintViolation"),
    ({"seats": "13000,7"}, {"seats": 13000}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"seats": 4.0}, {"seats": 4}, "seats", "not_an_integer", "TypeConstraintViolation"),
    ({"length": "4,08"}, {"length": 4.08}, "length", "text_instead_of_number", "TypeConstraintViolation"),
    ({"remark": {"a": [1]}}, {"remark": '{"a":[1]}'}, "remark", "json_instead_of_text", "TypeConstraintViolation"),
    ({"remark": [1, "b"]}, {"remark": '[1,"b"]'}, "remark", "json_instead_of_text", "TypeConstraintViolation"),
    ({"remark": True}, {"remark": "true"}, "remark", "json_instead_of_text", "TypeConstraintViolation"),
    ({"remark": 6.5}, {"remark": "6.5"}, "remark", "json_instead_of_text", "TypeConstraintViolation"),
    ({"remark": None}, {}, "remark", "null", "TypeConstraintViolation"),
    ({"lights": [{"lumen": 7}]}, {"lights": [{"colour": "white", "lumen": 7}]},
     "lights[0].colour", "missing", "OccurenceConstraintViolation"),
    ({"lights": [{"colour": None, "lumen": 7}]}, {"lights": [{"colour": "white", "lumen": 7}]},
     "lights[0].colour", "null", "TypeConstraintViolation"),
    ({"lights": [{"colour": [], "lumen": 7}]}, {"lights": [{"colour": "white", "lumen": 7}]},
     "lights[0].colour", "unusable", "TypeConstraintViolation"),
    ({"lights": [{"colour": "red", "lumen": 7}, 5]}, {"lights": [{"colour": "red", "lumen": 7}]},
     "lights[1]", "dropped", "TypeConstraintViolation"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "taken", "field", "kind", "code"), TOLERATED)
def test_a_deviation_is_tolerated_and_noted_or_refused_when_strict(
    sent: dict[str, object], taken: dict[str, object], field: str, kind: str, code: str
) -> None:
    payload = car(**sent)

    message, deviated = read_payload(CarReq, payload)

    assert json.loads(encode_payload(message)) == {**CAR, **taken}
    assert [(found.field, found.kind, found.code) for found in deviated] == [(field, kind, code)]
    with pytest.raises(OcppError) as refused:
        read_payload(CarReq, payload, strict=True)
    assert refused.value.code == code
    assert refused.value.description.startswith(field)


@pytest.mark.parametrize("sent", [{"rangeLeft": 1e300}, {"rangeLeft": "9" * 30}, {"weight": "NaN"}, {"weight": "-inf"}])
def test_a_value_of_the_wrong_type_that_is_out_of_range_as_well_is_left_out(sent: dict[str, object]) -> None:
    message, deviated = read_payload(CarReq, car(**sent))

    assert json.loads(encode_payload(message)) == CAR
    assert [(found.kind, found.code) for found in deviated[1:]] == [("unusable", "PropertyConstraintViolation")]


def test_several_deviations_are_all_noted() -> None:
    assert deviations(car(name=7, SEATS=1, colour="red", extra=1)) == [
        ("SEATS", "unknown_field"),
        ("extra", "unknown_field"),
        ("name", "number_instead_of_text"),
        ("colour", "value_in_another_case"),
    ]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"[]", "FormationViolation"),
        (b'"text"', "FormationViolation"),
        (b'"{}"', "OccurenceConstraintViolation"),
        (b'"{\\"name\\":"', "FormationViolation"),
        (b"[{},{}]", "FormationViolation"),
        (b"[[]]", "FormationViolation"),
        (b"5", "FormationViolation"),
        (b"null", "OccurenceConstraintViolation"),  # J 4.2.1: no payload at all
        (b"{}", "OccurenceConstraintViolation"),
        (b"{", "FormationViolation"),
        (b'{"name":"\xff"}', "FormationViolation"),
        (b'{"name":"\\udc00"}', "FormationViolation"),
        (b'{"length":1e999}', "FormationViolation"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "FormationViolation"),
        (b'{"seats":' + b"1" * 5000 + b"}", "FormationViolation"),
        (without("seats"), "OccurenceConstraintViolation"),
        (car(seats=None), "TypeConstraintViolation"),
        (car(name=True), "TypeConstraintViolation"),
        (car(name=["Zoe"]), "TypeConstraintViolation"),
        (car(seats="many"), "TypeConstraintViolation"),
        (car(seats={}), "TypeConstraintViolation"),
        (car(seats=2**63), "PropertyConstraintViolation"),
        (car(length="long"), "TypeConstraintViolation"),
        (car(length=10**400), "PropertyConstraintViolation"),
        (car(doors=5), "TypeConstraintViolation"),
        (car(doors=[{}]), "OccurenceConstraintViolation"),
        (car(doors=[{"side": 5}]), "TypeConstraintViolation"),
        (car(doors=["Left"]), "TypeConstraintViolation"),
        (car(lights=[5, {"colour": "red"}]), "OccurenceConstraintViolation"),
        (car(spare={}), "OccurenceConstraintViolation"),
        (car(spare="none"), "TypeConstraintViolation"),
    ],
)
def test_what_no_leniency_can_read(payload: bytes, code: str, strict: bool) -> None:
    with pytest.raises(OcppError) as refused:
        read_payload(CarReq, payload, strict=strict)

    assert refused.value.code == code


ODD_VALUES: tuple[object, ...] = (
    {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": "1"}]},
    {"timestamp": "yesterday", "sampledValue": [{"value": 1, "unit": "wh"}]},
    {"timestamp": None, "sampledValue": [{"value": "1", "more": 2}]},
    {"sampledValue": [{}]},
    {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": []},
    7,
)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", ["transactionData", "TransactionData"])
@pytest.mark.parametrize("odd", [*itertools.combinations(ODD_VALUES, 2), ()])
def test_a_long_list_is_read_in_turns_as_it_is_at_once(odd: tuple[object, ...], name: str, strict: bool) -> None:
    right = [ODD_VALUES[0]] * 120
    given = {"transactionId": 1, "meterStop": "5", "timestamp": "2026-03-01T12:00:00Z", name: [*right, *odd, *right]}
    text = msgspec.json.encode(given if odd else {**given, "meterStop": 5})
    turns = 0

    def in_turns() -> object:
        nonlocal turns
        steps = read_long_payload(StopTransactionReq, text, strict=strict)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            turns += 1

    def read(how: Callable[[], object]) -> object:
        try:
            return how()
        except OcppError as error:
            return error.code, error.description

    assert read(in_turns) == read(lambda: read_payload(StopTransactionReq, text, strict=strict))
    if odd:
        assert turns > 3


def test_too_much_that_cannot_be_used_is_so_in_turns_as_well() -> None:
    text = msgspec.json.encode({"transactionId": 1, "meterStop": 5, "timestamp": "t", "transactionData": [7] * 2000})
    with pytest.raises(OcppError, match="too much of it cannot be used"):
        [*read_long_payload(StopTransactionReq, text)]


@pytest.mark.parametrize("dropped", [7, {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [7]}])
@pytest.mark.parametrize("read", [read_payload, lambda kind, text: [*read_long_payload(kind, text)]])
def test_what_was_dropped_is_not_held_until_the_collector_comes(
    read: Callable[[Any, bytes], object], dropped: object
) -> None:
    """Each such message was, with its text and all that handled it: 200 MiB of them."""
    right = {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": "1"}]}
    stop = {"transactionId": 1, "meterStop": 5, "timestamp": "t", "transactionData": [right, dropped, *[right] * 100]}
    text = msgspec.json.encode(stop)
    read(StopTransactionReq, text)
    gc.collect()
    read(StopTransactionReq, text)
    assert gc.collect() == 0
