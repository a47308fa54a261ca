"""One charge point's WebSocket connection: frames in and out, between the socket and the conversation."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from csmsd.charge_points.dispatch import Dispatcher
from csmsd.charge_points.wire import Closed, Wire
from csmsd.ocpp.conversation import Answered, Conversation, Event, Odd, OutgoingCall, QueueFull, Refused, Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.payloads import read_payload
from csmsd.ocpp.types import Message
from csmsd.ports.charge_points import CallEnd, CallTicket
from csmsd.ports.live_site import Clock
from csmsd.ports.store import MessageTap
from csmsd.profiles.action import Outgoing
from csmsd.profiles.answering import LONGEST, damages
from csmsd.profiles.core.charge_points import MESSAGE_TOO_LONG, ChargePointState, Secured

log = logging.getLogger(__name__)

# A charge point may send on while its requests wait for the disk, but not without end; nor behind one that is long.
MAX_UNANSWERED = 32
_LOOK_AFTER = 64 * 1024  # bytes that were sent to it


_REUSED = Deviation("unique_id", "reused", "PropertyConstraintViolation")


class _Token:
    """What a CALL of ours carries along: who waits for it, and how its answer is read."""

    __slots__ = ("future", "outgoing")

    def __init__(self, future: asyncio.Future[CallEnd], outgoing: Outgoing[Message, Message] | None) -> None:
        self.future = future
        self.outgoing = outgoing


class Connection:
    """Owns one WebSocket from its registration to its end."""

    def __init__(
        self,
        wire: Wire,
        identity: str,
        state: Callable[[], ChargePointState | None],
        dispatcher: Dispatcher,
        tap: MessageTap,
        clock: Clock,
        *,
        address: str,
        secured: Secured,
        reached_at: str,
        call_queue: int,
        hold_seconds: float,
    ) -> None:
        self.identity = identity
        self.address = address
        self.secured = secured
        self.reached_at = reached_at
        self.last_received = monotonic()
        self._wire = wire
        self._state = state
        self._dispatcher = dispatcher
        self._tap = tap
        self._clock = clock
        self._conversation = Conversation(max_queue=call_queue, holding=hold_seconds > 0)
        self._loop = asyncio.get_running_loop()
        self._sent_since_look = 0
        self._full = False  # so many requests wait for the disk that no more are taken
        self._goes_on_below = MAX_UNANSWERED  # so many, then
        self._timer: asyncio.TimerHandle | None = None
        # A CALL before its boot is answered sends many a charge point into a boot loop.
        self._release_timer = self._loop.call_later(hold_seconds, self._release) if hold_seconds > 0 else None
        self._over = False
        self.closing: asyncio.Task[None] | None = None
        self.end_reason = "connection lost"
        self.sent_too_long = False  # a message
        self.on_release: Callable[[], None] = lambda: None  # from now on it may be sent CALLs
        self.on_end: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Takes what the charge point sends, until `on_end`."""
        self._wire.take = self._receive
        self._wire.lost = self._lost

    def _lost(self) -> None:
        code = self._wire.closed_by_peer
        if self._wire.was_too_long:
            self._too_long()
        elif self._wire.does_not_read:
            self.end_reason = "it does not read what it is sent"
        elif code is not None and self.end_reason == "connection lost":
            self.end_reason = f"closed by the charge point ({code})"
        self.fail_calls("the connection was lost")
        self.on_end()
        self.on_end = lambda: None  # it holds on to this

    def _too_long(self) -> None:
        """It sent more than any message may have. What it was nobody knows: a StopTransaction with all its readings?"""
        self.end_reason = "it sent a message that is longer than server.max_message_bytes"
        self.sent_too_long = True
        state = self._state()
        if state is not None:
            state.count_deviations("message", [MESSAGE_TOO_LONG], self._clock())

    # --- requests of the charge point

    def _receive(self, text: bytes) -> None:
        self.last_received = monotonic()
        now = self.last_received * 1000
        self._tap(self.identity, "in", text)
        long = len(text) > LONGEST
        event = self._conversation.receive(text, now)
        if type(event) is Requested:
            self._requested(event, long=long)
        else:
            self._received(event, long=long)
        while self._conversation.has_more and (further := self._conversation.receive_rest(now)):
            self._received(further, long=long)
        self._flush()
        if self._conversation.unanswered >= (MAX_UNANSWERED if not long else 1):
            self._goes_on_below = 1 if long else MAX_UNANSWERED
            self._full = True
            self._wire.pause()

    def _received(self, event: Event, *, long: bool) -> None:
        if isinstance(event, Requested):
            self._requested(event, long=long)
        elif isinstance(event, Answered):
            self._answered(event)
        elif isinstance(event, Refused):
            self._refused(event)
        else:
            self._odd(event)

    def _requested(self, request: Requested, *, long: bool) -> None:
        state = self._state()
        if state is None:  # removed by the operator a moment ago
            self._conversation.refuse(
                request.unique_id, OcppError("SecurityError", "this charge point is not registered any more")
            )
            return

        if request.action == "BootNotification":
            self._hold()
        if request.reused_unique_id:
            state.count_deviations("message", [_REUSED], self._clock())
        self._dispatcher.dispatch(state, request, self, long=long)

    def answered(self, request: Requested, result: bytes | OcppError) -> None:
        """Its answer is certain: it leaves, where there is still somebody to read it."""
        try:
            if isinstance(result, bytes):
                # What is not kept ages: a Heartbeat that comes again with an old id wants the time of now.
                remember = self._dispatcher.writes(request.action)
                self._conversation.answer(request.unique_id, result, remember=remember)
            else:
                self._conversation.refuse(request.unique_id, result, remember=result.code != "InternalError")
            if request.action == "BootNotification" and not self._over:
                self._flush()
                self._release()
            self._flush()
            if self._full and self._conversation.unanswered < self._goes_on_below:
                self._full = False
                self._wire.resume()
        except Exception:  # what it asked for is kept, and others wait to be told of it
            log.exception("%s: an answer could not be given", self.identity)
            self.abort("an answer could not be given")

    def _odd(self, odd: Odd) -> None:
        if self._over:  # it answers what nobody waits for any more, which it cannot know
            return
        state = self._state()
        if state is not None and odd.oddity != "empty":
            state.count_deviations("message", [Deviation("frame", odd.oddity, "FormationViolation")], self._clock())
        log.debug("%s: %s: %s", self.identity, odd.oddity, odd.detail)
        if odd.hopeless:
            self.close(1008, "too much that is not OCPP-J")

    # --- CALLs of ours

    @property
    def waiting(self) -> int:
        """How many of them wait for their turn."""
        return self._conversation.waiting

    async def call(
        self,
        action: str,
        payload: bytes,
        outgoing: Outgoing[Message, Message] | None,
        *,
        timeout: float,
        ticket: CallTicket,
    ) -> CallEnd:
        """Sends a CALL when its turn comes and waits for its end; `timeout` in seconds."""
        future: asyncio.Future[CallEnd] = self._loop.create_future()
        try:
            call = self._conversation.call(
                action, payload, _Token(future, outgoing), timeout=timeout * 1000, now=monotonic() * 1000
            )
        except QueueFull as error:
            return CallEnd("withdrawn", error=str(error))

        def withdraw() -> bool:
            withdrawn = self._conversation.withdraw(call)
            if withdrawn and not future.done():
                future.set_result(CallEnd("withdrawn", error="cancelled before it was sent"))
            return withdrawn

        ticket.withdraw = withdraw
        self._flush()
        self._set_timer()
        return await future

    def _answered(self, event: Answered) -> None:
        duration = _duration(event.call)
        token = event.call.token
        assert isinstance(token, _Token)
        payload = bytes(event.payload)
        end = CallEnd("confirmed", payload=payload, duration_ms=duration)
        deviations = [] if event.damage is None else damages(event.damage)
        if event.damage is not None and "truncated" in event.damage.mends:
            end = CallEnd("call_error", payload=payload, error="unreadable answer: it is cut off", duration_ms=duration)
        elif token.outgoing is not None:
            try:
                end.confirmation, found = read_payload(token.outgoing.confirmation, event.payload)
                deviations += found
            except OcppError as error:
                end = CallEnd("call_error", payload=payload, error=f"unreadable answer: {error}", duration_ms=duration)
        state = self._state()
        if state is not None and deviations:
            state.count_deviations(f"{event.call.action}.conf", deviations, self._clock())
        self._finish(token, end)

    def _refused(self, event: Refused) -> None:
        token = event.call.token
        assert isinstance(token, _Token)
        self._dispatcher.traffic.error("in", event.code)
        text = f"{event.code}: {event.description}" if event.description else event.code
        self._finish(token, CallEnd("call_error", error=text, duration_ms=_duration(event.call)))

    def _finish(self, token: _Token, end: CallEnd) -> None:
        if end.duration_ms is not None:
            end.sent_at = self._clock() - end.duration_ms
        if not token.future.done():
            token.future.set_result(end)

    def _expire(self) -> None:
        self._timer = None
        for call in self._conversation.expire(monotonic() * 1000):
            assert isinstance(call.token, _Token)
            if call.sent_at is None:
                end = CallEnd("timeout", error=f"not sent: {self._why_it_waits()}")
            else:
                end = CallEnd(
                    "timeout", error=f"no answer within {call.timeout / 1000:g} s", duration_ms=_duration(call)
                )
            self._finish(call.token, end)
        self._flush()
        self._set_timer()

    def _why_it_waits(self) -> str:
        if self._conversation.holding:
            return "the charge point has just connected; requests wait until it has booted (ocpp.hold_after_reconnect)"
        return "its time was up before its turn came"

    def _set_timer(self) -> None:
        deadline = self._conversation.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None and not self._over:
            self._timer = self._loop.call_later(max(0.0, deadline / 1000 - monotonic()) + 0.001, self._expire)

    def _hold(self) -> None:
        """Until its BootNotification is answered, however long that takes, a charge point is asked nothing."""
        self._stop_release_timer()
        self._conversation.hold()

    def _release(self) -> None:
        self._stop_release_timer()
        self._conversation.release(monotonic() * 1000)
        self._flush()
        self._set_timer()
        self.on_release()

    @property
    def holding(self) -> bool:
        """Whether CALLs wait until it has booted, or has been silent for long enough."""
        return self._conversation.holding

    @property
    def ends(self) -> bool:
        """Whether nothing gets to the charge point any more, though the connection is not over yet."""
        return not self._wire.is_open

    def _stop_release_timer(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None

    def fail_calls(self, reason: str) -> None:
        """Ends every CALL that will get no answer: what was sent is `unknown`, what was not is `not_connected`."""
        if self._over:
            return
        self._over = True
        for timer in (self._timer, self._release_timer):
            if timer is not None:
                timer.cancel()
        for call in self._conversation.close():
            assert isinstance(call.token, _Token)
            sent = call.sent_at is not None
            end = CallEnd("unknown" if sent else "not_connected", error=reason, duration_ms=_duration(call))
            self._finish(call.token, end)

    # --- the socket

    def _flush(self) -> None:
        texts = self._conversation.data_to_send()
        if not texts or not self._wire.is_open:
            return
        for text in texts:
            self._tap(self.identity, "out", text)
            if not text.startswith(b"[3,"):  # nearly all are answers
                self._dispatcher.traffic.sent(text)
            self._wire.send(text)
            self._sent_since_look += len(text)
        if self._sent_since_look < _LOOK_AFTER:
            return
        self._sent_since_look = 0
        self._wire.cut_unless_read()

    def close(self, code: int, reason: str) -> None:
        """Starts the closing handshake, once; `on_end` tells when it is over."""
        if self.closing is not None:
            return
        self.end_reason = reason
        self.closing = self._loop.create_task(self._wire.close(code, reason))

    def abort(self, reason: str) -> None:
        """Ends a connection whose peer is gone."""
        self.end_reason = reason
        self._wire.abort()

    async def probe(self, timeout: float) -> None:
        """Pings; silence on every level for `timeout` seconds means that nobody is there."""
        asked_at = monotonic()
        try:
            await self._wire.ping(timeout)
        except TimeoutError:
            # Some charge points never answer a ping: whatever they send is a sign of life as well.
            if self.last_received < asked_at:
                self.abort(f"no sign of life for {timeout:g} s after a ping")
        except Closed:
            pass
        else:
            self.last_received = monotonic()


def _duration(call: OutgoingCall) -> int | None:
    return None if call.sent_at is None else round(monotonic() * 1000 - call.sent_at)
