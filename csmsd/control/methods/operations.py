"""Commands to charge points, and the history of all that were ever given."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csmsd.control.methods.transactions import given_time
from csmsd.control.operations import Options, RawRequest, Report, Request, Steps
from csmsd.control.service import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Service, not_there, usage
from csmsd.control.targets import resolve
from csmsd.control.views import task_view
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.reading import read_value
from csmsd.profiles import operations, outgoing
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.slice import CannotSend, NotThere, Target


class Common(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every command over several charge points takes; `timeout` in seconds per CALL."""

    targets: list[str] = []
    force: bool = False
    dry_run: bool = False
    parallel: Annotated[int, Meta(ge=1, le=1000)] = 8
    fail_fast: bool = False
    timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None


class Run(Common, kw_only=True, forbid_unknown_fields=True):
    command: str
    parameters: dict[str, Any] = {}


class Call(Common, kw_only=True, forbid_unknown_fields=True):
    action: str
    payload: dict[str, Any] = {}


class Number(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId


class Tasks(msgspec.Struct, forbid_unknown_fields=True):
    charge_point: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: str | None = None
    limit: Count = 100


async def run(service: Service, parameters: Run, caller: Caller) -> Json:
    declared = operations().get(parameters.command)
    if declared is None:
        raise usage(f"No command {parameters.command}.", "See: csmsctl --help")
    try:
        operation = msgspec.convert(parameters.parameters, declared)
    except msgspec.ValidationError as error:
        raise usage(f"{parameters.command}: {error}") from None
    targets = parameters.targets
    if not targets and declared.target_optional:
        try:
            targets = [operation.implied_target(service.site())]
        except NotThere as error:
            raise not_there(str(error)) from None
        except CannotSend as error:
            raise usage(str(error)) from None
    return await carry_out(service, parameters, resolve(service.site(), targets), operation.steps, caller)


async def call(service: Service, parameters: Call, caller: Caller) -> Json:
    slice_ = outgoing().get(parameters.action)
    payload = json.dumps(parameters.payload, separators=(",", ":"), ensure_ascii=False).encode()
    request: Request = RawRequest(parameters.action, payload)
    if not parameters.force:
        if slice_ is None:
            known = ", ".join(sorted(outgoing()))
            raise usage(f"No action {parameters.action} known here.", f"Known: {known}. Or send it with --force.")
        try:
            request, _ = read_value(slice_.request, parameters.payload, strict=True)
        except OcppError as error:
            raise usage(f"{parameters.action}: {error.description}.", "Correct it, or send it with --force.") from None

    def once(target: Target) -> Steps:
        yield request

    return await carry_out(service, parameters, resolve(service.site(), parameters.targets), once, caller)


def options_for(service: Service, common: Common, caller: Caller) -> Options:
    return Options(
        timeout=common.timeout or service.info()["call_timeout"],
        force=common.force,
        dry_run=common.dry_run,
        parallel=common.parallel,
        fail_fast=common.fail_fast,
        uid=caller.uid,
        user=caller.user,
    )


async def carry_out(
    service: Service,
    common: Common,
    states: list[ChargePointState],
    start: Callable[[Target], Steps],
    caller: Caller,
) -> Json:
    """Runs the steps for each charge point."""
    options, report = options_for(service, common, caller), reporting(caller, len(states))
    results = await service.runner.run(states, start, options, report)
    return {"schema_version": SCHEMA_VERSION, "results": results}


def reporting(caller: Caller, total: int) -> Report:
    """Tells the caller of each result as soon as it is there, and of how many charge points there is one."""
    seen: set[str] = set()

    def report(result: Json) -> None:
        seen.add(result["charge_point"])
        progress = {"request": caller.request_id, "done": len(seen), "total": total, "result": result}
        caller.notify("operation.result", progress)

    return report


async def tasks(service: Service, parameters: Tasks, caller: Caller) -> Json:
    found = await service.reader.tasks(
        charge_point=parameters.charge_point,
        action=parameters.action,
        outcome=parameters.outcome,
        since=given_time(parameters.since),
        limit=parameters.limit,
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
    if service.runner.cancel(parameters.id):
        return {"changed": True}
    if task.state == "settled":
        return {"changed": False}
    raise usage(f"Task {task.id} has been sent already: what a charge point was told cannot be taken back.")


METHODS = {
    "operation.run": Method(Run, run),
    "operation.call": Method(Call, call),
    "task.list": Method(Tasks, tasks),
    "task.show": Method(Number, show_task),
    "task.cancel": Method(Number, cancel_task),
}
