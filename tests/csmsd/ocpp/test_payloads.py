"""Payloads: as specified, off the specification, and beyond reading (FIELD-NOTES "Fields")."""

import gc
import itertools
import json
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import (
    check_sendable_payload,
    encode_payload,
    read_long_payload,
    read_payload,
    read_payload_value,
)
from csmsd.ocpp.types import LARGEST_INTEGER, CiString20, Integer, JsonText, Message, NonNegative
from csmsd.profiles.core.stop_transaction import StopTransactionReq


class Wheel(Message, kw_only=True):
    """An element that its list can do without."""

    droppable: ClassVar[bool] = True

    size: Integer
    tyre: Literal["Summer", "Winter"] | None = None


class Door(Message, kw_only=True):
    side: Literal["Left", "Right"]


class Light(Message, kw_only=True):
    """An element of which at least one must be good."""

    droppable = "unless all"

    colour: Annotated[str, Meta(max_length=9, extra={"substitute": "white"})]
    lumen: Integer


class CarReq(Message, kw_only=True):
    """One field of each type that messages have."""

    name: CiString20
    seats: NonNegative
    length: float
    motto: CiString20 | None = None
    electric: bool | None = None
    range_left: Integer | None = None
    weight: Annotated[float, Meta(ge=0)] | None = None
    colour: Literal["Red", "DarkBlue"] | None = None
    note: str | None = None
    wheels: Annotated[list[Wheel], Meta(min_length=1)] | None = None
    doors: list[Door] | None = None
    spare: Wheel | None = None
    names: list[CiString20] | None = None
    lights: list[Light] | None = None
    remark: JsonText | None = None


CAR: dict[str, Any] = {"name": "Zoe", "seats": 5, "length": 4.08}


def car(**given: object) -> bytes:
    return msgspec.json.encode({**CAR, **given})


def without(*names: str) -> bytes:
    return msgspec.json.encode({name: value for name, value in CAR.items() if name not in names})


def deviations(payload: bytes) -> list[tuple[str, str]]:
    return [(deviation.field, deviation.kind) for deviation in read_payload(CarReq, payload)[1]]


FULL = {
    **CAR,
    "motto": "go",
    "electric": True,
    "rangeLeft": -3,
    "weight": 1502.5,
    "colour": "DarkBlue",
    "note": "x" * 5000,
    "wheels": [{"size": 16, "tyre": "Winter"}],
    "doors": [{"side": "Left"}, {"side": "Right"}],
    "spare": {"size": 15},
    "names": ["a", "b"],
    "lights": [{"colour": "blue", "lumen": 7}],
    "remark": "{}",
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("payload", [CAR, FULL, {**CAR, "length": 4}, {**CAR, "seats": LARGEST_INTEGER}])
def test_what_is_as_specified_is_read_without_deviation_and_written_as_it_was(
    payload: dict[str, object], strict: bool
) -> None:
    message, deviated = read_payload(CarReq, msgspec.json.encode(payload), strict=strict)

    assert deviated == []
    assert json.loads(encode_payload(message)) == payload
    assert check_sendable_payload(message) is None


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


@pytest.mark.parametrize(
    ("payload", "kind"),
    [([CAR], "list_instead_of_object"), (json.dumps(CAR), "text_instead_of_object")],
)
def test_an_object_that_is_wrapped_up_is_read(payload: object, kind: str) -> None:
    message, deviated = read_payload(CarReq, msgspec.json.encode(payload))

    assert json.loads(encode_payload(message)) == CAR
    assert [(found.field, found.kind) for found in deviated] == [("", kind)]
    with pytest.raises(OcppError, match="FormationViolation"):
        read_payload(CarReq, msgspec.json.encode(payload), strict=True)


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


def test_duplicate_names_the_last_one_counts() -> None:
    message, _ = read_payload(CarReq, b'{"name":"a","name":"b","seats":1,"length":1}')

    assert message.name == "b"


def test_a_message_without_fields_may_come_as_null() -> None:
    class HonkReq(Message, kw_only=True):
        pass

    assert read_payload(HonkReq, b"null", strict=True) == (HonkReq(), [])
    assert read_payload(HonkReq, b"{}", strict=True) == (HonkReq(), [])


def test_the_word_null_in_a_text_is_no_deviation() -> None:
    assert deviations(car(motto="null and void")) == []


@pytest.mark.parametrize(
    "message",
    [
        CarReq(name="x" * 21, seats=1, length=1.0),
        CarReq(name="Zoe", seats=-1, length=1.0),
        CarReq(name="Zoe", seats=2**63, length=1.0),
        CarReq(name="Zoe", seats=1, length=1.0, wheels=[]),
        CarReq(name="Zoe", seats=1, length=1.0, colour="Green"),  # type: ignore[arg-type]
        CarReq(name="Zoe", seats=1, length=float("inf")),
        CarReq(name="\ud800", seats=1, length=1.0),
    ],
)
def test_what_deviates_is_not_sent(message: CarReq) -> None:
    assert check_sendable_payload(message)


def test_what_is_sent_is_compact_in_the_specifications_order_without_absent_fields() -> None:
    message = CarReq(length=4.0, wheels=[Wheel(tyre="Winter", size=16)], name="Zoe", seats=5)

    assert encode_payload(message) == b'{"name":"Zoe","seats":5,"length":4.0,"wheels":[{"size":16,"tyre":"Winter"}]}'


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**66)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=25)
    | st.sampled_from(["5", "-1", "1e400", "NaN", "red", "Left", "true", "9" * 40, "١٢", "1_0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["size", "tyre", "side", "SIZE", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
CARS = st.dictionaries(
    st.sampled_from([field.encode_name for field in msgspec.structs.fields(CarReq)] + ["NAME", "x"]), ANYTHING
).flatmap(lambda odd: st.sampled_from([odd, {**CAR, **odd}]))


@given(CARS | ANYTHING, st.booleans())
def test_reading_raises_nothing_but_ocpp_errors(payload: object, strict: bool) -> None:
    try:
        message, deviated = read_payload(CarReq, msgspec.json.encode(payload), strict=strict)
    except OcppError:
        return
    again, _ = read_payload(CarReq, encode_payload(message))

    assert not (strict and deviated)
    assert again == message  # what was read can be written, and means the same
    assert -LARGEST_INTEGER <= message.seats <= LARGEST_INTEGER


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")), st.booleans())
def test_reading_bytes_raises_nothing_but_ocpp_errors(payload: bytes, strict: bool) -> None:
    with pytest.raises(OcppError):
        read_payload(CarReq, payload, strict=strict)


@given(CARS)
def test_the_fast_way_and_the_thorough_way_agree(payload: object) -> None:
    """A payload that msgspec decodes by itself is read by the lenient reader to the same message."""
    encoded = msgspec.json.encode(payload)
    try:
        fast = msgspec.json.decode(encoded, type=CarReq)
    except ValueError:
        return
    slow, deviated = read_payload_value(CarReq, msgspec.json.decode(encoded))

    assert slow == fast
    assert {found.kind for found in deviated} <= {"null"}


# --- long lists, some elements at a time

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
