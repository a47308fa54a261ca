"""Commands that wait for their charge points: queued on disk, sent when the charge point is back, given up in time."""

import asyncio
import json
import logging
from typing import ClassVar, Literal

import msgspec

from csmsd.events import NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.operations.call import connector_of_call
from csmsd.operations.command import Command
from csmsd.operations.delivery import NOT_ACCEPTED, Delivery
from csmsd.operations.options import Options
from csmsd.operations.parallel import run_in_parallel
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result, result_of_task
from csmsd.operations.runner import OperationRunner
from csmsd.operations.waiting import Lines, Waiting
from csmsd.ports.charge_points import Links
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Deleted, Event, EventType, Milliseconds
from csmsd.profiles.task import Outcome, QueuedCommand, Task, TaskState
from csmsd.runtime.waking import Waker

log = logging.getLogger(__name__)

MAX_QUEUED = 100  # of one charge point
# Time passes, clocks are set and a disk gets room again without an event.
_LONGEST_SLEEP_SECONDS = 1.0
TaskEvent = Literal["task.queued", "task.settled", "task.delivered", "task.expired", "task.cancelled"]


class CommandQueue:
    """The queues of all charge points. Each is sent one command after the other, in the order they were given."""

    STIRRING: ClassVar[tuple[EventType, ...]] = (
        "transaction.stopped",
        "transaction.abandoned",
        "transaction.closed",
        "charge_point.removed",
    )

    def __init__(
        self,
        live: LiveSite,
        links: Links,
        runner: OperationRunner,
        policies: Policies,
    ) -> None:
        self._live = live
        self._links = links
        self._runner = runner
        self._lines = Lines()
        self._waker = Waker()
        self._delivery = Delivery(
            live, links, runner, policies, self._lines, self._end, self._delivered, self._waker.wake
        )

    # --- what there is

    async def load(self, kept: list[tuple[QueuedCommand, Task]]) -> None:
        """What was queued when the last daemon ended goes on waiting; the rest of what it was at is not repeated."""
        for command, task in kept:
            if task.state == "queued":
                waiting = Waiting(command, task)
                waiting.removed = self._live.site.charge_point(command.charge_point) is None
                self._lines.add(waiting)
                continue
            now = self._live.now()
            rest = Task(
                id=self._runner.new_task_id(),
                created_at=now,
                uid=task.uid,
                user=task.user,
                socket=task.socket,
                charge_point=task.charge_point,
                action=task.action,
                request="{}",
                state="settled",
                outcome="not_sent",
                error="csmsd ended before this command was over: what may have been left of it was not sent",
                settled_at=now,
                part_of=task.id,
            )
            log.warning("task %d was not over when csmsd ended; what may have been left of it is not sent", task.id)
            await self._live.keep([rest, Deleted(command)])

    def __len__(self) -> int:
        return len(self._lines)

    def of(self, identity: str) -> list[tuple[QueuedCommand, Task]]:
        """What waits for a charge point, in the order in which it will be sent."""
        return [(waiting.command, waiting.task) for waiting in self._lines.of(identity)]

    def waits(self, task_id: int) -> bool:
        """Whether that task is in the queue, or its command is being carried out."""
        return self._lines.find(task_id) is not None

    # --- operators

    async def run(
        self, states: list[ChargePointState], command: Command, options: Options, ttl: Milliseconds, report: Report
    ) -> list[Result]:
        """As `OperationRunner.run`; for charge points that cannot be sent it now, the result is `queued`."""
        start = command.start()

        async def one(state: ChargePointState) -> list[Result]:
            planned: list[Result] = []
            plan = msgspec.structs.replace(options, dry_run=True, unless_transaction=False)
            await self._runner.run_for(state, start, plan, planned.append)
            results = [result for result in planned if result.obstacle is not None]
            same = None if results else self._same(state, command, planned, options)
            if same is not None:
                results = [await self._merged(same, ttl)]
            if not results and len(self._lines.of(state.id)) >= MAX_QUEUED:
                error = f"{MAX_QUEUED} commands are queued for it already"
                results = [not_sent_result(state.id, Obstacle.QUEUE_FULL, error, action=planned[0].action)]
            if not results:
                return await self._enqueue(state, command, planned, options, ttl, report)
            for result in results:
                report(result)
            return results

        return await run_in_parallel(states, one, options, report)

    def _same(
        self, state: ChargePointState, command: Command, planned: list[Result], options: Options
    ) -> Waiting | None:
        """The one that waits last, if it is equal: what stands before others may be undone by these."""
        waiting = next(reversed(self._lines.of(state.id)), None)
        if waiting is None or waiting.under_way or waiting.removed:
            return None
        known = waiting.command
        idle = connector_of_call(planned[0].request) if options.unless_transaction else None
        same = (known.command, known.parameters, known.force, known.idle_connector) == (
            command.name,
            json.dumps(command.parameters),
            command.force,
            idle,
        )
        return waiting if same else None

    async def _merged(self, waiting: Waiting, ttl: Milliseconds) -> Result:
        """It is not queued a second time; the later of the two ends holds."""
        number, expires_at = waiting.task.id, self._live.now() + ttl
        if expires_at > waiting.command.expires_at:
            task = msgspec.structs.replace(waiting.task, expires_at=expires_at)
            longer = msgspec.structs.replace(waiting.command, expires_at=expires_at)
            waiting.under_way = True
            try:
                self._live.require()
                await self._live.keep([task, longer], [])
                waiting.task, waiting.command = task, longer
            except NotStored as error:
                failed = f"it is queued as task {number}, and that it should wait longer could not be stored: {error}"
                return not_sent_result(task.charge_point, Obstacle.NOT_QUEUED, failed, action=task.action)
            finally:
                waiting.under_way = False
            self._waker.wake()
        return msgspec.structs.replace(result_of_task(waiting.task), error=f"already queued as task {number}")

    async def _enqueue(
        self,
        state: ChargePointState,
        command: Command,
        planned: list[Result],
        options: Options,
        ttl: Milliseconds,
        report: Report,
    ) -> list[Result]:
        now = self._live.now()
        requests = [result.request for result in planned]
        action = planned[0].action
        assert action is not None  # it came to a request
        task = Task(
            id=self._runner.new_task_id(),
            created_at=now,
            uid=options.uid,
            user=options.user,
            socket=options.socket,
            charge_point=state.id,
            action=action,
            request=json.dumps(requests[0] if len(requests) == 1 else requests, separators=(",", ":")),
            state="queued",
            outcome="queued",
            expires_at=now + ttl,
        )
        queued = QueuedCommand(
            task=task.id,
            charge_point=state.id,
            command=command.name,
            parameters=json.dumps(command.parameters),
            force=command.force,
            idle_connector=connector_of_call(requests[0]) if options.unless_transaction else None,
            timeout=options.timeout,
            expires_at=now + ttl,
        )
        # In its place before it is on disk, so that nothing overtakes it and the limit holds.
        waiting = Waiting(queued, task, report)
        waiting.under_way = True
        self._lines.add(waiting)
        try:
            self._live.require()
            told = _queue_event("task.queued", task, expires_at=format_timestamp(queued.expires_at))
            await self._live.keep([task, queued], [told])
        except NotStored as error:
            self._lines.remove(waiting)
            failed = not_sent_result(
                state.id, Obstacle.NOT_QUEUED, f"it could not be stored: {error}", action=task.action
            )
            report(failed)
            return [failed]
        waiting.under_way = False
        self._waker.wake()
        there = self._links.is_connected(state.id) and state.record.boot_status not in NOT_ACCEPTED
        results = await self._sent_soon(waiting, options.timeout) if there else None
        if results is None:
            waiting.report = lambda _: None
            results = [result_of_task(task)]
            report(results[0])
        return results

    async def _sent_soon(self, waiting: Waiting, patience: float) -> list[Result] | None:
        """The results of a command whose charge point is connected; None when it has to wait all the same."""
        await asyncio.wait([waiting.done], timeout=patience)
        return await waiting.done if waiting.done.done() or waiting.under_way else None

    async def cancel(self, task_id: int, user: str | None) -> bool:
        """Gives a queued command up for good; False when it is sent already, or over."""
        waiting = self._lines.find(task_id)
        if waiting is None or waiting.under_way:
            return self._runner.cancel(task_id)
        await self._end(waiting, "cancelled", "not_sent", f"cancelled by {user or 'an operator'}")
        return True

    # --- when something happens

    def ready(self) -> None:
        """A charge point may be sent CALLs from now on."""
        if self._lines:
            self._waker.wake()

    def told(self, event: NumberedEvent) -> None:
        """Looks at events that may matter: those of the types `STIRRING`."""
        if event.type == "charge_point.removed" and event.charge_point is not None:
            # Noted now: it may be registered again before the next look, and these are not for that one.
            for waiting in self._lines.of(event.charge_point):
                waiting.removed = True
        self._waker.wake()

    async def serve(self) -> None:
        """Never returns."""
        while True:
            if self._live.accepting:
                try:
                    await self._give_up_what_is_over()
                except NotStored as error:  # the next round finds them again
                    log.error("queued commands could not be settled: %s", error)
                self._delivery.begin()
            await self._waker.rest(_LONGEST_SLEEP_SECONDS if self._lines else None)

    async def _give_up_what_is_over(self) -> None:
        now = self._live.to_expire_by()
        for waiting in self._lines:
            if waiting.under_way:
                continue
            until = format_timestamp(waiting.command.expires_at)
            if waiting.removed:
                await self._end(waiting, "cancelled", "not_sent", "the charge point was removed")
            elif waiting.command.expires_at > now:
                continue
            elif self._links.is_connected(waiting.command.charge_point):
                await self._end(waiting, "expired", "not_sent", f"it could not be sent until {until}")
            else:
                await self._end(waiting, "expired", "not_connected", f"it was not connected until {until}")

    async def _end(self, waiting: Waiting, state: TaskState, outcome: Outcome, error: str | None) -> None:
        """Ends a command that is not sent. Raises NotStored; then it waits on."""
        task = msgspec.structs.replace(
            waiting.task, state=state, outcome=outcome, error=error, settled_at=self._live.now()
        )
        if state == "expired":
            told = [_queue_event("task.expired", task)]
        elif state == "cancelled":
            told = [_queue_event("task.cancelled", task, reason=error)]
        else:
            told = [_queue_event("task.settled", task, status=None), _queue_event("task.delivered", task, tasks=[])]
        waiting.under_way = True
        try:
            self._live.require()
            await self._live.keep([task, Deleted(waiting.command)], told)
        finally:
            waiting.under_way = False
        self._lines.remove(waiting)
        result = result_of_task(task)
        waiting.report(result)
        waiting.tell([result])

    def _delivered(self, waiting: Waiting, results: list[Result]) -> None:
        numbers = [result.task for result in results if result.task is not None]
        outcome = next((result.outcome for result in results if result.outcome != "accepted"), "accepted")
        self._live.tell(_queue_event("task.delivered", waiting.task, outcome=outcome, tasks=numbers))


def _queue_event(kind: TaskEvent, task: Task, **more: object) -> Event:
    data = {"task": task.id, "action": task.action, "outcome": task.outcome}
    return Event(kind, task.charge_point, data | more)
