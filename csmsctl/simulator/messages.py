"""The messages of a simulated charge point: its CALLs and what is to be done after them, and its answers to others."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec

from csmsd.ocpp import payloads
from csmsd.ocpp.conversation import Answered, Conversation, Odd, QueueFull, Refused, Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.types import Message

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint

MOST_CALLS = 200


class _Waiting(msgspec.Struct):
    """What to do when a CALL of ours has ended."""

    confirmation: type[Message]
    then: Callable[[Any], None] | None
    failed: Callable[[str], None] | None


class Messages:
    """What goes over the link while there is one. When that is, and what is said, the charge point decides."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._charge_point = charge_point
        self._handlers = {name: handler for profile in charge_point.profiles for name, handler in profile.handlers()}
        self._conversation: Conversation | None = None
        self._late: list[tuple[int, bytes]] = []  # answers that leave later, and when

    # --- the link

    @property
    def linked(self) -> bool:
        return self._conversation is not None

    def begin(self) -> None:
        """There is a new link."""
        self._conversation = Conversation(max_queue=MOST_CALLS, new_unique_id=self._new_unique_id)

    def end(self) -> None:
        """The link is gone; what was open gets no answer any more."""
        conversation, self._conversation = self._conversation, None
        self._late.clear()
        for call in conversation.close() if conversation is not None else ():
            self._fail(cast(_Waiting, call.token), call.action, "disconnected")

    def data_to_send(self) -> list[bytes]:
        if self._conversation is None:
            return []
        point, sent = self._charge_point, []
        for text in self._conversation.data_to_send():
            delay = point.faults.answer_delay() if _is_answer(text) else 0.0
            if delay:
                self._late.append((point.now + round(delay * 1000), text))
            else:
                sent.append(text)
        sent += [text for due, text in self._late if due <= point.now]
        self._late = [(due, text) for due, text in self._late if due > point.now]
        if self._late:
            point.timers.at("late answers", min(due for due, _ in self._late), lambda: None)
        if point.faults.doubles_answers():
            sent = [text for text in sent for _ in range(2 if _is_answer(text) else 1)]
        return sent

    def next_deadline(self) -> float | None:
        """When `expire` has to be called at the latest (ms)."""
        return self._conversation.next_deadline() if self._conversation is not None else None

    def expire(self) -> None:
        """Gives up what was not answered in time."""
        if self._conversation is not None:
            for call in self._conversation.expire(self._charge_point.now):
                self._fail(cast(_Waiting, call.token), call.action, "no answer")

    def _new_unique_id(self) -> str:
        return str(UUID(int=self._charge_point.jitter.getrandbits(128), version=4))

    # --- CALLs of ours, CALLs of others

    def call(
        self,
        request: Message,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Sends a CALL; `then` is given its confirmation, `failed` the reason why there is none."""
        kind = type(request)
        action = kind.__name__.removesuffix("Req")
        waiting = _Waiting(getattr(sys.modules[kind.__module__], f"{action}Conf"), then, failed)
        if self._conversation is None:
            self._fail(waiting, action, "disconnected")
            return
        payload = self._charge_point.faults.outgoing(action, payloads.encode_payload(request))
        timeout = self._charge_point.configuration.integer("MessageTimeout") * 1000
        try:
            self._conversation.call(action, payload, waiting, timeout=timeout, now=self._charge_point.now)
        except QueueFull:
            self._fail(waiting, action, "too many CALLs wait")

    def receive(self, text: str | bytes) -> None:
        """Takes one WebSocket message."""
        if self._conversation is None:
            return
        event = self._conversation.receive(text, self._charge_point.now)
        if isinstance(event, Requested):
            self._answer(self._conversation, event)
        elif isinstance(event, Answered):
            self._answered(cast(_Waiting, event.call.token), event)
        elif isinstance(event, Refused):
            self._charge_point.tell(
                "call_error", action=event.call.action, code=event.code, description=event.description
            )
            self._fail(cast(_Waiting, event.call.token), event.call.action, event.code)
        elif isinstance(event, Odd):
            self._charge_point.tell("odd_message", oddity=event.oddity, detail=event.detail)

    def _answered(self, waiting: _Waiting, event: Answered) -> None:
        action = event.call.action
        if self._charge_point.faults.loses_answer(action):
            self._charge_point.tell("loses_answer", action=action)
            self._fail(waiting, action, "lost")
            return
        try:
            confirmation, _ = payloads.read_payload(waiting.confirmation, event.payload)
        except OcppError as error:
            self._charge_point.tell("unreadable_answer", action=action, description=error.description)
            self._fail(waiting, action, "unreadable")
            return
        if waiting.then is not None:
            waiting.then(confirmation)

    def _fail(self, waiting: _Waiting, action: str, reason: str) -> None:
        if reason == "no answer":
            self._charge_point.tell("no_answer", action=action)
        if waiting.failed is not None:
            waiting.failed(reason)

    def _answer(self, conversation: Conversation, event: Requested) -> None:
        """Answers a CALL. What its handler sends leaves after the answer (C 5.17)."""
        action = event.action
        # C 4.2: while Rejected, no CALL is answered.
        if self._charge_point.registration == "Rejected" or self._charge_point.faults.ignores(action):
            self._charge_point.tell("ignored", action=action)
            return
        conversation.hold()
        try:
            confirmation = self._handle(event)
        except OcppError as error:
            self._charge_point.tell("refused_call", action=action, code=error.code, description=error.description)
            conversation.refuse(event.unique_id, error)
        else:
            self._charge_point.tell("answered", action=action, status=getattr(confirmation, "status", None))
            conversation.answer(event.unique_id, payloads.encode_payload(confirmation))
        conversation.release(self._charge_point.now)

    def _handle(self, event: Requested) -> Message:
        if event.action not in self._handlers:
            raise OcppError("NotImplemented", f"{event.action} is not known here")
        request_type, handle = self._handlers[event.action]
        request, deviations = payloads.read_payload(request_type, event.payload)
        for deviation in deviations:
            # A number out of range (connector 99, connector 0) has an answer of its own in most actions.
            if deviation.kind not in ("out_of_range", "unknown_field"):
                raise OcppError(deviation.code, f"{deviation.field}: {deviation.kind.replace('_', ' ')}")
        return handle(request)


def _is_answer(text: bytes) -> bool:
    """CALLRESULT or CALLERROR (J 4.2)."""
    return text.startswith((b"[3,", b"[4,"))
