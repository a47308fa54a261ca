"""The way of a charge point's request: read → the slice's handler → commit → answer → events."""

import logging
from collections.abc import Callable

from csmsd.charge_points.traffic import Traffic
from csmsd.live_site import LiveSite
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.reading import encode
from csmsd.ocpp.types import Message
from csmsd.ports import Hooks, NotStored
from csmsd.profiles import answering, incoming, outgoing
from csmsd.profiles.action import Context, Incoming, Reply
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Event

log = logging.getLogger(__name__)

Answer = Callable[[bytes | OcppError], None]


class Dispatcher:
    """Answers requests."""

    def __init__(self, live: LiveSite, hooks: Hooks) -> None:
        self._live = live
        self._hooks = hooks
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
        payload = encode(reply.confirmation)
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
