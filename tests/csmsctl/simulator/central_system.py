"""A Central System for tests without sockets: the charge point's messages come here, time passes as it is told."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

import jsonschema

from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.notice import Notice
from csmsd.ocpp.timestamps import format_timestamp

NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z
Payload = dict[str, Any]


@cache
def _validator(name: str) -> jsonschema.Draft4Validator:
    schema = json.loads((files("ocpp.v16") / "schemas" / f"{name}.json").read_text("utf-8-sig"))
    return jsonschema.Draft4Validator(schema)


def check(name: str, payload: Payload) -> None:
    """The official JSON schema of a message, as the PyPI package `ocpp` carries it."""
    _validator(name).validate(payload)


class CentralSystem:
    """Answers what a charge point sends, keeps it, and lets time pass. Every message is checked with its schema."""

    def __init__(self, charge_point: ChargePoint, *, schemas: bool = True) -> None:
        self.charge_point = charge_point
        self.registration = "Accepted"
        self.interval = 300
        self.id_tag_info: dict[str, str] = {"status": "Accepted"}
        self.reachable = True
        self.silent_to: set[str] = set()
        self.failing: dict[str, int] = {}  # action → how many CALLs get a CALLERROR
        self.calls: list[tuple[str, Payload]] = []
        self.notices: list[Notice] = []
        self._schemas = schemas
        self._asked: dict[str, str] = {}
        self._answers: dict[str, Any] = {}
        self._ids = count(1)
        self._transaction_ids = count(1)
        self._linked = False

    # --- time

    def run(self, seconds: float) -> None:
        """Lets that much time pass; what is due on the way happens."""
        end = self.charge_point.now + round(seconds * 1000)
        self._exchange()
        while (deadline := self.charge_point.next_deadline()) is not None and deadline <= end:
            self.charge_point.advance(deadline)
            self._exchange()
        self.charge_point.advance(end)
        self._exchange()

    def _exchange(self) -> None:
        """Moves messages in both directions until there are none, and does what is wanted of the link."""
        while True:
            point = self.charge_point
            if self._linked and point.link == "cut":
                self._linked = False
                point.disconnected()
            sent = point.data_to_send() if self._linked else []
            for text in sent:
                self._receive(json.loads(text))
            if not sent:
                if self._linked and (point.link == "closed" or not self.reachable):
                    self._linked = False
                    point.disconnected()
                elif not self._linked and point.link == "up" and self.reachable:
                    self._linked = True
                    point.connected()
                else:
                    self.notices += point.notices()
                    return

    # --- messages

    def _receive(self, frame: list[Any]) -> None:
        kind, unique_id, *rest = frame
        if kind == 2:
            self._answer(unique_id, *rest)
        elif kind == 3:
            if self._schemas:
                check(f"{self._asked[unique_id]}Response", rest[0])
            self._answers[unique_id] = rest[0]
        else:
            self._answers[unique_id] = rest

    def _answer(self, unique_id: str, action: str, payload: Payload) -> None:
        if self._schemas:
            check(action, payload)
        self.calls.append((action, payload))
        if action in self.silent_to:
            return
        if self.failing.get(action, 0) > 0:
            self.failing[action] -= 1
            self.charge_point.receive(json.dumps([4, unique_id, "InternalError", "disk full", {}]))
            return
        self.charge_point.receive(json.dumps([3, unique_id, self._confirmation(action)]))

    def _confirmation(self, action: str) -> Payload:
        now = format_timestamp(self.charge_point.now)
        match action:
            case "BootNotification":
                return {"status": self.registration, "currentTime": now, "interval": self.interval}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return {"idTagInfo": self.id_tag_info}
            case "StartTransaction":
                return {"idTagInfo": self.id_tag_info, "transactionId": next(self._transaction_ids)}
            case _:
                return {}

    def call(self, action: str, **payload: Any) -> Any:
        """The charge point's answer: the payload, the list of a CALLERROR, or None."""
        unique_id = f"cs-{next(self._ids)}"
        self._asked[unique_id] = action
        self.charge_point.receive(json.dumps([2, unique_id, action, payload]))
        self._exchange()
        return self._answers.pop(unique_id, None)

    def act(self, action: Callable[[], None]) -> None:
        """Something happens at the charge point."""
        action()
        self._exchange()

    # --- what was seen

    def taken(self, *actions: str) -> list[tuple[str, Payload]]:
        """The CALLs so far, of some actions or all; they are forgotten then."""
        calls, self.calls = self.calls, []
        return [call for call in calls if not actions or call[0] in actions]

    def statuses(self, connector: int) -> list[str]:
        """The statuses that were reported of a connector, in order; forgets all CALLs."""
        reported = [payload for _, payload in self.taken("StatusNotification")]
        return [payload["status"] for payload in reported if payload["connectorId"] == connector]

    def status(self, connector: int = 1) -> str:
        """The status that the connector has now."""
        return self.charge_point.connectors[connector].status

    def transaction_id(self, connector: int = 1) -> int:
        transaction = self.charge_point.connectors[connector].transaction
        assert transaction is not None
        assert transaction.id is not None
        return transaction.id


def booted(*, misbehave: Iterable[str] = (), schemas: bool = True, now: int = NOON, **settings: str) -> CentralSystem:
    """A charge point with two connectors that has just been accepted; what it sent on the way is forgotten."""
    charge_point = ChargePoint("SIM-1", now=now, seed=1, misbehave=misbehave, settings=settings)
    central_system = CentralSystem(charge_point, schemas=schemas)
    central_system.run(0)
    assert charge_point.registration == "Accepted"
    central_system.taken()
    return central_system


def charging(**options: Any) -> CentralSystem:
    """As `booted`, with a transaction on connector 1."""
    central_system = booted(**options)
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    assert central_system.status() == "Charging"
    central_system.taken()
    return central_system


def payload_of(central_system: CentralSystem, action: str) -> Payload:
    ((_, payload),) = central_system.taken(action)
    return payload
