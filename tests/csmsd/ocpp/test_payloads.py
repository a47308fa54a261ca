"""Payloads as specified, whatever comes instead of them, and what is sent."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import (
    check_sendable_payload,
    encode_payload,
    read_long_payload,
    read_payload,
    read_payload_value,
)
from csmsd.ocpp.types import LARGEST_INTEGER, Message
from csmsd.profiles.core.meter_values import MeterValuesReq
from csmsd.profiles.core.start_transaction import StartTransactionReq
from csmsd.profiles.smart_charging.get_composite_schedule import GetCompositeScheduleConf
from tests.csmsd.ocpp.car import CAR, FULL, CarReq, Wheel, car, deviations


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("payload", [CAR, FULL, {**CAR, "length": 4}, {**CAR, "seats": LARGEST_INTEGER}])
def test_what_is_as_specified_is_read_without_deviation_and_written_as_it_was(
    payload: dict[str, object], strict: bool
) -> None:
    message, deviated = read_payload(CarReq, msgspec.json.encode(payload), strict=strict)

    assert deviated == []
    assert json.loads(encode_payload(message)) == payload
    assert check_sendable_payload(message) is None


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


TIME, ODD = "2026-01-31T12:00:00Z", "31.01.2026 12:00"
SAMPLES = [{"value": "1"}]
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    ("message_type", "payload", "place"),
    [
        (StartTransactionReq, {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": ODD}, "timestamp"),
        (
            MeterValuesReq,
            {"connectorId": 1, "meterValue": [{"timestamp": time, "sampledValue": SAMPLES} for time in (TIME, ODD)]},
            "meterValue[1].timestamp",
        ),
        (GetCompositeScheduleConf, {"status": "Accepted", "scheduleStart": ODD}, "scheduleStart"),
        (
            GetCompositeScheduleConf,
            {"status": "Accepted", "chargingSchedule": {**SCHEDULE, "startSchedule": ODD}},
            "chargingSchedule.startSchedule",
        ),
    ],
)
def test_strictly_a_time_is_written_as_specified(
    message_type: type[Message], payload: dict[str, object], place: str, long: bool
) -> None:
    good, odd = (msgspec.json.encode(payload).replace(ODD.encode(), time.encode()) for time in (TIME, ODD))

    def read(text: bytes) -> Message:
        if not long:
            return read_payload(message_type, text, strict=True)[0]
        reading = read_long_payload(message_type, text, strict=True)
        while True:
            try:
                next(reading)
            except StopIteration as end:
                message: Message = end.value[0]
                return message

    assert read(good) == read_payload(message_type, good)[0]
    with pytest.raises(OcppError) as refused:
        read(odd)
    assert refused.value.code == "PropertyConstraintViolation"
    assert refused.value.description == f"{place}: no rfc 3339 time"


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
