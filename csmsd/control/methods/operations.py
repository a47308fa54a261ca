"""Commands to charge points: given, carried out, and stopped."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csmsd.control.results import result_view
from csmsd.control.rights import ALL, READ, RECEPTION, Right
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Json,
    Method,
    RpcError,
    Table,
    not_there,
    usage,
)
from csmsd.control.service import Service
from csmsd.control.targets import resolve_targets
from csmsd.operations.call import Start
from csmsd.operations.command import CALL, Command, Misfit, NotACommand, read_operation_command
from csmsd.operations.options import Options
from csmsd.operations.result import Report, Result
from csmsd.profiles import operations, outgoing
from csmsd.profiles.action import Effect, Operation
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.refusal import CannotSend, NotThere

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


async def run_operation(service: Service, parameters: Run, caller: Caller) -> Json:
    command = Command(parameters.command, parameters.parameters, parameters.force)
    try:
        operation = read_operation_command(command.name, command.parameters)
    except NotACommand as error:
        raise _not_an_operation(error) from None
    effect = None if parameters.wait is None else _effect_of_operation(operation, parameters.wait)
    targets = parameters.targets
    if not targets and operation.target_optional:
        try:
            targets = [operation.implied_target(service.site)]
        except NotThere as error:
            raise not_there(str(error)) from None
        except CannotSend as error:
            raise usage(str(error)) from None
    answer = await _give_operation(service, parameters, targets, command, caller)
    if effect is None:
        return answer
    return answer | {"awaited": effect.state, "patience_s": effect.patience}


def _effect_of_operation(operation: Operation, state: str) -> Effect:
    try:
        return operation.effect(state.casefold() or None)
    except CannotSend as error:
        raise usage(str(error)) from None


def _not_an_operation(error: NotACommand) -> RpcError:
    next_steps = {
        Misfit.NAME: "See: csmsctl --help",
        Misfit.ACTION: f"Known: {', '.join(sorted(outgoing()))}. Or send it with --force.",
        Misfit.PAYLOAD: "Correct it, or send it with --force.",
    }
    return usage(str(error), next_steps.get(error.misfit))


async def call_operation(service: Service, parameters: Call, caller: Caller) -> Json:
    given = {"action": parameters.action, "payload": parameters.payload}
    return await _give_operation(
        service, parameters, parameters.targets, Command(CALL, given, parameters.force), caller
    )


async def _give_operation(
    service: Service, parameters: Queueable, targets: list[str], command: Command, caller: Caller
) -> Json:
    try:
        start = command.start()
    except NotACommand as error:
        raise _not_an_operation(error) from None
    states = resolve_targets(service.site, targets)
    options = operation_options(service, parameters, caller)
    options.unless_transaction = parameters.unless_transaction
    report = operation_reporting(caller, len(states))
    if parameters.queue_s is None or parameters.dry_run:
        results = await service.runner.run(states, start, options, report)
    else:
        results = await service.queue.run(states, command, options, round(parameters.queue_s * 1000), report)
    return operation_results_view(results)


def operation_results_view(results: list[Result]) -> Json:
    return {"schema_version": SCHEMA_VERSION, "results": [result_view(result) for result in results]}


def operation_options(service: Service, common: Common, caller: Caller) -> Options:
    return Options(
        timeout=common.timeout or service.settings.ocpp.call_timeout,
        force=common.force,
        dry_run=common.dry_run,
        parallel=common.parallel,
        fail_fast=common.fail_fast,
        stopped=caller.stopped,
        uid=caller.uid,
        user=caller.user,
        socket=caller.socket,
    )


async def carry_out_operation(
    service: Service,
    common: Common,
    states: list[ChargePointState],
    start: Start,
    caller: Caller,
) -> Json:
    """Runs the steps for each charge point."""
    options, report = operation_options(service, common, caller), operation_reporting(caller, len(states))
    return operation_results_view(await service.runner.run(states, start, options, report))


def operation_reporting(caller: Caller, total: int) -> Report:
    """Tells the caller of each result as soon as it is there, and of how many charge points there is one."""
    seen: set[str] = set()

    def report(result: Result) -> None:
        seen.add(result.charge_point)
        progress = {"request": caller.request_id, "done": len(seen), "total": total, "result": result_view(result)}
        caller.notify("operation.result", progress)

    return report


async def stop_operation(service: Service, parameters: Stop, caller: Caller) -> Json:
    """What was sent is not taken back; what was not begun is `not_sent`."""
    caller.stop(parameters.request)
    return {}


def right_to_give(command: str) -> Right:
    """What a command of OCPP needs, as its slice says."""
    operation = operations().get(command)
    return RECEPTION if operation is not None and operation.reception else ALL


def _needed_to_run(parameters: Run) -> tuple[Right, str]:
    command = parameters.command if parameters.command in operations() else "a command that is not known here"
    return right_to_give(parameters.command), command


METHODS: Table[Service] = {
    "operation.run": Method(Run, run_operation, _needed_to_run),
    "operation.call": Method(Call, call_operation, ALL),
    "operation.stop": Method(Stop, stop_operation, READ),
}
