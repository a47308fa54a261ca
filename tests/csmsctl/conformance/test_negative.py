"""What is wrong with a message, and the exact answer: of a csmsd that is lenient, and of one that is told to be strict.

A CALLERROR is named by its code, as the specification spells it; a confirmation stands as it must be.
"""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from csmsctl.conformance.case import Run
from csmsctl.conformance.conditions import POSITIVE, TIME, Payload, differences_from_conditions
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.conftest import oracle

OCCURENCE = "OccurenceConstraintViolation"
TYPE = "TypeConstraintViolation"
PROPERTY = "PropertyConstraintViolation"
FORMATION = "FormationViolation"

Answer = str | Payload

TIMESTAMP = "2026-03-01T12:00:00.000Z"
TAG, TRANSACTION = "{tag}", "{transaction}"  # put in when the charge point has them

BOOT: Payload = {"chargePointVendor": "csms", "chargePointModel": "conformance"}
STATUS: Payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
AUTHORIZE: Payload = {"idTag": TAG}
START: Payload = {"connectorId": 1, "idTag": TAG, "meterStart": 0, "timestamp": TIMESTAMP}
STOP: Payload = {"transactionId": TRANSACTION, "meterStop": 2000, "timestamp": TIMESTAMP}
SAMPLE: Payload = {"value": "1500"}
METER_VALUE: Payload = {"timestamp": TIMESTAMP, "sampledValue": [SAMPLE]}
METER_VALUES: Payload = {"connectorId": 1, "transactionId": TRANSACTION, "meterValue": [METER_VALUE]}
DATA_TRANSFER: Payload = {"vendorId": "org.example.nobody"}
REPORT: Payload = {"status": "Idle"}

BOOTED: Payload = {"status": "Accepted", "currentTime": TIME, "interval": POSITIVE}
ACCEPTED: Payload = {"idTagInfo": {"status": "Accepted"}}
INVALID: Payload = {"idTagInfo": {"status": "Invalid"}}
STARTED: Payload = ACCEPTED | {"transactionId": POSITIVE}
STARTED_INVALID: Payload = INVALID | {"transactionId": POSITIVE}
THE_TIME: Payload = {"currentTime": TIME}
UNKNOWN_VENDOR: Payload = {"status": "UnknownVendorId"}
CONFIRMED: Payload = {}


@dataclass(frozen=True)
class Row:
    what: str
    payload: object
    lenient: Answer
    strict: Answer


def without(payload: Payload, name: str) -> Payload:
    return {key: value for key, value in payload.items() if key != name}


def _metered(value: Payload) -> Payload:
    return METER_VALUES | {"meterValue": [value]}


def sample(**fields: Any) -> Payload:
    return METER_VALUES | {"meterValue": [METER_VALUE | {"sampledValue": [SAMPLE | fields]}]}


TABLES: dict[str, list[Row]] = {
    # A boot is never refused for what it says of the hardware (C 4.2 knows no such reason).
    "BootNotification": [
        Row("vendor missing", without(BOOT, "chargePointVendor"), BOOTED, OCCURENCE),
        Row("model missing", without(BOOT, "chargePointModel"), BOOTED, OCCURENCE),
        Row("vendor null", BOOT | {"chargePointVendor": None}, BOOTED, TYPE),
        Row("vendor an object", BOOT | {"chargePointVendor": {}}, BOOTED, TYPE),
        Row("serial number a number", BOOT | {"chargePointSerialNumber": 4711}, BOOTED, TYPE),
        Row("vendor of 21 characters", BOOT | {"chargePointVendor": "x" * 21}, BOOTED, PROPERTY),
        Row("model of 21 characters", BOOT | {"chargePointModel": "x" * 21}, BOOTED, PROPERTY),
        Row("serial number of 26 characters", BOOT | {"chargePointSerialNumber": "x" * 26}, BOOTED, PROPERTY),
        Row("firmware version of 51 characters", BOOT | {"firmwareVersion": "x" * 51}, BOOTED, PROPERTY),
        Row("iccid of 21 characters", BOOT | {"iccid": "x" * 21}, BOOTED, PROPERTY),
        Row("meter type null", BOOT | {"meterType": None}, BOOTED, TYPE),
        Row("unknown field", BOOT | {"colour": "green"}, BOOTED, FORMATION),
        Row("name in another case", without(BOOT, "chargePointModel") | {"chargepointmodel": "x"}, BOOTED, FORMATION),
        Row("payload a list", [], BOOTED, FORMATION),
    ],
    "StatusNotification": [
        Row("connector missing", without(STATUS, "connectorId"), OCCURENCE, OCCURENCE),
        Row("error code missing", without(STATUS, "errorCode"), OCCURENCE, OCCURENCE),
        Row("status missing", without(STATUS, "status"), OCCURENCE, OCCURENCE),
        Row("status null", STATUS | {"status": None}, TYPE, TYPE),
        Row("status a number", STATUS | {"status": 1}, TYPE, TYPE),
        Row("connector a word", STATUS | {"connectorId": "one"}, TYPE, TYPE),
        Row("connector true", STATUS | {"connectorId": True}, TYPE, TYPE),
        Row("connector as text", STATUS | {"connectorId": "1"}, CONFIRMED, TYPE),
        Row("connector negative", STATUS | {"connectorId": -1}, CONFIRMED, PROPERTY),
        Row("unknown status", STATUS | {"status": "Exploding"}, CONFIRMED, PROPERTY),
        Row("status in another case", STATUS | {"status": "available"}, CONFIRMED, PROPERTY),
        Row("unknown error code", STATUS | {"errorCode": "Gremlins"}, CONFIRMED, PROPERTY),
        Row("info of 51 characters", STATUS | {"info": "x" * 51}, CONFIRMED, PROPERTY),
        Row("vendor of 256 characters", STATUS | {"vendorId": "x" * 256}, CONFIRMED, PROPERTY),
        Row("vendor's code of 51 characters", STATUS | {"vendorErrorCode": "x" * 51}, CONFIRMED, PROPERTY),
        Row("info an object", STATUS | {"info": {}}, CONFIRMED, TYPE),
        Row("timestamp a word", STATUS | {"timestamp": "yesterday"}, CONFIRMED, PROPERTY),
        Row("timestamp without a zone", STATUS | {"timestamp": "2026-03-01T12:00:00"}, CONFIRMED, PROPERTY),
        Row("timestamp of another zone", STATUS | {"timestamp": "2026-03-01T12:00:00.5+01:00"}, CONFIRMED, CONFIRMED),
        Row("unknown field", STATUS | {"mood": "fine"}, CONFIRMED, FORMATION),
        Row("payload a text", "Available", FORMATION, FORMATION),
    ],
    "Authorize": [
        Row("idTag missing", {}, OCCURENCE, OCCURENCE),
        Row("idTag null", {"idTag": None}, TYPE, TYPE),
        Row("idTag a list", {"idTag": ["A"]}, TYPE, TYPE),
        Row("idTag a number", {"idTag": 4711}, INVALID, TYPE),
        Row("idTag of 21 characters", {"idTag": "x" * 21}, INVALID, PROPERTY),
        Row("unknown field", AUTHORIZE | {"pin": "1234"}, ACCEPTED, FORMATION),
        Row("payload a list", [], FORMATION, FORMATION),
    ],
    # Whatever the idTag, a start that can be read is given a transaction id (C 4.8).
    "StartTransaction": [
        Row("connector missing", without(START, "connectorId"), OCCURENCE, OCCURENCE),
        Row("idTag missing", without(START, "idTag"), OCCURENCE, OCCURENCE),
        Row("meterStart missing", without(START, "meterStart"), STARTED, OCCURENCE),
        Row("timestamp missing", without(START, "timestamp"), STARTED, OCCURENCE),
        Row("timestamp null", START | {"timestamp": None}, STARTED, TYPE),
        Row("timestamp a word", START | {"timestamp": "yesterday"}, STARTED, PROPERTY),
        Row("idTag null", START | {"idTag": None}, TYPE, TYPE),
        Row("meterStart a word", START | {"meterStart": "much"}, STARTED, TYPE),
        Row("meterStart as text", START | {"meterStart": "12"}, STARTED, TYPE),
        Row("meterStart with a fraction", START | {"meterStart": 12.5}, STARTED, TYPE),
        Row("meterStart beyond any database", START | {"meterStart": 2**70}, STARTED, PROPERTY),
        Row("idTag of 21 characters", START | {"idTag": "x" * 21}, STARTED_INVALID, PROPERTY),
        Row("reservation a word", START | {"reservationId": "mine"}, STARTED, TYPE),
        Row("unknown field", START | {"car": "blue"}, STARTED, FORMATION),
        Row("payload a list", [], FORMATION, FORMATION),
    ],
    # A stop is always confirmed: a refused one keeps a car charging and loses a bill (C 4.10).
    "StopTransaction": [
        Row("transaction missing", without(STOP, "transactionId"), CONFIRMED, OCCURENCE),
        Row("meterStop missing", without(STOP, "meterStop"), CONFIRMED, OCCURENCE),
        Row("timestamp missing", without(STOP, "timestamp"), CONFIRMED, OCCURENCE),
        Row("timestamp a word", STOP | {"timestamp": "yesterday"}, CONFIRMED, PROPERTY),
        Row("everything missing", {}, CONFIRMED, OCCURENCE),
        Row("meterStop null", STOP | {"meterStop": None}, CONFIRMED, TYPE),
        Row("meterStop a word", STOP | {"meterStop": "much"}, CONFIRMED, TYPE),
        Row("transaction a word", STOP | {"transactionId": "mine"}, CONFIRMED, TYPE),
        Row("transaction as text", STOP | {"transactionId": "17"}, CONFIRMED, TYPE),
        Row("unknown reason", STOP | {"reason": "Bored"}, CONFIRMED, PROPERTY),
        Row("idTag of 21 characters", STOP | {"idTag": "x" * 21}, INVALID, PROPERTY),
        Row("idTag an object", STOP | {"idTag": {}}, CONFIRMED, TYPE),
        Row("transactionData a text", STOP | {"transactionData": "none"}, CONFIRMED, TYPE),
        Row("unknown field", STOP | {"mood": "fine"}, CONFIRMED, FORMATION),
        Row("payload a list", [], CONFIRMED, FORMATION),
    ],
    "MeterValues": [
        Row("connector missing", without(METER_VALUES, "connectorId"), CONFIRMED, OCCURENCE),
        Row("meterValue missing", without(METER_VALUES, "meterValue"), CONFIRMED, OCCURENCE),
        Row("meterValue empty", METER_VALUES | {"meterValue": []}, CONFIRMED, OCCURENCE),
        Row("meterValue null", METER_VALUES | {"meterValue": None}, CONFIRMED, TYPE),
        Row("meterValue an object", METER_VALUES | {"meterValue": METER_VALUE}, CONFIRMED, TYPE),
        Row("timestamp missing", METER_VALUES | {"meterValue": [{"sampledValue": [SAMPLE]}]}, CONFIRMED, OCCURENCE),
        Row("timestamp a word", _metered(METER_VALUE | {"timestamp": "yesterday"}), CONFIRMED, PROPERTY),
        Row("no samples", METER_VALUES | {"meterValue": [METER_VALUE | {"sampledValue": []}]}, CONFIRMED, OCCURENCE),
        Row("connector a word", METER_VALUES | {"connectorId": "one"}, CONFIRMED, TYPE),
        Row("value a number", sample(value=1500), CONFIRMED, TYPE),
        Row("value an object", sample(value={}), CONFIRMED, TYPE),
        Row("unknown measurand", sample(measurand="Happiness"), CONFIRMED, PROPERTY),
        Row("unknown unit", sample(unit="horsepower"), CONFIRMED, PROPERTY),
        Row("unknown phase", sample(phase="L4"), CONFIRMED, PROPERTY),
        Row("unknown context", sample(context="Whenever"), CONFIRMED, PROPERTY),
        Row("unknown field in a sample", sample(quality="good"), CONFIRMED, FORMATION),
        Row("unknown field", METER_VALUES | {"mood": "fine"}, CONFIRMED, FORMATION),
        Row("payload a number", 17, CONFIRMED, FORMATION),
    ],
    "Heartbeat": [
        Row("unknown field", {"rate": 60}, THE_TIME, FORMATION),
        Row("payload a list", [], THE_TIME, FORMATION),
        Row("payload null, which J 4.2.1 allows", None, THE_TIME, THE_TIME),
    ],
    "DataTransfer": [
        Row("vendor missing", {}, OCCURENCE, OCCURENCE),
        Row("vendor null", {"vendorId": None}, TYPE, TYPE),
        Row("vendor a list", {"vendorId": []}, TYPE, TYPE),
        Row("vendor of 256 characters", {"vendorId": "x" * 256}, UNKNOWN_VENDOR, PROPERTY),
        Row("messageId of 51 characters", DATA_TRANSFER | {"messageId": "x" * 51}, UNKNOWN_VENDOR, PROPERTY),
        Row("data a number", DATA_TRANSFER | {"data": 5}, UNKNOWN_VENDOR, TYPE),
        Row("data an object", DATA_TRANSFER | {"data": {}}, UNKNOWN_VENDOR, TYPE),
        Row("unknown field", DATA_TRANSFER | {"mood": "fine"}, UNKNOWN_VENDOR, FORMATION),
        Row("payload a list", [], FORMATION, FORMATION),
    ],
    "DiagnosticsStatusNotification": [
        Row("status missing", {}, OCCURENCE, OCCURENCE),
        Row("status null", {"status": None}, TYPE, TYPE),
        Row("status a number", {"status": 1}, TYPE, TYPE),
        Row("unknown status", {"status": "Exploded"}, CONFIRMED, PROPERTY),
        Row("status in another case", {"status": "uploaded"}, CONFIRMED, PROPERTY),
        Row("unknown field", REPORT | {"mood": "fine"}, CONFIRMED, FORMATION),
    ],
    "FirmwareStatusNotification": [
        Row("status missing", {}, OCCURENCE, OCCURENCE),
        Row("status null", {"status": None}, TYPE, TYPE),
        Row("status a number", {"status": 1}, TYPE, TYPE),
        Row("unknown status", {"status": "Exploded"}, CONFIRMED, PROPERTY),
        Row("status in another case", {"status": "installed"}, CONFIRMED, PROPERTY),
        Row("unknown field", REPORT | {"mood": "fine"}, CONFIRMED, FORMATION),
    ],
    # JE 5: an action that is unknown is not implemented; one that is known, and not ours to answer, is not supported.
    "Dance": [Row("unknown action", {}, "NotImplemented", "NotImplemented")],
    "Reset": [Row("action of the Central System", {"type": "Soft"}, "NotSupported", "NotSupported")],
}

# These are kept for the operator when they are refused.
TRANSACTION_MESSAGES = ("StartTransaction", "StopTransaction", "MeterValues")
# These are kept for the operator when they are confirmed although they could not be read.
KEPT = ("StopTransaction", "MeterValues")

_numbers = count(1)


def rows() -> list[Any]:
    return [
        pytest.param(
            action, row, strict, id=f"{action}-{row.what}-{'strict' if strict else 'lenient'}".replace(" ", "_")
        )
        for action, table in TABLES.items()
        for row in table
        for strict in (False, True)
    ]


@pytest.mark.parametrize(("action", "row", "strict"), rows())
async def test_the_answer_is(action: str, row: Row, strict: bool, private_csmsd: Site) -> None:
    run = Run(f"NEGATIVE-{next(_numbers)}", private_csmsd, oracle)
    await run.prepare("charge_point.add", id=run.name, strict=strict)

    async def script(run: Run) -> None:
        charge_point = await run.charge_point()
        transaction = await charge_point.start(1, run.id_tag) if action in KEPT else None
        given = _filled(row.payload, {TAG: run.id_tag, TRANSACTION: transaction})
        frame = await charge_point.ask(action, given)
        expected = row.strict if strict else row.lenient
        if isinstance(expected, str):
            assert frame[:1] == [4], frame
            assert frame[2] == expected, frame
            assert frame[3], "a sentence for whoever looks for the error"
        else:
            assert frame[:1] == [3], frame
            assert differences_from_conditions(expected, frame[2]) == [], frame
        if not strict and action in KEPT and expected == CONFIRMED and row.strict in (OCCURENCE, TYPE, FORMATION):
            await _nothing_is_lost(run, action, transaction)
        if frame[0] == 4 and action in TRANSACTION_MESSAGES:
            frame = await charge_point.ask(action, given)  # as a charge point does
            [kept] = (await run.prepare("transaction.orphans", charge_point=run.name))["orphans"]
            assert (kept["action"], kept["reason"]) == (action, f"refused: {frame[2]}")
        await charge_point.heartbeat()  # nothing of this ends the connection

    await run.play(script)
    assert run.observations.violations == []


async def _nothing_is_lost(run: Run, action: str, transaction: int | None) -> None:
    """What was confirmed is booked on the transaction, or kept in quarantine."""
    quarantined = (await run.prepare("transaction.orphans", charge_point=run.name))["orphans"]
    if any(message["action"] == action for message in quarantined):
        return
    assert transaction is not None
    if action == "StopTransaction":
        assert (await run.prepare("transaction.show", id=transaction))["state"] == "stopped"
    else:
        deviations = (await run.prepare("charge_point.show", id=run.name))["deviations"]
        measured = (await run.prepare("transaction.meter", id=transaction))["meter_values"]
        assert measured or any(deviation["action"] == action for deviation in deviations)


def _filled(payload: object, values: dict[str, object]) -> Any:
    match payload:
        case dict():
            return {key: _filled(value, values) for key, value in payload.items()}
        case list():
            return [_filled(part, values) for part in payload]
        case str() if payload in values:
            return values[payload]
    return payload


@pytest.mark.parametrize(
    "action", [action for action in TABLES if action not in ("BootNotification", "Dance", "Reset")]
)
async def test_before_the_boot_was_accepted_it_is_a_security_error(action: str, private_csmsd: Site) -> None:
    """JE 3.8."""
    run = Run(f"NEGATIVE-{next(_numbers)}", private_csmsd, oracle)

    async def script(run: Run) -> None:
        charge_point = await run.charge_point(booted=False)
        frame = await charge_point.ask(action, {})
        assert frame[:1] + frame[2:3] == [4, "SecurityError"], frame

    await run.play(script)
    assert run.observations.violations == []
