"""A site with one charge point at noon: what it sends goes the way of the dispatcher, without disk or network."""

import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.payloads import encode_payload, read_payload
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ports.store import PastTransaction
from csmsd.profiles import answering, incoming, outgoing
from csmsd.profiles.action import Context, Operation, Target
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState, Connector, QuarantinedMessage
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.core.transactions import NotRemembered, Transaction, Wanted
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Change, Deleted, Event, Once
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.site import Site

_noon = parse_timestamp("2026-03-01T12:00:00.000Z")
assert _noon is not None
NOON: int = _noon
SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def clock(text: str) -> int:
    """The moment of `12:34` or `12:34:56` on the day of the scene."""
    moment = parse_timestamp(f"2026-03-01T{text}Z")
    assert moment is not None
    return moment


class Answer:
    """What a charge point was answered, and what came of its request."""

    def __init__(self, payload: bytes, changes: list[Change], events: list[Event], deviations: list[Deviation]) -> None:
        self.payload: dict[str, Any] = json.loads(payload)
        self.changes = changes
        self.events = events
        self.deviations = [(deviation.field, deviation.kind) for deviation in deviations]

    @property
    def event_types(self) -> list[str]:
        return [event.type for event in self.events]

    def event(self, event_type: str) -> dict[str, object]:
        """The data of the one event of that type."""
        (found,) = (event.data for event in self.events if event.type == event_type)
        return found

    @property
    def transactions(self) -> list[Transaction]:
        return [change for change in self.changes if isinstance(change, Transaction)]

    @property
    def readings(self) -> list[MeterReading]:
        """What is kept, unless it is there already."""
        found = (change.record if isinstance(change, Once) else change for change in self.changes)
        return [record for record in found if isinstance(record, MeterReading)]

    @property
    def connectors(self) -> list[Connector]:
        return [change for change in self.changes if isinstance(change, Connector)]

    @property
    def quarantined(self) -> list[QuarantinedMessage]:
        return [change for change in self.changes if isinstance(change, QuarantinedMessage)]


def assert_storable(changes: list[Change], events: list[Event]) -> None:
    """SQLite can hold every value, and a watcher can be told every event."""
    for change in changes:
        record = change.record if isinstance(change, Deleted | Once) else change
        for value in msgspec.structs.astuple(record):
            if isinstance(value, int):
                assert -(2**63) <= value < 2**63, record
            elif isinstance(value, float):
                assert math.isfinite(value), record
            elif isinstance(value, str):
                value.encode()
            else:
                msgspec.json.encode(value)
    for event in events:
        json.dumps(event.data, allow_nan=False)


class Scene:
    """CP1 is registered and booted, TAG1 may charge; the clock stands at `now` until a test moves it."""

    def __init__(self, policies: Policies | None = None) -> None:
        self.site = Site(policies)
        self.now = NOON
        self.cp = self.register("CP1", boot_status="Accepted")
        self.tag("TAG1")

    def register(self, identity: str, **fields: Any) -> ChargePointState:
        state = ChargePointState(ChargePoint(id=identity, registered_at=self.now, **fields))
        self.site.charge_points[fold(identity)] = state
        return state

    def tag(self, name: str, **fields: Any) -> IdTag:
        tag = IdTag(id=name, created_at=self.now, **fields)
        self.site.id_tags[fold(name)] = tag
        return tag

    def keep(self, changes: list[Change], events: list[Event]) -> None:
        """Takes what is to be written and told."""
        assert_storable(changes, events)

    # --- what charge points send

    def send(self, action: str, payload: object, *, by: str = "CP1") -> Answer:
        """Has a charge point send a request; raises OcppError where it is answered with a CALLERROR."""
        declared = incoming()[action]
        state = self.site.charge_points[fold(by)]
        raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        while True:
            context = Context(self.site, state, self.now, [])
            try:
                reply = answering.answer(declared, raw, context)
                break
            except NotRemembered as forgotten:
                booking.book_recalled(forgotten.wanted, self.on_disk(state.id, forgotten.wanted), state.transactions)
        self.keep(reply.changes, reply.events)
        return Answer(encode_payload(reply.confirmation), reply.changes, reply.events, context.deviations)

    def on_disk(self, identity: str, wanted: Wanted) -> list[PastTransaction]:
        """What is there of transactions that memory does not hold."""
        return []

    def start(self, *, by: str = "CP1", **fields: Any) -> Answer:
        """StartTransaction now, on connector 1 with TAG1 at 1000 Wh, unless told otherwise."""
        payload = {
            "connectorId": 1,
            "idTag": "TAG1",
            "meterStart": 1000,
            "timestamp": format_timestamp(self.now),
            **fields,
        }
        return self.send("StartTransaction", payload, by=by)

    def started(self, *, by: str = "CP1", **fields: Any) -> Transaction:
        """The transaction that a start begins."""
        return self.transaction(self.start(by=by, **fields).payload["transactionId"])

    def stop(self, transaction: int | Transaction, *, by: str = "CP1", **fields: Any) -> Answer:
        """StopTransaction now, at 1500 Wh, unless told otherwise."""
        number = transaction if isinstance(transaction, int) else transaction.id
        payload = {"transactionId": number, "meterStop": 1500, "timestamp": format_timestamp(self.now), **fields}
        return self.send("StopTransaction", payload, by=by)

    def meter(self, *values: str | Mapping[str, object], by: str = "CP1", **fields: Any) -> Answer:
        """MeterValues now, on connector 1: bare values are register readings in Wh."""
        samples = [{"value": value} if isinstance(value, str) else value for value in values]
        meter_value = [{"timestamp": format_timestamp(self.now), "sampledValue": samples}]
        return self.send("MeterValues", {"connectorId": 1, "meterValue": meter_value, **fields}, by=by)

    def status(self, connector: int, status: str, *, by: str = "CP1", **fields: Any) -> Answer:
        payload = {"connectorId": connector, "errorCode": "NoError", "status": status, **fields}
        return self.send("StatusNotification", payload, by=by)

    def transaction(self, number: int) -> Transaction:
        found = self.site.find_transaction(number)
        assert found is not None
        return found

    # --- what operators want

    def target(self, identity: str = "CP1") -> Target:
        return Target(self.site, self.site.charge_points[fold(identity)], self.now)

    def asks(self, operation: Operation, *, of: str = "CP1") -> list[dict[str, Any]]:
        """The payloads that an operation sends when every one of them is confirmed."""
        return [json.loads(encode_payload(request)) for request in operation.steps(self.target(of))]

    def warning(self, operation: Operation, *, of: str = "CP1") -> str | None:
        """What speaks against the one request of an operation."""
        (request,) = operation.steps(self.target(of))
        check = outgoing()[type(request).__name__.removesuffix("Req")].check
        try:
            return check(request, self.target(of)) if check is not None else None
        except (CannotSend, NotThere) as against:
            return str(against)

    def why(self, action: str, request: object, confirmation: object, *, of: str = "CP1") -> str | None:
        """What explains a charge point's answer."""
        declared = outgoing()[action]
        sent, _ = read_payload(declared.request, msgspec.json.encode(request))
        answer, _ = read_payload(declared.confirmation, msgspec.json.encode(confirmation))
        return declared.why(sent, answer, self.target(of)) if declared.why is not None else None

    def confirmed(self, action: str, request: object, confirmation: object) -> list[Change]:
        """A charge point confirms what was asked; the changes that come of it."""
        declared = outgoing()[action]
        sent, _ = read_payload(declared.request, msgspec.json.encode(request))
        answer, _ = read_payload(declared.confirmation, msgspec.json.encode(confirmation))
        if declared.settle is None:
            return []
        changes, events = declared.settle(sent, answer, self.target())
        self.keep(changes, events)
        return list(changes)
