"""Carries out commands: checks, records the intention, sends the CALL, settles, reports."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any

import msgspec

from csmsd.live_site import LiveSite
from csmsd.ocpp.secrets import masked_secrets
from csmsd.ocpp.types import Message
from csmsd.operations.call import Call, Kept, Start, connector_of_call
from csmsd.operations.options import Options
from csmsd.operations.parallel import Judgement, any_failed_in_parallel, run_in_parallel
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result, result_of_task
from csmsd.operations.waiting import Turn
from csmsd.ports.charge_points import CallEnd, CallTicket, Links
from csmsd.ports.store import NotStored
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.firmware_management.hosting import Protocol
from csmsd.profiles.record import Change, Deleted, Event, Milliseconds
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.task import Outcome, QueuedCommand, Task

log = logging.getLogger(__name__)


class OperationRunner:
    """Runs commands over many charge points; each CALL is a task."""

    def __init__(self, live: LiveSite, links: Links, last_task: int) -> None:
        self._live = live
        self._links = links
        self._task_ids = count(last_task + 1)
        self._tickets: dict[int, CallTicket] = {}
        self.under_way: dict[int, Task] = {}  # what waits to be sent, or for its answer
        self.draining = False
        # Has a file host open before a charge point is told of it; a text where it was opened for that. Raises OSError.
        self.open_host: Callable[[Protocol], Awaitable[str | None]] = _runner_opens_nothing
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()  # of tasks by action, since the start

    def new_task_id(self) -> int:
        return next(self._task_ids)

    def cancel(self, task_id: int) -> bool:
        """Withdraws a task's CALL before it is sent; False when it has been sent or is over."""
        ticket = self._tickets.get(task_id)
        if ticket is None or not ticket.withdraw():
            return False
        ticket.cancelled = True
        return True

    async def run(
        self,
        states: list[ChargePointState],
        start: Start,
        options: Options,
        report: Report = lambda _: None,
        failed: Judgement = any_failed_in_parallel,
    ) -> list[Result]:
        """Results in the order of the charge points; `report` gets each as soon as it is there.

        `failed` says from all results of a charge point whether that is what `fail_fast` stops at.
        """
        return await run_in_parallel(
            states, lambda state: self.run_for(state, start, options, report), options, report, failed
        )

    async def run_for(
        self,
        state: ChargePointState,
        start: Start,
        options: Options,
        report: Report,
        turn: Turn | None = None,
    ) -> list[Result]:
        """The results for one charge point: one for each request, until one is not answered."""
        results: list[Result] = []
        target = Target(self._live.site, state, self._live.now())
        steps = start(target)
        confirmation: Message | None = None
        while True:
            try:
                request = steps.send(confirmation)
            except StopIteration:
                return results
            except CannotSend as error:
                result = not_sent_result(state.id, Obstacle.SENSELESS, str(error))
            except NotThere as error:
                result = not_sent_result(state.id, Obstacle.NOT_THERE, str(error))
            else:
                result, confirmation = await self._send(target, Call.of(request), options, turn)
            results.append(result)
            report(result)
            if options.stopped() or (result.outcome not in ("accepted", "rejected") and not options.dry_run):
                return results

    async def _send(
        self, target: Target, call: Call, options: Options, turn: Turn | None
    ) -> tuple[Result, Message | None]:
        state = target.charge_point

        def unsent(obstacle: Obstacle, error: str) -> tuple[Result, None]:
            return not_sent_result(state.id, obstacle, error, action=call.action, request=call.shown), None

        first = turn if turn is not None and not turn.begun else None
        must_be_recorded = first is not None or call.followed(target)
        in_the_way = self._in_the_way(target, call, options, must_be_recorded)
        if in_the_way is not None:
            return unsent(*in_the_way)
        if options.dry_run:
            return Result(charge_point=state.id, action=call.action, outcome="not_sent", request=call.shown), None
        needed = call.host(target)
        note = None
        if needed is not None and self._links.is_connected(state.id):
            try:
                note = await self.open_host(needed)
            except OSError as error:
                return unsent(Obstacle.NO_FILE_HOST, str(error))
            # That took its time, in which others may have sent something.
            in_the_way = self._in_the_way(target, call, options, must_be_recorded)
            if in_the_way is not None:
                return unsent(*in_the_way)
        number = first.task.id if first is not None else self.new_task_id()
        call = call.numbered(number)
        task = self._task(number, state, call, options, turn)
        intended, told = self._intend(task, call, options.rollout)
        created = Event("task.created", state.id, {"task": task.id, "action": call.action})
        gone = [Deleted(first.command)] if first is not None and not first.several else []
        if not await self._keep([task, *gone, *intended], [created, *told]):
            if must_be_recorded:  # nobody could follow it, or would know that it was sent
                return unsent(*_NOT_RECORDED)
            self._live.tell(created)
        if first is not None:
            first.begun = True
        ticket = self._tickets[task.id] = CallTicket()
        self.under_way[task.id] = task
        sending = self._links.call(
            state.id, call.action, call.payload, call.rules, timeout=options.timeout, ticket=ticket
        )
        try:
            end = await (sending if first is None else self._in_time(first.command, ticket, sending))
        finally:
            del self._tickets[task.id], self.under_way[task.id]
        if first is not None and end.never_sent and not ticket.cancelled:
            await self._take_back(first, end, call)
            return result_of_task(first.task), None
        why = self._why(task, end, call)
        await self._settle(task, end, call, why, cancelled=ticket.cancelled)
        if task.outcome == "accepted":
            note = "; ".join(filter(None, (note, why))) or None
        return msgspec.structs.replace(result_of_task(task), note=note), end.confirmation

    def _in_the_way(
        self, target: Target, call: Call, options: Options, must_be_recorded: bool
    ) -> tuple[Obstacle, str] | None:
        """Why it is not to be sent now."""
        objection = None if options.vouched else call.forbidden(target)
        objection = objection or (None if options.force else call.objection(target))
        if objection is not None:
            return objection
        if options.unless_transaction:
            running = target.charge_point.transactions.active_within(connector_of_call(call.shown))
            if running is not None:
                return Obstacle.TRANSACTION, f"transaction {running.id} is active on connector {running.connector}"
        if options.dry_run:
            return None
        if self.draining:
            return Obstacle.STOPPING, "csmsd is stopping"
        return _NOT_RECORDED if must_be_recorded and not self._live.accepting else None

    async def _in_time(self, command: QueuedCommand, ticket: CallTicket, call: Coroutine[Any, Any, CallEnd]) -> CallEnd:
        """A CALL that may have to wait for others before it, and is not sent when its command's time is up by then."""
        left = (command.expires_at - self._live.to_expire_by()) / 1000
        if left <= 0:  # it took that long to be recorded
            call.close()
            return CallEnd("withdrawn")
        limit = asyncio.get_running_loop().call_later(left, lambda: ticket.withdraw())
        try:
            return await call
        finally:
            limit.cancel()

    def _task(self, number: int, state: ChargePointState, call: Call, options: Options, turn: Turn | None) -> Task:
        """The row of a CALL that is about to be sent: a new one, or that under which its command was queued."""
        request = json.dumps(call.shown, separators=(",", ":"))
        if turn is not None and not turn.begun:
            return msgspec.structs.replace(
                turn.task, action=call.action, request=request, state="recorded", outcome=None, error=None
            )
        return Task(
            id=number,
            created_at=self._live.now(),
            uid=options.uid,
            user=options.user,
            socket=options.socket,
            charge_point=state.id,
            action=call.action,
            request=request,
            part_of=turn.task.id if turn is not None else None,
        )

    def _intend(self, task: Task, call: Call, rollout: int | None) -> Kept:
        state = self._live.site.charge_point(task.charge_point)
        if state is None:
            return [], []
        return call.intend(Target(self._live.site, state, self._live.now(), task.id, rollout))

    async def _settle(self, task: Task, end: CallEnd, call: Call, why: str | None, *, cancelled: bool) -> None:
        """Books how a CALL ended."""
        task.state = "cancelled" if cancelled else "settled"
        task.settled_at = self._live.now()
        task.duration_ms = end.duration_ms
        task.sent_at = end.sent_at
        task.outcome, task.status = call.outcome(end)
        task.error = end.error if task.outcome == "accepted" else end.error or why
        self.outcomes[task.action if call.rules is not None else "other", task.outcome] += 1
        if end.payload is not None:
            task.response = json.dumps(masked_secrets(json.loads(end.payload)), separators=(",", ":"))
        changes, events = self._take_in(task, end, call)
        data = {"task": task.id, "action": task.action, "outcome": task.outcome, "status": task.status}
        settled = Event("task.settled", task.charge_point, data)
        if not await self._keep([task, *changes], [*events, settled]):
            self._live.tell(settled)  # somebody waits for it

    def _why(self, task: Task, end: CallEnd, call: Call) -> str | None:
        """What explains the answer, before that changes anything. A mistake in it must not lose the answer."""
        state = self._live.site.charge_point(task.charge_point)
        if state is None:
            return None
        try:
            return call.why(end, Target(self._live.site, state, self._live.now(), task.id))
        except Exception:
            log.exception("%s: the answer to %s cannot be explained", task.charge_point, task.action)
            return None

    async def _take_back(self, turn: Turn, end: CallEnd, call: Call) -> None:
        """The first CALL of a queued command never left: it waits again."""
        turn.begun = False
        changes, events = self._take_in(turn.task, end, call)
        await self._keep([turn.task, turn.command, *changes], events)

    def _take_in(self, task: Task, end: CallEnd, call: Call) -> Kept:
        state, now = self._live.site.charge_point(task.charge_point), self._live.now()
        if state is None:
            return [], []
        _runner_notes_silence(state, end, now)
        if not self._live.accepting:  # memory stays as the disk is
            return [], []
        return call.settle(end, Target(self._live.site, state, now, task.id))

    async def _keep(self, changes: list[Change], events: list[Event]) -> bool:
        """A full disk must not keep anybody from stopping a transaction: then the command goes on unrecorded."""
        try:
            self._live.require()
            await self._live.keep(changes, events)
        except NotStored as error:
            log.error("the history of commands could not be written: %s", error)
            return False
        return True


_NOT_RECORDED = Obstacle.NOT_RECORDED, "it could not be recorded, so it was not sent"


async def _runner_opens_nothing(protocol: Protocol) -> str | None:
    return None


def _runner_notes_silence(state: ChargePointState, end: CallEnd, now: Milliseconds) -> None:
    """A CALL that was not answered in time counts until another one is answered."""
    if end.outcome == "timeout":
        state.unanswered_since = state.unanswered_since or now
    elif end.outcome in ("confirmed", "call_error"):
        state.unanswered_since = None
