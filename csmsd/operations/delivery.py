"""Sends what waits in the queues when its charge point may be sent it."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.operations.command import Command, NotACommand
from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Result, not_sent_result
from csmsd.operations.runner import OperationRunner
from csmsd.operations.waiting import Lines, Turn, Waiting
from csmsd.ports.charge_points import Links
from csmsd.ports.store import NotStored
from csmsd.profiles import outgoing
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Deleted, Milliseconds
from csmsd.profiles.task import Outcome, QueuedCommand, TaskState

log = logging.getLogger(__name__)

NOT_ACCEPTED = ("Pending", "Rejected")


class End(Protocol):
    """Ends a command that is not sent. Raises NotStored; then it waits on."""

    def __call__(self, waiting: Waiting, state: TaskState, outcome: Outcome, error: str | None) -> Awaitable[None]: ...


class Delivery:
    """One command after the other for each charge point, in the order they were given.

    `delivered` is told of each that was sent, `stir` when one of them is to be given up.
    """

    def __init__(
        self,
        live: LiveSite,
        links: Links,
        runner: OperationRunner,
        policies: Policies,
        lines: Lines,
        end: End,
        delivered: Callable[[Waiting, list[Result]], None],
        stir: Callable[[], None],
    ) -> None:
        self._live = live
        self._links = links
        self._runner = runner
        self._policies = policies
        self._lines = lines
        self._end = end
        self._delivered = delivered
        self._stir = stir
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._restarts: dict[str, tuple[Milliseconds, Milliseconds]] = {}  # since when, and until when at most

    def begin(self) -> None:
        """Wherever something waits that may be sent now, and nobody is at it."""
        for key in self._lines.keys:
            if key not in self._under_way and self._may_be_sent(key):
                delivery = asyncio.get_running_loop().create_task(self._deliver_to(key), name=f"queue of {key}")
                self._under_way[key] = delivery
                delivery.add_done_callback(partial(self._over, key))

    def _over(self, key: str, delivery: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not delivery.cancelled() and (error := delivery.exception()) is not None:
            log.error("the queue of %s could not be worked off: %r", key, error)

    def _may_be_sent(self, key: str) -> ChargePointState | None:
        state = self._live.site.charge_points.get(key)
        if state is None or not self._links.is_ready(state.id):
            return None
        return None if state.record.boot_status in NOT_ACCEPTED or self._is_away(key, state) else state

    def _is_away(self, key: str, state: ChargePointState) -> bool:
        """Whether it was made to restart, and is not back yet."""
        if key not in self._restarts:
            return False
        since, until = self._restarts[key]
        if (state.connected_at or 0) > since or self._live.now() > until:
            del self._restarts[key]
            return False
        return True

    async def _deliver_to(self, key: str) -> None:
        """Sends what may be sent now. What waits for a transaction to end is overtaken; nothing else is."""
        passed_over: set[int] = set()
        while (state := self._may_be_sent(key)) is not None:
            waiting = next((known for known in self._lines.of(key) if known.task.id not in passed_over), None)
            if waiting is None or waiting.under_way or waiting.removed:
                return
            in_time = waiting.command.expires_at > self._live.to_expire_by()
            if in_time and self._is_idle(waiting.command, state) and await self._carry_out(waiting, state):
                continue
            if waiting.command.expires_at <= self._live.to_expire_by():
                self._stir()  # it is given up, and whoever gave it is told so
                return
            waiting.tell(None)
            if waiting.command.idle_connector is None:
                return
            passed_over.add(waiting.task.id)

    def _is_idle(self, command: QueuedCommand, state: ChargePointState) -> bool:
        """Whether no transaction speaks against it: none known, nor one that was begun offline and not told of yet."""
        if command.idle_connector is None:
            return True
        here_for = self._live.now() - (state.connected_at or 0)
        if here_for < self._policies.hold_after_reconnect * 1000:
            return False
        return state.transactions.active_within(command.idle_connector) is None

    async def _carry_out(self, waiting: Waiting, state: ChargePointState) -> bool:
        """Sends a command; False when it could not be sent now and waits on."""
        command, task = waiting.command, waiting.task
        turn = Turn(task, command, several=isinstance(json.loads(task.request), list))
        options = Options(
            timeout=command.timeout,
            force=command.force,
            unless_transaction=command.idle_connector is not None,
            uid=task.uid,
            user=task.user,
            socket=task.socket,
        )

        def report(result: Result) -> None:
            if turn.begun:
                waiting.report(result)

        waiting.under_way = True
        begun_at = self._live.now()
        try:
            start = Command(command.command, json.loads(command.parameters), command.force).start()
            results = await self._runner.run_for(state, start, options, report, turn)
        except NotACommand as error:  # kept by another version
            results = [not_sent_result(state.id, Obstacle.SENSELESS, str(error), action=task.action)]
        except Exception as error:
            log.exception("task %d could not be carried out", task.id)
            results = [not_sent_result(state.id, Obstacle.FAULT, f"internal error: {error}", action=task.action)]
        if not turn.begun:
            waiting.under_way = False
            return await self._refuse(waiting, results)
        if turn.several:
            await self._forget(command)
        self._lines.remove(waiting)
        waiting.tell(results)
        self._note_restart(state, results, begun_at)
        self._delivered(waiting, results)
        return True

    def _note_restart(self, state: ChargePointState, results: list[Result], begun_at: Milliseconds) -> None:
        rules = outgoing()
        for result in results:
            known = rules.get(result.action or "")
            if known is not None and known.restart_seconds and result.outcome == "accepted":
                self._restarts[fold(state.id)] = begun_at, begun_at + known.restart_seconds * 1000

    async def _forget(self, command: QueuedCommand) -> None:
        try:
            self._live.require()
            await self._live.keep([Deleted(command)])
        except NotStored as error:  # after a restart it will be told that its end is not known
            log.error("the end of task %d could not be stored: %s", command.task, error)

    async def _refuse(self, waiting: Waiting, results: list[Result]) -> bool:
        """Ends a command that the checks here speak against; False when it is only not the time for it."""
        refused = next((result for result in results if result.obstacle is not None and result.obstacle.lasting), None)
        if results and refused is None:
            return False
        reason = refused.error if refused is not None else "nothing was to be sent"
        try:
            await self._end(waiting, "settled", "not_sent", reason)
        except NotStored:
            return False
        return True
