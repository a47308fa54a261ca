"""The way of a charge point's request: read → the slice's handler → commit → answer → events.

A handler that needs a transaction of the past which memory does not hold says so before it has changed anything
(NotRemembered). It is looked up, and the request is handled anew; what its charge point sends meanwhile waits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from csmsd.charge_points.traffic import Traffic
from csmsd.live_site import LiveSite
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import encode_payload
from csmsd.ocpp.types import Message
from csmsd.ports import Hooks, NotStored
from csmsd.profiles import answering, incoming, outgoing
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import NotRemembered, Wanted
from csmsd.profiles.record import Event

log = logging.getLogger(__name__)

Answer = Callable[[bytes | OcppError], None]
Recall = Callable[[str, Wanted], Awaitable[None]]  # raises NotStored when nothing can be looked up
_Asked = tuple[Requested, Answer, bool]


class Dispatcher:
    """Answers requests."""

    def __init__(self, live: LiveSite, hooks: Hooks, recall: Recall) -> None:
        self._live = live
        self._hooks = hooks
        self._recall = recall
        self._waiting: dict[str, list[_Asked]] = {}  # by identity, while something is looked up for the first of them
        self._looked_up: dict[str, Wanted] = {}  # for the request that is handled anew
        self._look_ups: set[asyncio.Task[None]] = set()
        self._incoming = incoming()
        self._outgoing = outgoing()
        self.traffic = Traffic([*self._incoming, *self._outgoing])
        self._calls = self.traffic.calls["in"]

    def writes(self, action: str) -> bool:
        """Whether requests of that action leave something to keep."""
        declared = self._incoming.get(action)
        return declared is not None and declared.writes

    def dispatch(self, state: ChargePointState, request: Requested, answer: Answer, *, long: bool = False) -> None:
        """Calls `answer` once: at once when nothing is to be kept, after the commit otherwise.

        `long` is a request that is longer than most may be.
        """
        if self._waiting and state.id in self._waiting:
            self._waiting[state.id].append((request, answer, long))
            return
        now = self._live.now()
        state.record.last_seen_at = now
        state.unsaved = True
        action = request.action
        declared = self._incoming.get(action)
        if declared is None:
            self.traffic.call("in", action)
            if action in self._outgoing:
                answer(OcppError("NotSupported", f"{action} is sent by the Central System, not to it"))
            else:
                answer(OcppError("NotImplemented", f"{action[:50]} is not an action of OCPP 1.6 known here"))
            return
        self._calls[action] += 1
        if not declared.before_accepted and state.record.boot_status != "Accepted" and action not in state.triggered:
            # JE 3.8: nothing but BootNotification before it was accepted, save what a trigger asked for.
            answer(OcppError("SecurityError", "send BootNotification first: this charge point is not accepted yet"))
            return
        if declared.writes and not self._live.accepting:
            answer(OcppError("InternalError", "cannot be stored at the moment; try again"))
            return
        context = Context(self._live.site, state, now, [])
        if long and not declared.may_be_long:
            context.note("frame", "too_long")
            state.count_deviations(action, context.deviations, now)
            error = OcppError("FormationViolation", f"longer than the {answering.LONGEST} bytes that {action} may have")
            self._refuse(declared, request, error, context, answer)
            return
        try:
            reply = answering.answer(declared, request.payload, context, request.damage)
        except OcppError as error:
            state.count_deviations(action, context.deviations, now)
            self._refuse(declared, request, error, context, answer)
            return
        except NotRemembered as forgotten:
            self._calls[action] -= 1  # it is counted when it is handled anew
            self._look_up(forgotten.wanted, state, (request, answer, long))
            return
        except Exception:
            log.exception("%s: %s could not be handled", state.id, action)
            self._live.distrust()  # memory may be half changed
            answer(OcppError("InternalError", "the request could not be handled"))
            return
        state.triggered.discard(action)
        state.heard[action] = now
        if context.deviations:
            state.count_deviations(action, context.deviations, now)
        self._conclude(reply, answer)

    def _look_up(self, wanted: Wanted, state: ChargePointState, asked: _Asked) -> None:
        if self._looked_up.get(state.id) == wanted:
            log.error("%s: %s asks again for what was looked up: %s", state.id, asked[0].action, wanted)
            asked[1](OcppError("InternalError", "the request could not be handled"))
            return
        self._waiting[state.id] = [asked]
        task = asyncio.create_task(self._remind(state.id, wanted), name=f"look-up for {state.id}")
        self._look_ups.add(task)
        task.add_done_callback(self._look_ups.discard)

    async def _remind(self, identity: str, wanted: Wanted) -> None:
        """Has it looked up, then has what waits for it handled, in order."""
        recalled = True
        try:
            await self._recall(identity, wanted)
        except NotStored:
            recalled = False
        except Exception:
            log.exception("what is stored of %s cannot be looked up", identity)
            recalled = False
        waiting = self._waiting.pop(identity)
        for request, answer, long in waiting:
            state = self._live.site.charge_point(identity)
            if state is None:
                answer(OcppError("SecurityError", "this charge point is not registered any more"))
            elif not recalled and request is waiting[0][0]:
                answer(OcppError("InternalError", "what is stored cannot be read at the moment; try again"))
            elif request is waiting[0][0]:
                self._looked_up[identity] = wanted
                self.dispatch(state, request, answer, long=long)
                del self._looked_up[identity]
            else:
                self.dispatch(state, request, answer, long=long)

    def _refuse(
        self,
        declared: Incoming[Message, Message],
        request: Requested,
        error: OcppError,
        context: Context,
        answer: Answer,
    ) -> None:
        """Answers with the error, after the commit of what must not be lost for it."""
        state, action = context.charge_point, request.action
        kept = answering.refused(declared, request.payload, error, context, request.damage)
        if kept is None:
            answer(error)
            return

        told = Event("message.quarantined", state.id, {"action": action})
        self._live.submit([kept], [told], lambda failure: answer(error))

    def _conclude(self, reply: Reply[Message], answer: Answer) -> None:
        later = reply.later
        if later is not None:
            self._hooks.ask(later.executable, later.question, lambda said: self._conclude(later.conclude(said), answer))
            return
        payload = encode_payload(reply.confirmation)
        if not reply.changes:
            answer(payload)
            self._live.tell(*reply.events)
            return

        def stored(error: NotStored | None) -> None:
            if error is None:
                answer(payload)
            else:
                # C 3.7: the charge point keeps a transaction message that was not confirmed, and tries again.
                answer(OcppError("InternalError", "could not be stored; try again"))

        self._live.submit(reply.changes, reply.events, stored)
