"""Commands to charge points, and the history of all that were ever given."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csmsd.control.results import result_view
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Count,
    Json,
    Method,
    RowId,
    RpcError,
    Table,
    forbidden,
    given_time,
    not_there,
    usage,
)
from csmsd.control.service import Service
from csmsd.control.targets import places, resolve
from csmsd.control.views import task_view
from csmsd.operations.call import Start
from csmsd.operations.command import CALL, Command, Misfit, NotACommand, read_operation
from csmsd.operations.options import Options
from csmsd.operations.result import Report, Result, result_of_task
from csmsd.ports import TaskFilter
from csmsd.profiles import outgoing
from csmsd.profiles.action import Effect, Operation
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.task import ENDED

LONGEST_QUEUE_SECONDS = 366 * 86_400


class Common(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every command over several charge points takes; `timeout` in seconds per CALL."""

    targets: list[str] = []
    force: bool = False
    dry_run: bool = False
    parallel: Annotated[int, Meta(ge=1, le=1000)] = 8
    fail_fast: bool = False
    timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None


class Queueable(Common, kw_only=True, forbid_unknown_fields=True):
    """`queue_s`: for so many seconds it waits for charge points that it cannot be sent to now."""

    queue_s: Annotated[float, Meta(ge=1, le=LONGEST_QUEUE_SECONDS)] | None = None
    unless_transaction: bool = False


class Run(Queueable, kw_only=True, forbid_unknown_fields=True):
    """`wait` is the effect that will be waited for with `operation.observe`; the empty text is the usual one."""

    command: str
    parameters: dict[str, Any] = {}
    wait: str | None = None


class Call(Queueable, kw_only=True, forbid_unknown_fields=True):
    action: str
    payload: dict[str, Any] = {}


class Stop(msgspec.Struct, forbid_unknown_fields=True):
    request: int | str


class Number(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId


class Numbers(msgspec.Struct, forbid_unknown_fields=True):
    ids: Annotated[list[RowId], Meta(min_length=1, max_length=10_000)]


class Tasks(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    charge_point: str | None = None
    action: str | None = None
    outcome: str | None = None
    state: str | None = None
    since: str | None = None
    until: str | None = None
    limit: Count = 100
    before_id: RowId | None = None


async def run(service: Service, parameters: Run, caller: Caller) -> Json:
    command = Command(parameters.command, parameters.parameters, parameters.force)
    try:
        operation = read_operation(command.name, command.parameters)
    except NotACommand as error:
        raise _not_a_command(error) from None
    effect = None if parameters.wait is None else _effect(operation, parameters.wait)
    targets = parameters.targets
    if not targets and operation.target_optional:
        try:
            targets = [operation.implied_target(service.site)]
        except NotThere as error:
            raise not_there(str(error)) from None
        except CannotSend as error:
            raise usage(str(error)) from None
    answer = await _give(service, parameters, targets, command, caller)
    if effect is None:
        return answer
    return answer | {"awaited": effect.state, "patience_s": effect.patience}


def _effect(operation: Operation, state: str) -> Effect:
    try:
        return operation.effect(state.casefold() or None)
    except CannotSend as error:
        raise usage(str(error)) from None


def _not_a_command(error: NotACommand) -> RpcError:
    next_steps = {
        Misfit.NAME: "See: csmsctl --help",
        Misfit.ACTION: f"Known: {', '.join(sorted(outgoing()))}. Or send it with --force.",
        Misfit.PAYLOAD: "Correct it, or send it with --force.",
    }
    return usage(str(error), next_steps.get(error.misfit))


async def call(service: Service, parameters: Call, caller: Caller) -> Json:
    given = {"action": parameters.action, "payload": parameters.payload}
    return await _give(service, parameters, parameters.targets, Command(CALL, given, parameters.force), caller)


async def _give(service: Service, parameters: Queueable, targets: list[str], command: Command, caller: Caller) -> Json:
    try:
        start = command.start()
    except NotACommand as error:
        raise _not_a_command(error) from None
    states = resolve(service.site, targets)
    options = options_for(service, parameters, caller)
    options.unless_transaction = parameters.unless_transaction
    report = reporting(caller, len(states))
    if parameters.queue_s is None or parameters.dry_run:
        results = await service.runner.run(states, start, options, report)
    else:
        results = await service.queue.run(states, command, options, round(parameters.queue_s * 1000), report)
    return results_view(results)


def results_view(results: list[Result]) -> Json:
    return {"schema_version": SCHEMA_VERSION, "results": [result_view(result) for result in results]}


def options_for(service: Service, common: Common, caller: Caller) -> Options:
    return Options(
        timeout=common.timeout or service.settings.ocpp.call_timeout,
        force=common.force,
        dry_run=common.dry_run,
        parallel=common.parallel,
        fail_fast=common.fail_fast,
        stopped=caller.stopped,
        uid=caller.uid,
        user=caller.user,
    )


async def carry_out(
    service: Service,
    common: Common,
    states: list[ChargePointState],
    start: Start,
    caller: Caller,
) -> Json:
    """Runs the steps for each charge point."""
    options, report = options_for(service, common, caller), reporting(caller, len(states))
    return results_view(await service.runner.run(states, start, options, report))


def reporting(caller: Caller, total: int) -> Report:
    """Tells the caller of each result as soon as it is there, and of how many charge points there is one."""
    seen: set[str] = set()

    def report(result: Result) -> None:
        seen.add(result.charge_point)
        progress = {"request": caller.request_id, "done": len(seen), "total": total, "result": result_view(result)}
        caller.notify("operation.result", progress)

    return report


async def stop(service: Service, parameters: Stop, caller: Caller) -> Json:
    """What was sent is not taken back; what was not begun is `not_sent`."""
    caller.stop(parameters.request)
    return {}


async def tasks(service: Service, parameters: Tasks, caller: Caller) -> Json:
    found = await service.reader.tasks(
        TaskFilter(
            charge_point=parameters.charge_point,
            action=parameters.action,
            outcome=parameters.outcome,
            state=parameters.state,
            since=given_time(parameters.since),
            until=given_time(parameters.until),
            places=places(service.site, parameters.targets),
            before_id=parameters.before_id,
            limit=parameters.limit,
        )
    )
    return {"schema_version": SCHEMA_VERSION, "tasks": [task_view(task) for task in found]}


async def show_task(service: Service, parameters: Number, caller: Caller) -> Json:
    task = await service.reader.task(parameters.id)
    if task is None:
        raise not_there(f"No task {parameters.id}.", "See: csmsctl task list")
    return {"schema_version": SCHEMA_VERSION} | task_view(task)


async def cancel_task(service: Service, parameters: Number, caller: Caller) -> Json:
    task = await service.reader.task(parameters.id)
    if task is None:
        raise not_there(f"No task {parameters.id}.", "See: csmsctl task list")
    if await service.queue.cancel(parameters.id, caller.user):
        return {"changed": True}
    if task.state in ENDED:
        return {"changed": False}
    raise forbidden(f"Task {task.id} has been sent already: what a charge point was told cannot be taken back.")


async def task_results(service: Service, parameters: Numbers, caller: Caller) -> Json:
    """What came of tasks so far, as results; a queued command with all that it was sent as."""
    # Looked at first: what is over now is on disk when the disk is read.
    waiting = {number for number in parameters.ids if service.queue.waits(number)}
    found = await service.reader.tasks_and_parts(parameters.ids)
    numbers = {task.id for task in found}
    for number in parameters.ids:
        if number not in numbers:
            raise not_there(f"No task {number}.", "See: csmsctl task list")
    waiting |= {task.id for task in found if task.state not in ENDED}
    return {
        "schema_version": SCHEMA_VERSION,
        "waiting": sorted(waiting),
        "results": [result_view(result_of_task(task)) for task in found],
    }


METHODS: Table[Service] = {
    "operation.run": Method(Run, run),
    "operation.call": Method(Call, call),
    "operation.stop": Method(Stop, stop),
    "task.list": Method(Tasks, tasks),
    "task.show": Method(Number, show_task),
    "task.cancel": Method(Number, cancel_task),
    "task.results": Method(Numbers, task_results),
}
