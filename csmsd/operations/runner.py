"""Carries out operators' commands: checks, records the intention, sends the CALL, settles, reports."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator
from itertools import count
from typing import Any

import msgspec

from csmsd.control.results import not_recorded, result_of, result_of_task
from csmsd.control.rpc import Json
from csmsd.events import EventBus
from csmsd.ocpp.reading import check_sendable, encode
from csmsd.ocpp.secrets import masked
from csmsd.ocpp.types import Message
from csmsd.ports import CallEnd, CallTicket, Clock, Keeper, Links
from csmsd.profiles import outgoing
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.firmware_management.hosting import Protocol
from csmsd.profiles.record import Change, Deleted, Event, Milliseconds
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.site import Site
from csmsd.profiles.slice import Outgoing, Target, action_of
from csmsd.profiles.task import Outcome, QueuedCommand, Task

log = logging.getLogger(__name__)


class Options(msgspec.Struct):
    """How a command is carried out; `timeout` in seconds per CALL."""

    timeout: float
    force: bool = False
    dry_run: bool = False
    parallel: int = 8
    fail_fast: bool = False
    unless_transaction: bool = False
    stopped: Callable[[], bool] = lambda: False  # whether the operator wants nothing more to be sent
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


class Taking(msgspec.Struct):
    """A queued command whose time has come: its first CALL is sent under the task that it waited as."""

    task: Task
    command: QueuedCommand
    several: bool  # it took several requests when it was queued: it is on disk until the last is answered
    begun: bool = False  # recorded, and maybe sent: it is never sent again by itself


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
        self._cancelled: set[int] = set()
        self.draining = False
        # Has a file host open before a charge point is told of it; a text where it was opened for that. Raises OSError.
        self.open_host: Callable[[Protocol], Awaitable[str | None]] = _nothing_to_open
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()  # of tasks by action, since the start

    def new_task_id(self) -> int:
        return next(self._task_ids)

    def cancel(self, task_id: int) -> bool:
        """Withdraws a task's CALL before it is sent; False when it has been sent or is over."""
        ticket = self._tickets.get(task_id)
        if ticket is None or not ticket.withdraw():
            return False
        self._cancelled.add(task_id)
        return True

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
        result but accepted and queued is. A dry run fails nowhere.
        """
        return await over_all(
            states, lambda state: self.run_for(state, start, options, report), options, report, failed
        )

    async def run_for(
        self,
        state: ChargePointState,
        start: Callable[[Target], Steps],
        options: Options,
        report: Report,
        taking: Taking | None = None,
    ) -> list[Json]:
        """The results for one charge point. An `error_code` of 1 says: not now; 2 and 3: not as it was given."""
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
                code = 3 if isinstance(error, NotThere) else 2
                result = result_of(state, None, "not_sent", error=str(error), error_code=code)
            else:
                result, confirmation = await self._send(target, request, options, taking)
            results.append(result)
            report(result)
            if options.stopped() or (result["outcome"] not in ("accepted", "rejected") and not options.dry_run):
                return results

    async def _send(
        self, target: Target, request: Request, options: Options, taking: Taking | None
    ) -> tuple[Json, Message | None]:
        state = target.charge_point
        action = request.action if isinstance(request, RawRequest) else action_of(type(request))
        payload = request.payload if isinstance(request, RawRequest) else encode(request)
        slice_ = self._outgoing.get(action)
        shown: Json = masked(json.loads(payload))  # type: ignore[assignment]
        obstacle = self._obstacle(target, request, slice_, shown, options)
        if obstacle is not None:
            return obstacle, None
        if options.dry_run:
            return result_of(state, action, "not_sent", request=shown), None

        taken = taking if taking is not None and not taking.begun else None
        must_be_recorded = taken is not None or (slice_ is not None and slice_.intend is not None)
        if must_be_recorded and not self._keeper.accepting:
            return not_recorded(state, action, shown), None
        needed = slice_.needs(request, target) if slice_ and slice_.needs and isinstance(request, Message) else None
        note = None
        if needed is not None and self._links.is_connected(state.id):
            try:
                note = await self.open_host(needed)
            except OSError as error:
                return result_of(state, action, "not_sent", request=shown, error=str(error), error_code=1), None
            # That took its time, in which others may have sent something.
            obstacle = self._obstacle(target, request, slice_, shown, options)
            if obstacle is not None:
                return obstacle, None
        task = self._task(state, action, shown, options, taking)
        intended, told = self._intend(task, request, slice_, options.rollout)
        created = Event("task.created", state.id, {"task": task.id, "action": action})
        gone = [Deleted(taken.command)] if taken is not None and not taken.several else []
        stored = await self._keep([task, *gone, *intended], [created, *told])
        if must_be_recorded and not stored:  # nobody could follow it, or would know that it was sent
            return not_recorded(state, action, shown), None
        if taken is not None:
            taken.begun = True
        ticket = self._tickets[task.id] = CallTicket()
        self.under_way[task.id] = task
        call = self._links.call(state.id, action, payload, slice_, timeout=options.timeout, ticket=ticket)
        try:
            end = await (call if taken is None else self._in_time(taken.command, ticket, call))
        finally:
            del self._tickets[task.id], self.under_way[task.id]
        if taken is not None and end.never_sent and task.id not in self._cancelled:
            await self._take_back(taken, end, request, slice_)
            return result_of_task(taken.task), None
        await self._settle(task, end, request, slice_)
        result = result_of_task(task)
        return (result if note is None else result | {"note": note}), end.confirmation

    async def _in_time(self, command: QueuedCommand, ticket: CallTicket, call: Coroutine[Any, Any, CallEnd]) -> CallEnd:
        """A CALL that may have to wait for others before it, and is not sent when its command's time is up by then."""
        left = (command.expires_at - self._clock()) / 1000
        if left <= 0:  # it took that long to be recorded
            call.close()
            return CallEnd("withdrawn")
        limit = asyncio.get_running_loop().call_later(left, lambda: ticket.withdraw())
        try:
            return await call
        finally:
            limit.cancel()

    def _task(
        self, state: ChargePointState, action: str, shown: object, options: Options, taking: Taking | None
    ) -> Task:
        """The row of a CALL that is about to be sent: a new one, or that under which its command was queued."""
        request = json.dumps(shown, separators=(",", ":"))
        if taking is not None and not taking.begun:
            return msgspec.structs.replace(
                taking.task, action=action, request=request, state="recorded", outcome=None, error=None
            )
        return Task(
            id=self.new_task_id(),
            created_at=self._clock(),
            uid=options.uid,
            user=options.user,
            charge_point=state.id,
            action=action,
            request=request,
            part_of=taking.task.id if taking is not None else None,
        )

    def _obstacle(
        self,
        target: Target,
        request: Request,
        slice_: Outgoing[Message, Message] | None,
        shown: Json,
        options: Options,
    ) -> Json | None:
        """The result when it is not to be sent now."""
        state, code = target.charge_point, 1
        running = transaction_at(state, connector_in(shown)) if options.unless_transaction else None
        objection = None if options.force else self._objection(target, request, slice_)
        if objection is not None:
            error, code = f"{objection}; --force sends it all the same", 2
        elif running is not None:
            error = f"transaction {running.id} is active on connector {running.connector} (--unless-transaction)"
        elif self.draining and not options.dry_run:
            error = "csmsd is stopping"
        else:
            return None
        action = request.action if isinstance(request, RawRequest) else action_of(type(request))
        return result_of(state, action, "not_sent", request=shown, error=error, error_code=code)

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
        """Books how a CALL ended."""
        task.state = "cancelled" if task.id in self._cancelled else "settled"
        task.settled_at = self._clock()
        task.duration_ms = end.duration_ms
        task.sent_at = end.sent_at
        task.error = end.error
        task.outcome, task.status = _outcome(end, slice_)
        self._cancelled.discard(task.id)
        self.outcomes[task.action if slice_ is not None else "other", task.outcome] += 1
        if end.payload is not None:
            task.response = json.dumps(masked(json.loads(end.payload)), separators=(",", ":"))
        changes, events = self._consequences(task, end, request, slice_)
        settled = {"task": task.id, "action": task.action, "outcome": task.outcome, "status": task.status}
        await self._keep([task, *changes], [*events, Event("task.settled", task.charge_point, settled)])

    async def _take_back(
        self, taken: Taking, end: CallEnd, request: Request, slice_: Outgoing[Message, Message] | None
    ) -> None:
        """The first CALL of a queued command never left: it waits again."""
        taken.begun = False
        changes, events = self._consequences(taken.task, end, request, slice_)
        await self._keep([taken.task, taken.command, *changes], events)

    def _consequences(
        self, task: Task, end: CallEnd, request: Request, slice_: Outgoing[Message, Message] | None
    ) -> tuple[list[Change], list[Event]]:
        """What the end of a CALL changes, by the rules of its slice."""
        state, now = self._site().charge_point(task.charge_point), self._clock()
        if state is None:
            return [], []
        _note_silence(state, end, now)
        if slice_ is None or not isinstance(request, Message):
            return [], []
        target = Target(self._site(), state, now, task.id)
        if end.confirmation is not None:
            return slice_.settle(request, end.confirmation, target) if slice_.settle is not None else ([], [])
        if slice_.unconfirmed is None:
            return [], []
        return slice_.unconfirmed(request, _outcome(end, slice_)[0], target)

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


async def _nothing_to_open(protocol: Protocol) -> str | None:
    return None


def _note_silence(state: ChargePointState, end: CallEnd, now: Milliseconds) -> None:
    """A CALL that was not answered in time counts until another one is answered."""
    if end.outcome == "timeout":
        state.unanswered_since = state.unanswered_since or now
    elif end.outcome in ("confirmed", "call_error"):
        state.unanswered_since = None


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


def connector_in(payload: Json) -> int:
    """The connector that a request names; 0, all of them, when it names none."""
    connector = payload.get("connectorId")
    return connector if isinstance(connector, int) and connector > 0 else 0


def transaction_at(state: ChargePointState, connector: int) -> Transaction | None:
    """A transaction that is active on a connector; 0 is any."""
    return state.transactions.active_on(connector) if connector else next(iter(state.transactions.active()), None)


async def over_all(
    states: list[ChargePointState],
    run_for: Callable[[ChargePointState], Awaitable[list[Json]]],
    options: Options,
    report: Report,
    failed: Judgement | None = None,
) -> list[Json]:
    """The results of all charge points, in their order; so many at once as the options say."""
    limit = asyncio.Semaphore(max(1, options.parallel))
    stop = asyncio.Event()

    def judged(state: ChargePointState, results: list[Json]) -> bool:
        if failed is not None:
            return failed(state, results)
        return any(result["outcome"] not in ("accepted", "queued") for result in results)

    async def one(state: ChargePointState) -> list[Json]:
        async with limit:
            if options.stopped() or (options.fail_fast and stop.is_set()):
                why = "interrupted" if options.stopped() else "another one failed before (--fail-fast)"
                error = f"not begun: {why}"
                stopped = result_of(state, None, "not_sent", error=error, error_code=1)
                report(stopped)
                return [stopped]
            results = await run_for(state)
            if not options.dry_run and judged(state, results):
                stop.set()
            return results

    found = await asyncio.gather(*(one(state) for state in states))
    return [result for results in found for result in results]
