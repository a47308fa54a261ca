"""A CALL before it leaves and after it ended, by the rules of its slice. Pure."""

import json
from collections.abc import Callable, Generator
from functools import cache
from typing import Any

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import check_sendable_payload, encode_payload, read_payload_value
from csmsd.ocpp.secrets import masked_secrets
from csmsd.ocpp.types import Message
from csmsd.operations.result import Obstacle
from csmsd.ports.charge_points import CallEnd
from csmsd.profiles import outgoing
from csmsd.profiles.action import Outgoing, Target, action_of
from csmsd.profiles.firmware_management.hosting import Protocol
from csmsd.profiles.record import Change, Data, Event
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.task import Outcome

Payload = dict[str, Any]
Kept = tuple[list[Change], list[Event]]  # what is kept in one commit, and told after it


class RawRequest(msgspec.Struct, frozen=True):
    """A CALL whose payload is sent as it is, known action or not."""

    action: str
    payload: bytes


Request = Message | RawRequest
# What a command sends, one request after the other; each is sent the confirmation of the one before.
Steps = Generator[Request, Message | None, None]
Start = Callable[[Target], Steps]


def connector_of_call(payload: Payload) -> int:
    """The connector that a request is about; 0, the whole charge point, when it names none (C 3.8)."""
    connector = payload.get("connectorId")
    return connector if isinstance(connector, int) and connector > 0 else 0


class Call(msgspec.Struct, frozen=True):
    """What is sent, and what it means here: nothing when the payload is raw, `message` is None then."""

    action: str
    payload: bytes
    shown: Payload  # the payload with secrets masked: as it is kept and told
    message: Message | None
    rules: Outgoing[Message, Message] | None  # None: an action that is not known here

    @staticmethod
    def of(request: Request) -> "Call":
        if isinstance(request, RawRequest):
            action, payload, message = request.action, request.payload, None
        else:
            action, payload, message = action_of(type(request)), encode_payload(request), request
        shown: Payload = masked_secrets(json.loads(payload))  # type: ignore[assignment]
        return Call(action, payload, shown, message, outgoing().get(action))

    def numbered(self, task: int) -> "Call":
        """With the number of its task, where the charge point is to report under it."""
        field = self.rules.numbered if self.rules is not None else None
        if field is None or self.message is None or getattr(self.message, field) != 0:
            return self
        return Call.of(msgspec.structs.replace(self.message, **{field: task}))

    def objection(self, target: Target) -> tuple[Obstacle, str] | None:
        """What speaks against sending it; the operator may insist."""
        if target.charge_point.record.boot_status == "Rejected":
            text = "its registration is Rejected: a rejected charge point must not be sent anything (C 4.2)"
            return Obstacle.OBJECTION, text
        if self.message is None:
            return None
        malformed = check_sendable_payload(self.message)
        if malformed is not None:
            return Obstacle.MALFORMED, malformed
        if self.rules is None or self.rules.check is None:
            return None
        try:
            text = self.rules.check(self.message, target) or ""
        except CannotSend as error:
            return Obstacle.MALFORMED, str(error)
        except NotThere as error:
            return Obstacle.NOT_KNOWN, str(error)
        return (Obstacle.OBJECTION, text) if text else None

    def forbidden(self, target: Target) -> tuple[Obstacle, str] | None:
        """What would lock the charge point out, or take its security away; nobody may insist."""
        forbids = _forbids().get(self.action.strip().casefold())
        text = forbids(json.loads(self.payload), target) if forbids is not None else None
        return None if text is None else (Obstacle.SENSELESS, text)

    def host(self, target: Target) -> Protocol | None:
        """The file host of ours that it sends the charge point to."""
        if self.message is None or self.rules is None or self.rules.needs is None:
            return None
        return self.rules.needs(self.message, target)

    def followed(self, target: Target) -> bool:
        """Whether there is something that has to be on disk before it leaves."""
        if self.rules is None or self.rules.intend is None:
            return False
        if self.rules.intends is None:
            return True
        message = self._as_read(self.rules)
        return message is not None and self.rules.intends(message, target)

    def intend(self, target: Target) -> Kept:
        """What is kept and told in the commit of its task, before it leaves."""
        if self.rules is None or self.rules.intend is None:
            return [], []
        message = self.message if self.rules.intends is None else self._as_read(self.rules)
        return ([], []) if message is None else self.rules.intend(message, target)

    def _as_read(self, rules: Outgoing[Message, Message]) -> Message | None:
        """Also a raw one, as the charge point may take it; None: it is none of its action."""
        if self.message is not None:
            return self.message
        try:
            return read_payload_value(rules.request, json.loads(self.payload))[0]
        except OcppError:
            return None

    def outcome(self, end: CallEnd) -> tuple[Outcome, str | None]:
        """The outcome and the status that the charge point answered."""
        if end.outcome == "withdrawn":
            return "not_sent", None
        if end.outcome != "confirmed":
            return end.outcome, None
        status = getattr(end.confirmation, "status", None)
        if end.confirmation is None and end.payload is not None:
            try:
                status = json.loads(end.payload).get("status")
            except (ValueError, AttributeError):
                status = None
        good = self.rules.accepted if self.rules is not None else frozenset({"Accepted"})
        also = self.rules.also_accepted if self.rules is not None else frozenset()
        accepted = not good or status is None or status in good or status in also
        return ("accepted" if accepted else "rejected"), status

    def why(self, end: CallEnd, target: Target) -> str | None:
        """What explains its confirmation; to be asked before that is settled."""
        if self.message is None or self.rules is None or self.rules.why is None or end.confirmation is None:
            return None
        return self.rules.why(self.message, end.confirmation, target)

    def settle(self, end: CallEnd, target: Target) -> Kept:
        """What its end changes, confirmed or not."""
        if self.message is None or self.rules is None:
            return [], []
        if end.confirmation is not None:
            settle = self.rules.settle
            return settle(self.message, end.confirmation, target) if settle is not None else ([], [])
        if self.rules.unconfirmed is None:
            return [], []
        return self.rules.unconfirmed(self.message, self.outcome(end)[0], target)


@cache
def _forbids() -> dict[str, Callable[[Data, Target], str | None]]:
    """By action in any case: some charge points are not particular about it."""
    return {name.casefold(): rules.forbids for name, rules in outgoing().items() if rules.forbids is not None}
