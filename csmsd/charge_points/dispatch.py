"""The way of a charge point's request: read → the slice's handler → commit → answer → events.

A handler that needs a transaction of the past which memory does not hold says so before it has changed anything
(NotRemembered). It is looked up, and the request is handled anew; what its charge point sends meanwhile waits. Before
any is handled, what was measured of its running transactions is looked up where the start left it. What it sends waits
as well while what takes long in a long request is worked out, one request at a time, between the turns of others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from time import monotonic
from typing import Protocol

from csmsd.charge_points.traffic import Traffic
from csmsd.live_site import LiveSite
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import encode_payload, read_as_it_stands
from csmsd.ocpp.types import Message
from csmsd.ports.hooks import Hooks
from csmsd.ports.store import NotStored
from csmsd.profiles import answering, incoming, outgoing
from csmsd.profiles.action import Context, Incoming, Prepared, Reply
from csmsd.profiles.core.charge_points import ChargePointState, QuarantinedMessage
from csmsd.profiles.core.transactions import NotRemembered, Wanted
from csmsd.profiles.following import with_what_follows
from csmsd.profiles.record import Event, Milliseconds

log = logging.getLogger(__name__)

Recall = Callable[[str, Wanted], Awaitable[None]]  # raises NotStored when nothing can be looked up
_Worked = tuple[Milliseconds, Prepared | None]  # when it was begun, and what came of it

_TURN_SECONDS = 0.005  # of work for a long request


class Asker(Protocol):
    """Who asks, and is told the answer."""

    def answered(self, request: Requested, result: bytes | OcppError) -> None:
        """Called once: at once when nothing is to be kept, after the commit otherwise. He may be gone by then."""


class _Asked:
    """A request on its way from its handler to its answer, and what is told after that.

    `worked` is what was worked out of a long one before it is handled.
    """

    __slots__ = ("asker", "events", "live", "long", "payload", "request", "worked")

    def __init__(self, live: LiveSite, asker: Asker, request: Requested, long: bool) -> None:
        self.live = live
        self.asker = asker
        self.request = request
        self.long = long
        self.payload = b""
        self.events: Sequence[Event] = ()
        self.worked: _Worked | None = None

    def answer(self, result: bytes | OcppError) -> None:
        self.asker.answered(self.request, result)

    def stored(self, error: NotStored | None) -> None:
        """The commit has ended."""
        if error is None:
            try:
                self.asker.answered(self.request, self.payload)
            finally:
                self.live.tell(*self.events)
        else:
            # C 3.7: the charge point keeps a transaction message that was not confirmed, and tries again.
            self.asker.answered(self.request, OcppError("InternalError", "could not be stored; try again"))


def _reply(declared: Incoming[Message, Message], request: Requested, at: Context) -> Reply[Message]:
    """Of its slice, with all that follows from it. Raises OcppError where it is answered with a CALLERROR."""
    if request.damage is None and at.prepared is None and not at.charge_point.record.strict:
        message = read_as_it_stands(declared.request, request.payload)
        if message is not None:  # nearly always
            return with_what_follows(declared.handle(message, at), at.site, at.now)
    return answering.answer(declared, request.payload, at, request.damage)


class Dispatcher:
    """Answers requests."""

    def __init__(self, live: LiveSite, hooks: Hooks, recall: Recall) -> None:
        self._live = live
        self._hooks = hooks
        self._recall = recall
        self._waiting: dict[str, list[_Asked]] = {}  # by identity, while something is looked up for the first of them
        self._looked_up: dict[str, Wanted] = {}  # for the request that is handled anew
        self._look_ups: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()
        self._incoming = incoming()
        self._outgoing = outgoing()
        self.traffic = Traffic([*self._incoming, *self._outgoing])
        self._calls = self.traffic.calls["in"]

    def writes(self, action: str) -> bool:
        """Whether requests of that action leave something to keep."""
        declared = self._incoming.get(action)
        return declared is not None and declared.writes

    def dispatch(self, state: ChargePointState, request: Requested, asker: Asker, *, long: bool = False) -> None:
        """Has it answered. `long` is a request that is longer than most may be."""
        self._take(state, _Asked(self._live, asker, request, long))

    def _take(self, state: ChargePointState, asked: _Asked) -> None:
        """Now, or behind what its charge point has asked before and waits."""
        if self._waiting and state.id in self._waiting:
            self._waiting[state.id].append(asked)
            return
        try:
            self._handle(state, asked)
        except Exception:
            self._break_off(state.id, asked)

    def _break_off(self, identity: str, asked: _Asked) -> None:
        """It could not be handled: memory may be half changed. What must not be lost is kept."""
        log.exception("%s: %s could not be handled", identity, asked.request.action)
        error = OcppError("InternalError", "the request could not be handled")
        try:
            self._answer_when_kept(self._kept_of_failure(identity, asked.request), identity, asked, error)
        finally:
            self._live.distrust()

    def _kept_of_failure(self, identity: str, request: Requested) -> QuarantinedMessage | None:
        state, declared = self._live.site.charge_point(identity), self._incoming.get(request.action)
        if state is None or declared is None:
            return None
        try:
            at = Context(self._live.site, state, self._live.now(), [])
            return answering.failed(declared, request.payload, at, request.damage)
        except Exception:
            log.exception("%s: %s could not be kept either", identity, request.action)
            return None

    def _handle(self, state: ChargePointState, asked: _Asked) -> None:
        request = asked.request
        now = self._live.now()
        state.record.last_seen_at = now
        state.unsaved = True
        action = request.action
        declared = self._incoming.get(action)
        if declared is None:
            self.traffic.call("in", action)
            if action in self._outgoing:
                asked.answer(OcppError("NotSupported", f"{action} is sent by the Central System, not to it"))
            else:
                asked.answer(OcppError("NotImplemented", f"{action[:50]} is not an action of OCPP 1.6 known here"))
            return
        self._calls[action] += 1
        if not declared.before_accepted and state.record.boot_status != "Accepted" and action not in state.triggered:
            # JE 3.8: nothing but BootNotification before it was accepted, save what a trigger asked for.
            asked.answer(
                OcppError("SecurityError", "send BootNotification first: this charge point is not accepted yet")
            )
            return
        if declared.writes and not self._live.accepting:
            asked.answer(OcppError("InternalError", "cannot be stored at the moment; try again"))
            return
        if state.transactions.unmeasured and declared.writes:
            self._calls[action] -= 1  # it is counted when it is handled
            self._look_up(Wanted(ids=tuple(sorted(state.transactions.unmeasured))), state, asked)
            return
        if asked.long and declared.prepare is not None and asked.worked is None:
            self._calls[action] -= 1  # it is counted when it is handled
            self._wait_for(self._work_out(state.id, declared, asked), state.id, asked)
            return
        context = Context(self._live.site, state, now, [])
        if asked.worked is not None:
            context.now, context.prepared = asked.worked
        if asked.long and declared.prepare is None:
            context.note("frame", "too_long")
            state.count_deviations(action, context.deviations, now)
            error = OcppError("FormationViolation", f"longer than the {answering.LONGEST} bytes that {action} may have")
            self._refuse(declared, asked, error, context)
            return
        try:
            reply = _reply(declared, request, context)
        except OcppError as error:
            state.count_deviations(action, context.deviations, now)
            self._refuse(declared, asked, error, context)
            return
        except NotRemembered as forgotten:
            self._calls[action] -= 1  # it is counted when it is handled anew
            self._look_up(forgotten.wanted, state, asked)
            return
        state.triggered.discard(action)
        state.heard[action] = now
        if context.deviations:
            state.count_deviations(action, context.deviations, now)
        if state.orphans.failed and declared.kept_when_refused:  # next to never
            reply.changes = [*reply.changes, *answering.settled_by(declared, request.payload, context)]
        self._conclude(reply, state.id, asked)

    def _look_up(self, wanted: Wanted, state: ChargePointState, asked: _Asked) -> None:
        if self._looked_up.get(state.id) == wanted:
            log.error("%s: %s asks again for what was looked up: %s", state.id, asked.request.action, wanted)
            asked.answer(OcppError("InternalError", "the request could not be handled"))
            return
        self._wait_for(self._remind(state.id, wanted), state.id, asked)

    def _wait_for(self, what: Coroutine[None, None, None], identity: str, asked: _Asked) -> None:
        """Has what its charge point sends wait from now on, behind what was asked first."""
        self._waiting[identity] = [asked]
        task = asyncio.create_task(what, name=f"look-up for {identity}")
        self._look_ups.add(task)
        task.add_done_callback(self._look_ups.discard)

    async def _remind(self, identity: str, wanted: Wanted) -> None:
        """Has it looked up, then has what waits for it handled, in order."""
        recalled = await self._recalled(identity, wanted)
        first, *others = self._waiting.pop(identity)
        if not recalled:
            first.answer(OcppError("InternalError", "what is stored cannot be read at the moment; try again"))
        else:
            self._looked_up[identity] = wanted
            self._handle_anew(identity, first)
            del self._looked_up[identity]
        for asked in others:
            self._handle_anew(identity, asked)

    async def _recalled(self, identity: str, wanted: Wanted) -> bool:
        try:
            await self._recall(identity, wanted)
        except NotStored:
            return False
        except Exception:
            log.exception("what is stored of %s cannot be looked up", identity)
            return False
        return True

    async def _work_out(self, identity: str, declared: Incoming[Message, Message], asked: _Asked) -> None:
        """Works out what takes long in it, then has it handled, and what waits for it, in order."""
        asked.worked = self._live.now(), None
        looked_up: Wanted | None = None
        while True:
            try:
                async with self._one_at_a_time:
                    asked.worked = await self._in_turns(identity, declared, asked.request)
                break
            except NotRemembered as forgotten:
                # Where it cannot be looked up, or to no avail, handling it says so.
                if forgotten.wanted == looked_up or not await self._recalled(identity, forgotten.wanted):
                    break
                looked_up = forgotten.wanted
            except Exception:
                log.exception("%s: %s could not be worked out in turns", identity, declared.action)
                break
        for waiting in self._waiting.pop(identity):
            self._handle_anew(identity, waiting)

    async def _in_turns(self, identity: str, declared: Incoming[Message, Message], request: Requested) -> _Worked:
        """Raises NotRemembered."""
        site, now = self._live.site, self._live.now()
        state = site.charge_point(identity)
        if state is None:
            return now, None
        steps = answering.prepare(declared, request.payload, Context(site, state, now, []))
        begun = monotonic()
        while True:
            try:
                changes = next(steps)
            except StopIteration as end:
                return now, end.value
            if changes:
                self._live.submit(changes, lambda failure: None)
            if monotonic() - begun > _TURN_SECONDS:
                await asyncio.sleep(0)
                if self._live.site is not site or not self._live.accepting:
                    return now, None  # what comes of it would not count
                begun = monotonic()

    def _handle_anew(self, identity: str, asked: _Asked) -> None:
        state = self._live.site.charge_point(identity)
        if state is None:
            asked.answer(OcppError("SecurityError", "this charge point is not registered any more"))
        else:
            self._take(state, asked)

    def _refuse(self, declared: Incoming[Message, Message], asked: _Asked, error: OcppError, context: Context) -> None:
        """Answers with the error, after the commit of what must not be lost for it."""
        request = asked.request
        kept = answering.refused(declared, request.payload, error, context, request.damage)
        self._answer_when_kept(kept, context.charge_point.id, asked, error)

    def _answer_when_kept(
        self, kept: QuarantinedMessage | None, identity: str, asked: _Asked, error: OcppError
    ) -> None:
        if kept is None:
            asked.answer(error)
            return

        def stored(failure: NotStored | None) -> None:
            try:
                asked.answer(error)
            finally:
                if failure is None:
                    self._live.tell(Event("message.quarantined", identity, {"action": kept.action}))

        self._live.submit([kept], stored)

    def _conclude(self, reply: Reply[Message], identity: str, asked: _Asked) -> None:
        later = reply.later
        if later is not None:

            def conclude(said: bytes | str) -> None:
                try:
                    self._conclude(later.conclude(said), identity, asked)
                except Exception:
                    self._break_off(identity, asked)

            self._hooks.ask(later.executable, later.question, conclude)
            return
        payload = encode_payload(reply.confirmation)
        if reply.changes:
            asked.payload, asked.events = payload, reply.events
            self._live.submit(reply.changes, asked.stored)
        else:
            try:
                asked.answer(payload)
            finally:
                self._live.tell(*reply.events)
