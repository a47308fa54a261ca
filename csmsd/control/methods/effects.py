"""What came of commands after they were answered, as far as it can be seen."""

import json
from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.firmware_views import diagnostics_upload_view, firmware_update_view
from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, RowId, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import read_payload_value
from csmsd.profiles import operations, outgoing
from csmsd.profiles.action import Effect, Observation, Sent, Target
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.record import Record
from csmsd.profiles.task import Task


class Observe(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    state: str
    tasks: Annotated[list[RowId], Meta(max_length=10_000)]


async def observe_effects(service: Service, parameters: Observe, caller: Caller) -> Json:
    """Whether the effect of each task is there by now; `events` says when it is worth to look again."""
    declared = operations().get(parameters.command)
    effect = next((known for known in declared.effects if known.state == parameters.state), None) if declared else None
    if effect is None:
        raise usage(f"{parameters.command} has no effect {parameters.state} that could be observed.")
    found = {task.id: task for task in await service.reader.tasks_and_parts(parameters.tasks)}
    for number in parameters.tasks:
        if number not in found:
            raise not_there(f"No task {number}.", "See: csmsctl task list")
    observed = [
        _observed_effect(found[number], effect, _see_effect(service, found[number], effect))
        for number in parameters.tasks
    ]
    return {"schema_version": SCHEMA_VERSION, "observed": observed}


def _see_effect(service: Service, task: Task, effect: Effect) -> Observation:
    site = service.site
    state = site.charge_point(task.charge_point)
    if state is None:
        return Observation("removed", failed="the charge point was removed")
    try:
        request, _ = read_payload_value(outgoing()[task.action].request, json.loads(task.request))
    except (KeyError, OcppError):
        return Observation("unknown", failed=f"task {task.id} is something else")
    at = task.created_at if task.sent_at is None else task.sent_at
    return effect.look(Sent(request, at, task.status, Target(site, state, service.now(), task.id)))


def _observed_effect(task: Task, effect: Effect, sight: Observation) -> Json:
    """The sight, over the record of what is followed for longer."""
    return _effect_record(sight.record) | {
        "task": task.id,
        "charge_point": task.charge_point,
        "awaited": effect.state,
        "reached": sight.reached,
        "failed": sight.failed,
        "silent": sight.silent,
        "open_ended": sight.open_ended,
        "state": sight.state,
        **sight.facts,
    }


def _effect_record(record: Record | None) -> Json:
    if isinstance(record, FirmwareUpdate):
        return firmware_update_view(record)
    return diagnostics_upload_view(record) if isinstance(record, DiagnosticsUpload) else {}


METHODS: Table[Service] = {"operation.observe": Method(Observe, observe_effects, READ)}
