"""Commands that wait for their charge points: queued on disk, sent when the charge point is back, given up in time."""

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from csmsd.control.results import result_of, result_of_task
from csmsd.control.rpc import Json, RpcError
from csmsd.control.views import time_text
from csmsd.events import EventBus, NumberedEvent
from csmsd.ocpp.identity import fold
from csmsd.operations.command import Command
from csmsd.operations.runner import (
    OperationRunner,
    Options,
    Report,
    Taking,
    connector_in,
    over_all,
    transaction_at,
)
from csmsd.operations.waiting import Lines, Waiting
from csmsd.ports import Clock, Keeper, Links, NotStored
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Deleted, Event, Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.task import Outcome, QueuedCommand, Task, TaskState

log = logging.getLogger(__name__)

MAX_QUEUED = 100  # of one charge point
# Time passes, clocks are set and a disk gets room again without an event.
_LONGEST_SLEEP_SECONDS = 1.0
TaskEvent = Literal["task.queued", "task.settled", "task.delivered", "task.expired", "task.cancelled"]
# After an accepted Reset (C 5.14) it is not asked anything more before it is back, or for so long.
_RESTART_MS = 60_000
_NOT_ACCEPTED = ("Pending", "Rejected")
_STIRRING = frozenset({"transaction.stopped", "transaction.abandoned", "transaction.closed", "charge_point.removed"})


class CommandQueue:
    """The queues of all charge points. Each is sent one command after the other, in the order they were given."""

    def __init__(
        self,
        site: Callable[[], Site],
        keeper: Keeper,
        links: Links,
        runner: OperationRunner,
        bus: EventBus,
        clock: Clock,
        hold_seconds: Callable[[], float],
    ) -> None:
        self._site = site
        self._keeper = keeper
        self._links = links
        self._runner = runner
        self._bus = bus
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._lines = Lines()
        self._delivering: dict[str, asyncio.Task[None]] = {}
        self._reset_at: dict[str, Milliseconds] = {}
        self._wake = asyncio.Event()

    # --- what there is

    async def load(self, kept: list[tuple[QueuedCommand, Task]]) -> None:
        """What was queued when the last daemon ended goes on waiting; the rest of what it was at is not repeated."""
        for command, task in kept:
            if task.state == "queued":
                waiting = Waiting(command, task)
                waiting.removed = self._site().charge_point(command.charge_point) is None
                self._lines.add(waiting)
                continue
            now = self._clock()
            rest = Task(
                id=self._runner.new_task_id(),
                created_at=now,
                uid=task.uid,
                user=task.user,
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
            await self._keeper.commit([rest, Deleted(command)])

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
    ) -> list[Json]:
        """As `OperationRunner.run`; for charge points that cannot be sent it now, the result is `queued`."""
        start = command.start()

        async def one(state: ChargePointState) -> list[Json]:
            planned: list[Json] = []
            plan = msgspec.structs.replace(options, dry_run=True, unless_transaction=False)
            await self._runner.run_for(state, start, plan, planned.append)
            results = [result for result in planned if result["error"] is not None]
            if not results and len(self._lines.of(state.id)) >= MAX_QUEUED:
                error = f"{MAX_QUEUED} commands are queued for it already; see: csmsctl task list --state queued"
                results = [result_of(state, planned[0]["action"], "not_sent", error=error, error_code=1)]
            if not results:
                return await self._enqueue(state, command, planned, options, ttl, report)
            for result in results:
                report(result)
            return results

        return await over_all(states, one, options, report)

    async def _enqueue(
        self,
        state: ChargePointState,
        command: Command,
        planned: list[Json],
        options: Options,
        ttl: Milliseconds,
        report: Report,
    ) -> list[Json]:
        now = self._clock()
        requests = [result["request"] for result in planned]
        task = Task(
            id=self._runner.new_task_id(),
            created_at=now,
            uid=options.uid,
            user=options.user,
            charge_point=state.id,
            action=planned[0]["action"],
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
            idle_connector=connector_in(planned[0]["request"]) if options.unless_transaction else None,
            timeout=options.timeout,
            expires_at=now + ttl,
        )
        # In its place before it is on disk, so that nothing overtakes it and the limit holds.
        waiting = Waiting(queued, task, report)
        waiting.under_way = True
        self._lines.add(waiting)
        try:
            await self._keeper.commit([task, queued])
        except NotStored as error:
            self._lines.remove(waiting)
            failed = result_of(state, task.action, "not_sent", error=f"it could not be stored: {error}", error_code=1)
            report(failed)
            return [failed]
        self._tell("task.queued", task, expires_at=time_text(task.expires_at))
        waiting.under_way = False
        self._wake.set()
        there = self._links.is_connected(state.id) and state.record.boot_status not in _NOT_ACCEPTED
        results = await self._sent_soon(waiting, options.timeout) if there else None
        if results is None:
            waiting.report = lambda _: None
            results = [result_of_task(task)]
            report(results[0])
        return results

    async def _sent_soon(self, waiting: Waiting, patience: float) -> list[Json] | None:
        """The results of a command whose charge point is connected; None when it has to wait all the same."""
        await asyncio.wait([waiting.done], timeout=patience)
        return await waiting.done if waiting.done.done() or waiting.under_way else None

    async def cancel(self, task_id: int, user: str | None) -> bool:
        """Gives a queued command up for good; False when it is sent already, or over."""
        waiting = self._lines.find(task_id)
        if waiting is None or waiting.under_way:
            return self._runner.cancel(task_id)
        await self._settle(waiting, "cancelled", "not_sent", f"cancelled by {user or 'an operator'}")
        return True

    # --- when something happens

    def ready(self) -> None:
        """A charge point may be sent CALLs from now on."""
        if self._lines:
            self._wake.set()

    def told(self, event: NumberedEvent) -> None:
        """Looks at events that may matter."""
        if not self._lines or event.type not in _STIRRING:
            return
        if event.type == "charge_point.removed" and event.charge_point is not None:
            # Noted now: it may be registered again before the next look, and these are not for that one.
            for waiting in self._lines.of(event.charge_point):
                waiting.removed = True
        self._wake.set()

    async def serve(self) -> None:
        """Never returns."""
        while True:
            self._wake.clear()
            if self._keeper.accepting:
                try:
                    await self._give_up_what_is_over()
                except Exception as error:  # the next round finds them again
                    log.error("queued commands could not be settled: %s", error)
                self._deliver()
            try:
                async with asyncio.timeout(_LONGEST_SLEEP_SECONDS if self._lines else None):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _give_up_what_is_over(self) -> None:
        now = self._clock()
        for waiting in self._lines:
            if waiting.under_way:
                continue
            until = time_text(waiting.command.expires_at)
            if waiting.removed:
                await self._settle(waiting, "cancelled", "not_sent", "the charge point was removed")
            elif waiting.command.expires_at > now:
                continue
            elif self._links.is_connected(waiting.command.charge_point):
                await self._settle(waiting, "expired", "not_sent", f"it could not be sent until {until}")
            else:
                await self._settle(waiting, "expired", "not_connected", f"it was not connected until {until}")

    async def _settle(self, waiting: Waiting, state: TaskState, outcome: Outcome, error: str | None) -> None:
        """Ends a command that is not sent. Raises NotStored; then it waits on."""
        task = msgspec.structs.replace(
            waiting.task, state=state, outcome=outcome, error=error, settled_at=self._clock()
        )
        waiting.under_way = True
        try:
            await self._keeper.commit([task, Deleted(waiting.command)])
        finally:
            waiting.under_way = False
        self._lines.remove(waiting)
        result = result_of_task(task)
        waiting.report(result)
        waiting.tell([result])
        if state == "expired":
            self._tell("task.expired", task)
        elif state == "cancelled":
            self._tell("task.cancelled", task, reason=error)
        else:
            self._tell("task.settled", task, status=None)
            self._tell("task.delivered", task, tasks=[])

    def _tell(self, kind: TaskEvent, task: Task, **more: object) -> None:
        data = {"task": task.id, "action": task.action, "outcome": task.outcome}
        self._bus.publish(Event(kind, task.charge_point, data | more))

    # --- delivery

    def _deliver(self) -> None:
        for key in self._lines.keys:
            if key not in self._delivering and self._may_be_sent(key):
                delivery = asyncio.get_running_loop().create_task(self._deliver_to(key), name=f"queue of {key}")
                self._delivering[key] = delivery
                delivery.add_done_callback(partial(self._delivered, key))

    def _delivered(self, key: str, delivery: asyncio.Task[None]) -> None:
        del self._delivering[key]
        if not delivery.cancelled() and (error := delivery.exception()) is not None:
            log.error("the queue of %s could not be worked off: %r", key, error)

    def _may_be_sent(self, key: str) -> ChargePointState | None:
        state = self._site().charge_points.get(key)
        if state is None or self._runner.draining or not self._links.is_ready(state.id):
            return None
        return None if state.record.boot_status in _NOT_ACCEPTED or self._restarts(key, state) else state

    def _restarts(self, key: str, state: ChargePointState) -> bool:
        reset_at = self._reset_at.get(key)
        if reset_at is None:
            return False
        if (state.connected_at or 0) > reset_at or self._clock() - reset_at > _RESTART_MS:
            del self._reset_at[key]
            return False
        return True

    async def _deliver_to(self, key: str) -> None:
        """Sends what may be sent now. What waits for a transaction to end is overtaken; nothing else is."""
        passed_over: set[int] = set()
        while (state := self._may_be_sent(key)) is not None:
            waiting = next((known for known in self._lines.of(key) if known.task.id not in passed_over), None)
            if waiting is None or waiting.under_way or waiting.removed:
                return
            in_time = waiting.command.expires_at > self._clock()
            if in_time and self._is_idle(waiting.command, state) and await self._carry_out(waiting, state):
                continue
            if waiting.command.expires_at <= self._clock():
                self._wake.set()  # it is given up, and whoever gave it is told so
                return
            waiting.tell(None)
            if waiting.command.idle_connector is None:
                return
            passed_over.add(waiting.task.id)

    def _is_idle(self, command: QueuedCommand, state: ChargePointState) -> bool:
        """Whether no transaction speaks against it: none known, nor one that was begun offline and not told of yet."""
        if command.idle_connector is None:
            return True
        here_for = self._clock() - (state.connected_at or 0)
        return here_for >= self._hold_seconds() * 1000 and transaction_at(state, command.idle_connector) is None

    async def _carry_out(self, waiting: Waiting, state: ChargePointState) -> bool:
        """Sends a command; False when it could not be sent now and waits on."""
        command, task = waiting.command, waiting.task
        taking = Taking(task, command, several=isinstance(json.loads(task.request), list))
        options = Options(
            timeout=command.timeout,
            force=command.force,
            unless_transaction=command.idle_connector is not None,
            uid=task.uid,
            user=task.user,
        )

        def report(result: Json) -> None:
            if taking.begun:
                waiting.report(result)

        waiting.under_way = True
        begun_at = self._clock()
        try:
            start = Command(command.command, json.loads(command.parameters), command.force).start()
            results = await self._runner.run_for(state, start, options, report, taking)
        except RpcError as error:  # kept by another version
            results = [result_of(state, task.action, "not_sent", error=error.message, error_code=error.code)]
        except Exception as error:
            log.exception("task %d could not be carried out", task.id)
            results = [result_of(state, task.action, "not_sent", error=f"internal error: {error}", error_code=2)]
        if taking.begun:
            if taking.several:
                await self._forget(command)
            self._lines.remove(waiting)
            waiting.tell(results)
            if any(result["action"] == "Reset" and result["outcome"] == "accepted" for result in results):
                self._reset_at[fold(state.id)] = begun_at
            numbers = [result["task"] for result in results if result["task"] is not None]
            outcome = next((r["outcome"] for r in results if r["outcome"] != "accepted"), "accepted")
            self._tell("task.delivered", task, outcome=outcome, tasks=numbers)
            return True
        waiting.under_way = False
        return await self._refuse(waiting, results)

    async def _forget(self, command: QueuedCommand) -> None:
        try:
            await self._keeper.commit([Deleted(command)])
        except NotStored as error:  # after a restart it will be told that its end is not known
            log.error("the end of task %d could not be stored: %s", command.task, error)

    async def _refuse(self, waiting: Waiting, results: list[Json]) -> bool:
        """Ends a command that the checks here speak against; False when it is only not the time for it."""
        refused = next((result for result in results if result.get("error_code") in (2, 3)), None)
        if results and refused is None:
            return False
        reason = refused["error"] if refused is not None else "nothing was to be sent"
        try:
            await self._settle(waiting, "settled", "not_sent", reason)
        except NotStored:
            return False
        return True
