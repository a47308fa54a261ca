"""Tasks: the history of all commands that were ever given to charge points, and what came of them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.results import result_view
from csmsd.control.rights import ALL, READ, RECEPTION
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Count,
    Json,
    Method,
    RowId,
    Table,
    denied,
    forbidden,
    given_time,
    not_there,
)
from csmsd.control.service import Service
from csmsd.control.targets import places
from csmsd.control.turns import MOST_TEXT, in_turns, rest_of
from csmsd.control.views import task_view
from csmsd.operations.result import result_of_task
from csmsd.ports.listings import TaskFilter
from csmsd.profiles import operations, outgoing
from csmsd.profiles.task import ENDED


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


async def list_tasks(service: Service, parameters: Tasks, caller: Caller) -> Json:
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
            most_text=MOST_TEXT,
        )
    )
    return {"schema_version": SCHEMA_VERSION, "tasks": await in_turns(found, task_view)} | rest_of(found)


async def show_task(service: Service, parameters: Number, caller: Caller) -> Json:
    task = await service.reader.task(parameters.id)
    if task is None:
        raise not_there(f"No task {parameters.id}.", "See: csmsctl task list")
    return {"schema_version": SCHEMA_VERSION} | task_view(task)


async def cancel_task(service: Service, parameters: Number, caller: Caller) -> Json:
    task = await service.reader.task(parameters.id)
    if task is None:
        raise not_there(f"No task {parameters.id}.", "See: csmsctl task list")
    if not caller.access.allows(ALL) and task.action not in _reception_actions():
        raise denied(caller, ALL, f"{caller.method} of {task.action}", parameters)
    if await service.queue.cancel(parameters.id, caller.user):
        return {"changed": True}
    if task.state in ENDED:
        return {"changed": False}
    raise forbidden(f"Task {task.id} has been sent already: what a charge point was told cannot be taken back.")


def _reception_actions() -> set[str]:
    """What a reception may have sent."""
    slices = {operation.__module__ for operation in operations().values() if operation.reception}
    return {action for action, rules in outgoing().items() if rules.request.__module__ in slices}


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
    "task.list": Method(Tasks, list_tasks, READ),
    "task.show": Method(Number, show_task, READ),
    "task.cancel": Method(Number, cancel_task, RECEPTION),
    "task.results": Method(Numbers, task_results, READ),
}
