"""The rules of one connection, sans I/O (J 4.1): text and time go in, events and text come out.

One CALL of ours is open at a time, the others wait in a bounded queue (J 4.1.1; JE 3.4: per connection); CALLs of
the charge point are taken meanwhile. A repeated CALL gets the answer that was given the first time. Times are
milliseconds of a monotonic clock.

One WebSocket message is one frame. Where a charge point has put several into one, `receive` tells of the first, and
`receive_rest` of each further one.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import count
from typing import Literal

import msgspec

from csmsd.ocpp import frames
from csmsd.ocpp.errors import OcppError, canonical_error_code
from csmsd.ocpp.frames import Damage, UniqueId

REMEMBERED_ANSWERS = 16
LONGEST_REMEMBERED = 4_096  # bytes of an answer: ours are short, save what an executable says to a DataTransfer
# A CALL repeated later than this is no retry: its charge point uses the same ids over and over.
REPEATED_WITHIN = 120_000
GARBAGE_PER_MINUTE = 60
# Of one WebSocket message, at most. Each frame in it is found by reading all that is left.
FRAMES_IN_ONE = 16
READ_AGAIN = 2 * 1024 * 1024  # characters
_MINUTE = 60_000

Oddity = Literal[
    "empty",
    "not_json",
    "not_a_frame",
    "unknown_message_type",
    "bad_unique_id",
    "late_reply",
    "unexpected_reply",
    "repeated_call",
]


class OutgoingCall:
    """A CALL of ours, from the queue to its end. `token` is the caller's own and is only carried along."""

    __slots__ = ("action", "deadline", "payload", "sent_at", "timeout", "token", "unique_id")

    def __init__(self, unique_id: str, action: str, payload: bytes, token: object, timeout: float, now: float) -> None:
        self.unique_id = unique_id
        self.action = action
        self.payload = payload
        self.token = token
        self.timeout = timeout
        self.deadline = now + timeout  # while queued; counted anew from the moment it is sent
        self.sent_at: float | None = None


class Requested:
    """The charge point sent a CALL, to be ended by `answer` or `refuse`.

    Once it is answered only what tells a repetition of it is kept: of its text, which may be long, the hash, at which
    nobody outside can aim.
    """

    __slots__ = (
        "action",
        "answer",
        "damage",
        "digest",
        "owed",
        "payload",
        "received_at",
        "reused_unique_id",
        "shared",
        "unique_id",
    )

    def __init__(
        self,
        unique_id: UniqueId,
        action: str,
        payload: msgspec.Raw | bytes,
        received_at: float = 0.0,
        damage: Damage | None = None,
        *,
        reused_unique_id: bool = False,
        earlier_owed: int = 0,
    ) -> None:
        self.unique_id = unique_id
        self.action = action
        self.payload = payload = bytes(payload)
        self.damage = damage
        self.reused_unique_id = reused_unique_id
        self.digest = hash((action, payload))
        self.received_at = received_at
        self.answer: bytes | None = None
        # Answers that are still to be given under this id. While there are several, which is whose cannot be told.
        self.owed = earlier_owed + 1
        self.shared = earlier_owed > 0

    def is_repeated_by(self, action: str, payload: bytes, now: float, *, latest: bool) -> bool:
        """Whether a CALL under the same id is this one over again.

        Some use two ids in turn. What bears no time may then be said once more and meant anew, unless it was the
        `latest` that they said, or is not answered yet.
        """
        if self.digest != hash((action, payload)):
            return False
        if self.answer is None:
            return True
        return now - self.received_at < REPEATED_WITHIN and (latest or b'"timestamp"' in payload)


class Answered(msgspec.Struct):
    """Our open CALL got its CALLRESULT."""

    call: OutgoingCall
    payload: msgspec.Raw
    damage: Damage | None = None


class Refused(msgspec.Struct):
    """Our open CALL got a CALLERROR."""

    call: OutgoingCall
    code: str
    description: str
    details: msgspec.Raw


class Odd(msgspec.Struct):
    """Something to count; nobody waits for an answer. `hopeless` means that the peer sends little but garbage."""

    oddity: Oddity
    detail: str
    hopeless: bool = False


Event = Requested | Answered | Refused | Odd


class QueueFull(Exception):
    """More CALLs are waiting for this charge point than the queue holds."""


class Conversation:
    """One connection's state. After every call on it, `data_to_send` has what must go out."""

    def __init__(
        self, *, max_queue: int = 32, new_unique_id: Callable[[], str] | None = None, holding: bool = False
    ) -> None:
        counter = count(1)
        self._new_unique_id = new_unique_id or (lambda: f"{next(counter)}")
        self._max_queue = max_queue
        self._holding = holding
        self._queue: deque[OutgoingCall] = deque()
        self._open: OutgoingCall | None = None
        self._expired: deque[str] = deque(maxlen=REMEMBERED_ANSWERS)
        self._requests: OrderedDict[UniqueId, Requested] = OrderedDict()
        self._unanswered = 0
        self._garbage: deque[float] = deque(maxlen=GARBAGE_PER_MINUTE)
        self._out: list[bytes] = []
        self._rest = ""
        self._frames_to_come = 0
        self._characters_to_come = 0

    # --- what the charge point sends

    def receive(self, text: str | bytes, now: float) -> Event:
        """Takes one WebSocket message and says what it was."""
        frame = frames.parse(text)
        if isinstance(frame, frames.Call):  # nearly all of them
            return self._receive_call(frame, None, now)
        self._frames_to_come, self._characters_to_come = FRAMES_IN_ONE, READ_AGAIN - len(text)
        return self._receive(frame, now)

    @property
    def has_more(self) -> bool:
        """Whether the message that was received last goes on with a further frame."""
        return bool(self._rest)

    def receive_rest(self, now: float) -> Event | None:
        """Takes the next frame of the message that was received last, or says that there is none."""
        rest, self._rest = self._rest, ""
        self._frames_to_come -= 1
        self._characters_to_come -= len(rest)
        if not rest or self._frames_to_come <= 0 or self._characters_to_come < 0:
            return None
        return self._receive(frames.parse(rest), now)

    def _receive(self, frame: frames.Frame | frames.DamagedFrame | frames.Unreadable, now: float) -> Event:
        damage = None
        if isinstance(frame, frames.DamagedFrame):
            self._rest, damage, frame = frame.rest, frame.damage, frame.frame
        if isinstance(frame, frames.Call):
            return self._receive_call(frame, damage, now)
        if isinstance(frame, frames.CallResult):
            call = self._close_open_call(frame.unique_id, now)
            return Answered(call, frame.payload, damage) if isinstance(call, OutgoingCall) else call
        if isinstance(frame, frames.CallError):
            call = self._close_open_call(frame.unique_id, now)
            if not isinstance(call, OutgoingCall):
                return call
            return Refused(call, canonical_error_code(frame.code), frame.description, frame.details)
        return self._receive_garbage(frame, now)

    def _receive_call(self, frame: frames.Call, damage: Damage | None, now: float) -> Event:
        if damage is not None and damage.unreadable is not None and self._note_garbage(now):
            return Odd("not_json", damage.unreadable, hopeless=True)
        earlier = self._requests.get(frame.unique_id)
        if earlier is not None:
            latest = next(reversed(self._requests)) == frame.unique_id
            self._requests.move_to_end(frame.unique_id)
            if earlier.is_repeated_by(frame.action, bytes(frame.payload), now, latest=latest):
                if earlier.answer is not None:
                    self._out.append(earlier.answer)
                return Odd("repeated_call", f"{frame.action} {frame.unique_id}")
        # J 4.1.4 wants unique ids; a charge point that reuses one for another CALL still gets its answer.
        request = self._requests[frame.unique_id] = Requested(
            frame.unique_id,
            frame.action,
            frame.payload,
            now,
            damage,
            reused_unique_id=earlier is not None,
            earlier_owed=earlier.owed if earlier is not None else 0,
        )
        self._unanswered += 1
        if len(self._requests) > REMEMBERED_ANSWERS:
            self._forget_old_requests()
        return request

    def _forget_old_requests(self) -> None:
        for _ in range(len(self._requests) - REMEMBERED_ANSWERS):
            unique_id, oldest = self._requests.popitem(last=False)
            if oldest.owed:  # it waits for its answer; how many may is the connection's limit
                self._requests[unique_id] = oldest

    def _close_open_call(self, unique_id: UniqueId, now: float) -> OutgoingCall | Odd:
        call = self._open
        if call is None or str(unique_id) != call.unique_id:
            if str(unique_id) in self._expired:
                return Odd("late_reply", f"reply to {unique_id}, which had timed out")
            return Odd("unexpected_reply", f"reply to {str(unique_id)[:40]}, which was not asked")
        self._open = None
        self._send_next(now)
        return call

    def _receive_garbage(self, unreadable: frames.Unreadable, now: float) -> Odd:
        if unreadable.problem == "empty":
            return Odd("empty", unreadable.detail)
        if unreadable.unique_id is not None:  # J 4.2.3: it has an id, so it can be told
            error = OcppError("FormationViolation", unreadable.detail)
            self._out.append(frames.serialize_error(unreadable.unique_id, error.code, error.description))
        return Odd(unreadable.problem, unreadable.detail, self._note_garbage(now))

    def _note_garbage(self, now: float) -> bool:
        """Counts a message that cannot be read, and says whether there were too many of them."""
        hopeless = len(self._garbage) == GARBAGE_PER_MINUTE and now - self._garbage[0] < _MINUTE
        self._garbage.append(now)
        return hopeless

    # --- how its CALLs are answered

    @property
    def unanswered(self) -> int:
        """How many CALLs of the charge point wait for their answer."""
        return self._unanswered

    @property
    def waiting(self) -> int:
        """How many CALLs of ours wait for their turn."""
        return len(self._queue)

    def answer(self, unique_id: UniqueId, payload: bytes, *, remember: bool = True) -> None:
        """Ends a CALL of the charge point with a CALLRESULT; one that ages (Heartbeat) is not to be remembered."""
        self._finish(unique_id, frames.serialize_result(unique_id, payload), remember)

    def refuse(self, unique_id: UniqueId, error: OcppError, *, remember: bool = True) -> None:
        """Ends a CALL with a CALLERROR; one that a retry may cure (InternalError) is not remembered."""
        self._finish(unique_id, frames.serialize_error(unique_id, error.code, error.description), remember)

    def _finish(self, unique_id: UniqueId, text: bytes, remember: bool) -> None:
        self._out.append(text)
        request = self._requests.get(unique_id)
        if request is None or not request.owed:
            return
        request.owed -= 1
        self._unanswered -= 1
        if request.owed:
            return
        request.payload, request.damage = b"", None
        if remember and not request.shared and len(text) <= LONGEST_REMEMBERED:
            request.answer = text
        else:
            del self._requests[unique_id]

    # --- what we ask

    def call(self, action: str, payload: bytes, token: object, *, timeout: float, now: float) -> OutgoingCall:
        """Queues a CALL; `timeout` in ms holds for the wait in the queue and, anew, for the answer."""
        if len(self._queue) >= self._max_queue:
            raise QueueFull(f"{self._max_queue} CALLs are waiting already")
        call = OutgoingCall(self._new_unique_id(), action, payload, token, timeout, now)
        self._queue.append(call)
        self._send_next(now)
        return call

    def withdraw(self, call: OutgoingCall) -> bool:
        """Takes a CALL back out of the queue; False when it has been sent already."""
        if call in self._queue:
            self._queue.remove(call)
            return True
        return False

    def hold(self) -> None:
        """Keeps our CALLs in the queue: one that arrives before Boot is answered confuses charge points."""
        self._holding = True

    @property
    def holding(self) -> bool:
        return self._holding

    def release(self, now: float) -> None:
        """Sends what `hold` kept."""
        self._holding = False
        self._send_next(now)

    def _send_next(self, now: float) -> None:
        if self._open is None and self._queue and not self._holding:
            call = self._queue.popleft()
            call.sent_at = now
            call.deadline = now + call.timeout
            self._open = call
            self._out.append(frames.serialize_call(call.unique_id, call.action, call.payload))

    def next_deadline(self) -> float | None:
        """When `expire` has to be called at the latest."""
        calls = [*self._queue, self._open] if self._open else list(self._queue)
        return min((call.deadline for call in calls), default=None)

    def expire(self, now: float) -> list[OutgoingCall]:
        """The CALLs whose time is up; one with `sent_at` None never left the queue."""
        expired = [call for call in self._queue if call.deadline <= now]
        for call in expired:
            self._queue.remove(call)
        if self._open is not None and self._open.deadline <= now:
            expired.insert(0, self._open)
            self._expired.append(self._open.unique_id)
            self._open = None
            self._send_next(now)
        return expired

    def close(self) -> list[OutgoingCall]:
        """Ends the conversation; returns the CALLs that will get no answer."""
        calls = [self._open, *self._queue] if self._open else list(self._queue)
        self._open = None
        self._queue.clear()
        return calls

    # --- output

    def data_to_send(self) -> list[bytes]:
        """Messages for the charge point, in order, each given out once."""
        out, self._out = self._out, []
        return out
