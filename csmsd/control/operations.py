"""Carries out operators' commands: checks, records the intention, sends the CALL, settles, reports."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Generator
from itertools import count

import msgspec

from csmsd.control.service import Json
from csmsd.events import EventBus
from csmsd.ocpp.reading import check_sendable, encode
from csmsd.ocpp.secrets import masked
from csmsd.ocpp.types import Message
from csmsd.ports import CallEnd, CallTicket, Clock, Keeper, Links
from csmsd.profiles import outgoing
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.slice import CannotSend, NotThere, Outgoing, Target, action_of
from csmsd.profiles.task import Outcome, Task

log = logging.getLogger(__name__)


class Options(msgspec.Struct):
    """How a command is carried out; `timeout` in seconds per CALL."""

    timeout: float
    force: bool = False
    dry_run: bool = False
    parallel: int = 8
    fail_fast: bool = False
    uid: int | None = None
    user: str | None = None
    rollout: int | None = None  # the rollout that it is a part of


class RawRequest(msgspec.Struct):
    """A CALL whose payload is sent as it is, known action or not."""

    action: str
    payload: bytes


Request = Message | RawRequest
# What a command sends, one request after the other; each is sent the confirmation of the one before.
Steps = Generator[Request, Message | None, None]
Report = Callable[[Json], None]
Judgement = Callable[[ChargePointState, list[Json]], bool]


class OperationRunner:
    """Runs commands over many charge points; each CALL is a task."""

    def __init__(
        self, site: Callable[[], Site], keeper: Keeper, links: Links, bus: EventBus, clock: Clock, last_task: int
    ) -> None:
        self._site = site
        self._keeper = keeper
        self._links = links
        self._bus = bus
        self._clock = clock
        self._task_ids = count(last_task + 1)
        self._outgoing = outgoing()
        self._tickets: dict[int, CallTicket] = {}
        self.under_way: dict[int, Task] = {}  # what waits to be sent, or for its answer
        self.draining = False
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()  # of tasks by action, since the start

    def cancel(self, task_id: int) -> bool:
        """Withdraws a task's CALL from the queue; False when it has been sent or is over."""
        ticket = self._tickets.get(task_id)
        return ticket is not None and ticket.withdraw()

    async def run(
        self,
        states: list[ChargePointState],
        start: Callable[[Target], Steps],
        options: Options,
        report: Report,
        failed: Judgement | None = None,
    ) -> list[Json]:
        """Results in the order of the charge points; `report` gets each as soon as it is there.

        `failed` says from all results of a charge point whether that is what --fail-fast stops at; left out, any
        result but accepted is. A dry run fails nowhere.
        """
        limit = asyncio.Semaphore(max(1, options.parallel))
        failed = failed or _any_refused
        stop = asyncio.Event()

        async def one(state: ChargePointState) -> list[Json]:
            async with limit:
                if options.fail_fast and stop.is_set():
                    stopped = _result(
                        state, None, "not_sent", error="not begun: another one failed before (--fail-fast)"
                    )
                    stopped["error_code"] = 1
                    report(stopped)
                    return [stopped]
                results = await self._run_for(state, start, options, report)
                if not options.dry_run and failed(state, results):
                    stop.set()
                return results

        found = await asyncio.gather(*(one(state) for state in states))
        return [result for results in found for result in results]

    async def _run_for(
        self,
        state: ChargePointState,
        start: Callable[[Target], Steps],
        options: Options,
        report: Report,
    ) -> list[Json]:
        results: list[Json] = []
        target = Target(self._site(), state, self._clock())
        steps = start(target)
        confirmation: Message | None = None
        while True:
            try:
                request = steps.send(confirmation)
            except StopIteration:
                return results
            except (CannotSend, NotThere) as error:
                result = _result(state, None, "not_sent", error=str(error))
                result["error_code"] = 3 if isinstance(error, NotThere) else 2
            else:
                result, confirmation = await self._send(target, request, options)
            results.append(result)
            report(result)
            if result["outcome"] not in ("accepted", "rejected") and not options.dry_run:
                return results

    async def _send(self, target: Target, request: Request, options: Options) -> tuple[Json, Message | None]:
        state = target.charge_point
        action = request.action if isinstance(request, RawRequest) else action_of(type(request))
        payload = request.payload if isinstance(request, RawRequest) else encode(request)
        slice_ = self._outgoing.get(action)
        shown = masked(json.loads(payload))
        objection = None if options.force else self._objection(target, request, slice_)
        if objection is not None:
            result = _result(
                state, action, "not_sent", request=shown, error=f"{objection}; --force sends it all the same"
            )
            result["error_code"] = 2
            return result, None
        if options.dry_run:
            return _result(state, action, "not_sent", request=shown), None
        if self.draining:
            return _result(state, action, "not_sent", request=shown, error="csmsd is stopping"), None

        task = Task(
            id=next(self._task_ids),
            created_at=self._clock(),
            uid=options.uid,
            user=options.user,
            charge_point=state.id,
            action=action,
            request=json.dumps(shown, separators=(",", ":")),
        )
        if slice_ is not None and slice_.intend is not None and not self._keeper.accepting:
            return _not_recorded(state, action, shown), None
        intended, told = self._intend(task, request, slice_, options.rollout)
        created = Event("task.created", state.id, {"task": task.id, "action": action})
        stored = await self._keep([task, *intended], [created, *told])
        if intended and not stored:  # nobody could follow it, or would know that it was sent
            return _not_recorded(state, action, shown), None
        ticket = self._tickets[task.id] = CallTicket()
        self.under_way[task.id] = task
        try:
            end = await self._links.call(state.id, action, payload, slice_, timeout=options.timeout, ticket=ticket)
        finally:
            del self._tickets[task.id], self.under_way[task.id]
        await self._settle(task, end, request, slice_)
        response = None if task.response is None else json.loads(task.response)
        result = _result(
            state,
            action,
            task.outcome or "unknown",
            status=task.status,
            request=shown,
            response=response,
            error=task.error,
            duration_ms=task.duration_ms,
            task=task.id,
        )
        if task.outcome == "not_sent":
            result["error_code"] = 1
        return result, end.confirmation

    def _objection(self, target: Target, request: Request, slice_: Outgoing[Message, Message] | None) -> str | None:
        if target.charge_point.record.boot_status == "Rejected":
            return "its registration is Rejected: a rejected charge point must not be sent anything (C 4.2)"
        if isinstance(request, RawRequest):
            return None
        malformed = check_sendable(request)
        if malformed is not None:
            return malformed
        return slice_.check(request, target) if slice_ is not None and slice_.check is not None else None

    def _intend(
        self, task: Task, request: Request, slice_: Outgoing[Message, Message] | None, rollout: int | None
    ) -> tuple[list[Change], list[Event]]:
        state = self._site().charge_point(task.charge_point)
        if slice_ is None or slice_.intend is None or state is None or not isinstance(request, Message):
            return [], []
        return slice_.intend(request, Target(self._site(), state, self._clock(), task.id, rollout))

    async def _settle(
        self, task: Task, end: CallEnd, request: Request, slice_: Outgoing[Message, Message] | None
    ) -> None:
        now = self._clock()
        task.state = "settled"
        task.settled_at = now
        task.duration_ms = end.duration_ms
        task.sent_at = None if end.duration_ms is None else now - end.duration_ms
        task.error = end.error
        task.outcome, task.status = _outcome(end, slice_)
        self.outcomes[task.action if slice_ is not None else "other", task.outcome] += 1
        if end.payload is not None:
            task.response = json.dumps(masked(json.loads(end.payload)), separators=(",", ":"))
        changes: list[Change] = [task]
        events: list[Event] = []
        state = self._site().charge_point(task.charge_point)
        if state is not None:
            _note_silence(state, end, now)
        if slice_ is not None and state is not None and isinstance(request, Message):
            target = Target(self._site(), state, now, task.id)
            more: list[Change] = []
            if end.confirmation is None and slice_.unconfirmed is not None:
                more, events = slice_.unconfirmed(request, task.outcome, target)
            elif end.confirmation is not None and slice_.settle is not None:
                more, events = slice_.settle(request, end.confirmation, target)
            changes += more
        settled = {"task": task.id, "action": task.action, "outcome": task.outcome, "status": task.status}
        await self._keep(changes, [*events, Event("task.settled", task.charge_point, settled)])

    async def _keep(self, changes: list[Change], events: list[Event]) -> bool:
        """A full disk must not keep anybody from stopping a transaction: then the command goes on unrecorded."""
        try:
            await self._keeper.commit(changes)
        except Exception as error:
            log.error("the history of commands could not be written: %s", error)
            stored = False
        else:
            stored = True
        for event in events:
            self._bus.publish(event)
        return stored


def _note_silence(state: ChargePointState, end: CallEnd, now: Milliseconds) -> None:
    """A CALL that was not answered in time counts until another one is answered."""
    if end.outcome == "timeout":
        state.unanswered_since = state.unanswered_since or now
    elif end.outcome in ("confirmed", "call_error"):
        state.unanswered_since = None


def _any_refused(_: ChargePointState, results: list[Json]) -> bool:
    return any(result["outcome"] != "accepted" for result in results)


def _outcome(end: CallEnd, slice_: Outgoing[Message, Message] | None) -> tuple[Outcome, str | None]:
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
    good = slice_.accepted if slice_ is not None else frozenset({"Accepted"})
    accepted = not good or status is None or status in good
    return ("accepted" if accepted else "rejected"), status


def _not_recorded(state: ChargePointState, action: str, shown: object) -> Json:
    error = "it could not be recorded, so it was not sent"
    return _result(state, action, "not_sent", request=shown, error=error) | {"error_code": 1}


def _result(
    state: ChargePointState,
    action: str | None,
    outcome: Outcome,
    *,
    status: str | None = None,
    request: object = None,
    response: object = None,
    error: str | None = None,
    duration_ms: int | None = None,
    task: int | None = None,
) -> Json:
    return {
        "charge_point": state.id,
        "action": action,
        "outcome": outcome,
        "status": status,
        "request": request,
        "response": response,
        "error": error,
        "duration_ms": duration_ms,
        "task": task,
    }
