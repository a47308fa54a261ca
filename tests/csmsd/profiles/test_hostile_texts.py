"""Much of what costs most to read, in every place of a message: nothing takes the event loop for long."""

import gc
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest

from csmsd.ocpp import identity, secrets
from csmsd.ocpp.conversation import Conversation, Event, Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles import answering, incoming
from csmsd.profiles.action import Context
from csmsd.profiles.record import Change
from tests.csmsd.profiles.scene import HOUR, NOON, Scene

LONG = 1024 * 1024  # what a StopTransaction may have
SHORT = 128 * 1024  # what other messages may have
# Of processor time, which is not that of other processes. It is some fifty times what was measured, for slow machines;
# a quadratic part would take minutes.
SECONDS_SHORT = 1.0
SECONDS_LONG = 2.5

SHAPES = (
    *(
        "a",
        '"',
        "\\",
        "[",
        "{",
        "]",
        ",",
        ":",
        "@",
        "/",
        "://",
        "http://a:b@",
        "&",
        "?key=",
        "&sig=",
        "9",
        "-",
        ".",
        "0",
    ),
    *(" ", "\n", "\0", "\\u0041", "\\ud800", "é", "key", "token-", "passw", "T", "0.", "e", '{"a":', '["a",', "NaN,"),
    *("%41", "\ufeff", "+01:00", "/*", '"a",', '{"a":1},', "'", "}{", "][", "[2,"),
)
TIME = "2026-03-01T12:00:00Z"
STOP: dict[str, Any] = {"transactionId": 1, "meterStop": 5, "timestamp": TIME}
ACTIONS = incoming()
T = TypeVar("T")


def of_length(shape: str, length: int) -> str:
    return (shape * (length // len(shape) + 1))[:length]


def handled(text: bytes) -> None:
    """Goes the way of a message, without disk or network."""
    conversation = Conversation()
    event: Event | None = conversation.receive(text, 0.0)
    while event is not None:
        if isinstance(event, Requested) and event.action in ACTIONS:
            scene = Scene()
            at = Context(scene.site, scene.cp, NOON, [])
            declared = ACTIONS[event.action]
            try:
                answering.answer(declared, event.payload, at, event.damage)
            except OcppError as error:
                answering.refused(declared, event.payload, error, at, event.damage)
            scene.cp.count_deviations(event.action, at.deviations, NOON)
        event = conversation.receive_rest(0.0)


def call(action: str, payload: object) -> bytes:
    return b'[2,"1","%s",%s]' % (action.encode(), msgspec.json.encode(payload))


def takes(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    gc.disable()  # csmsd has it calmed, and its heap is not that of all tests
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        gc.enable()


def frames(shape: str) -> dict[str, bytes]:
    """What is no message, or nearly one."""
    text = of_length(shape, SHORT).encode(errors="surrogatepass")
    return {
        "alone": text,
        "payload": b'[2,"1","StopTransaction",' + text + b"]",
        "cut off": b'[2,"1","StopTransaction",{"transactionId":1,"a":' + text,
        "in a text": b'[2,"1","StopTransaction",{"idTag":"' + text + b"}]",
    }


def messages(shape: str) -> dict[str, bytes]:
    """The text in the fields of messages."""
    written = len(msgspec.json.encode(of_length(shape, SHORT)))
    text = of_length(shape, SHORT * SHORT // written)
    found = {"id": b"[2,%s,%s]" % (msgspec.json.encode(text), b'"Heartbeat",{}'), "action": call("X", {})}
    for field in ("idTag", "timestamp", "meterStop", "transactionId", "reason"):
        found[f"StopTransaction {field}"] = call("StopTransaction", {**STOP, field: text})
    for field in ("value", "measurand", "unit", "phase", "context", "location", "format"):
        reading = {"timestamp": TIME, "sampledValue": [{"value": "1", field: text}]}
        found[f"MeterValues {field}"] = call("MeterValues", {"connectorId": 1, "meterValue": [reading]})
    for field in ("chargePointVendor", "firmwareVersion"):
        boot = {"chargePointVendor": "v", "chargePointModel": "m", field: text}
        found[f"BootNotification {field}"] = call("BootNotification", boot)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    for field in ("info", "timestamp", "status", text):
        found[f"StatusNotification {field[:20]}"] = call("StatusNotification", {**status, field: text})
    found["DataTransfer"] = call("DataTransfer", {"vendorId": "v", "data": text})
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_every_part_of_every_message(shape: str) -> None:
    for place, text in (frames(shape) | messages(shape)).items():
        taken = takes(lambda text=text: handled(text))  # type: ignore[misc]
        assert taken < SECONDS_SHORT, f"{place}: {taken * 1000:.0f} ms"
        taken = takes(lambda text=text: secrets.may_hold_secret(text))  # type: ignore[misc]
        assert taken < SECONDS_SHORT, f"{place}, looked through for secrets: {taken * 1000:.0f} ms"


@pytest.mark.parametrize("shape", SHAPES)
def test_much_in_one_piece(shape: str) -> None:
    text = of_length(shape, LONG // 4)
    raw = b'[2,"1","StopTransaction",' + text.encode(errors="surrogatepass") + b"]"
    for name, work in {
        "frame": lambda: handled(raw),
        "masking": lambda: secrets.masked_secrets({"key": text}),
        "secrets": lambda: secrets.may_hold_secret(raw),
        "identity": lambda: identity.identity_from_path("/ocpp/" + text),
    }.items():
        taken = takes(work)
        assert taken < SECONDS_LONG, f"{name}: {taken * 1000:.0f} ms"


def stop_of(value: Callable[[int], dict[str, Any]]) -> bytes:
    """A StopTransaction that is as long as one may be: of the n-th values."""
    values: list[bytes] = []
    length = 200
    while length < LONG:
        values.append(msgspec.json.encode(value(len(values))))
        length += len(values[-1]) + 1
    data = b"[" + b",".join(values[:-1]) + b"]"
    return call("StopTransaction", STOP | {"meterStop": 5000, "transactionData": msgspec.Raw(data)})


def metered(at: str, *samples: dict[str, str]) -> dict[str, Any]:
    return {"timestamp": at, "sampledValue": [*samples]}


def moment(number: int) -> str:
    return format_timestamp(NOON - HOUR + number * 1000)


CONTEXTS = ("Interruption.Begin", "Interruption.End", "Sample.Clock", "Transaction.Begin", "Transaction.End", "Trigger")
# Readings that contradict each other, so that none says what its neighbours do.
CONTRADICTORY: dict[str, Callable[[int], dict[str, Any]]] = {
    "up and down": lambda n: metered(moment(n), {"value": f"{n % 2}"}),
    "down": lambda n: metered(moment(n), {"value": f"{10**6 - n}"}),
    "back in time": lambda n: metered(moment(10**5 - n), {"value": f"{n}"}),
    "at one time": lambda n: metered(moment(0), {"value": f"{n}"}),
    "without a time": lambda n: metered("", {"value": f"{n * 7919 % 100_000}"}),
    "now and then without a time": lambda n: metered(moment(n) if n % 2 else "", {"value": f"{n * 7919 % 100_000}"}),
    "years ago": lambda n: metered(moment(n - (n % 2) * 10**8), {"value": f"{n}"}),
    "sixty in one": lambda n: metered(moment(n), *({"value": f"{(n + k) * 7919 % 1000}"} for k in range(60))),
    "sixty in one, without a time": lambda n: metered("", *({"value": f"{(n + k) * 7919 % 1000}"} for k in range(60))),
    "all contexts": lambda n: metered(moment(n), {"value": f"{n * 7919 % 1000}", "context": CONTEXTS[n % 6]}),
    "intervals, power, register": lambda n: metered(
        moment(n),
        {"value": f"{n * 7919 % 1000}", "measurand": "Energy.Active.Import.Interval"},
        {"value": f"{n * 7919 % 1000}", "measurand": "Power.Active.Import"},
        {"value": f"{n * 7919 % 1000}"},
    ),
    "phases": lambda n: metered(
        moment(n), *({"value": f"{(n + k) * 7919 % 1000}", "phase": f"L{k}"} for k in (1, 2, 3))
    ),
    "signed": lambda n: metered(moment(n), {"value": "A" * 20, "format": "SignedData"}, {"value": f"{n % 2}"}),
    "shapes without end": lambda n: metered(moment(n), {"value": f"{n % 2}", "unit": f"u{n}"}),
}


# Of processor time; 15 to 30 ms were measured.
SECONDS_A_TURN = 0.15


@pytest.mark.parametrize("shape", CONTRADICTORY)
def test_readings_that_contradict_each_other_take_no_longer_than_others_and_give_them_their_turns(shape: str) -> None:
    """Each thinning left so many that the next reading needed another one: 10 to 30 s."""
    at_once, in_turns = booked_stop(stop_of(CONTRADICTORY[shape])), booked_in_turns(stop_of(CONTRADICTORY[shape]))
    assert at_once.seconds < SECONDS_LONG, f"{at_once.seconds * 1000:.0f} ms"
    assert in_turns.seconds < SECONDS_A_TURN, f"{in_turns.seconds * 1000:.0f} ms"
    assert len(at_once.changes) > 500
    assert (in_turns.changes, in_turns.deviations) == (at_once.changes, at_once.deviations)


class Booked:
    """What came of a StopTransaction of transaction 1, and how long the longest turn was."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.scene.started(timestamp=moment(0), meterStart=0)
        self.at = Context(self.scene.site, self.scene.cp, NOON, [])
        self.seconds = 0.0
        self.changes: list[Change] = []

    @property
    def deviations(self) -> list[Deviation]:
        return self.at.deviations

    def turn(self, work: Callable[[], T]) -> T:
        done = []
        self.seconds = max(self.seconds, takes(lambda: done.append(work())))
        return done[0]

    def answer(self, request: Requested) -> None:
        self.changes = self.turn(lambda: answering.answer(ACTIONS[request.action], request.payload, self.at)).changes


def requested(text: bytes) -> Requested:
    event = Conversation().receive(text, 0.0)
    assert isinstance(event, Requested)
    return event


def booked_stop(text: bytes) -> Booked:
    booked = Booked()
    booked.answer(requested(text))
    return booked


def booked_in_turns(text: bytes) -> Booked:
    """What came of it before takes effect in the end."""
    booked = Booked()
    request = booked.turn(lambda: requested(text))
    steps = answering.prepare(
        ACTIONS[request.action], request.payload, Context(booked.scene.site, booked.scene.cp, NOON, [])
    )
    before = booked.scene.cp.transactions.gathered(1)
    while True:
        try:
            booked.turn(lambda: next(steps))
        except StopIteration as end:
            booked.at.prepared = end.value
            break
    assert booked.at.prepared is not None
    assert booked.scene.cp.transactions.gathered(1) is before
    booked.answer(request)
    return booked


@pytest.mark.parametrize("element", ["{}", "null", "1", '""', "[]", '{"timestamp":1}', '{"sampledValue":[{}]}'])
def test_a_stop_of_nothing_but_mistakes_is_kept_whole_at_once(element: str) -> None:
    """Each of 300,000 elements was looked at and told: 5 s."""
    data = ",".join([element] * (LONG // (len(element) + 1)))
    payload = f'{{"transactionId":1,"meterStop":5,"timestamp":"{TIME}","transactionData":[{data}]}}'.encode()
    assert takes(lambda: handled(b'[2,"1","StopTransaction",' + payload + b"]")) < SECONDS_LONG

    scene = Scene()
    running = scene.started()
    answer = scene.send("StopTransaction", payload)
    assert running.state == "stopped"
    assert answer.quarantined[0].payload.count(element) > 1000
    assert len(answer.deviations) <= 1010
