"""Letting go of old records: what would go, and, a second's work at a time, its going."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, RpcError, Table, usage
from csmsd.control.service import Service
from csmsd.control.views import time_text
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ports.pruning import PruneKind
from csmsd.upkeep.pruning import KINDS, Pruner

_SECONDS = 1.0

Days = Annotated[int, Meta(ge=1, le=36_500)]


class Pruning(Service):
    """With what prunes."""

    pruner: Pruner


class Planned(msgspec.Struct, forbid_unknown_fields=True):
    kinds: list[PruneKind] | None = None
    days: Days | None = None


class Run(msgspec.Struct, forbid_unknown_fields=True):
    kind: PruneKind
    before: str


class Finished(msgspec.Struct, forbid_unknown_fields=True):
    removed: Annotated[int, Meta(ge=0, le=2**62)]


async def plan_pruning(service: Pruning, parameters: Planned, caller: Caller) -> Json:
    """Of the kinds that are named, or that the settings have a time for."""
    kinds = parameters.kinds or [kind for kind in KINDS if service.pruner.days(kind)]
    plans = []
    for kind in dict.fromkeys(kinds):
        days = parameters.days or service.pruner.days(kind)
        if not days:
            raise usage(
                f"How long {kind.replace('_', ' ')} are kept is not set.",
                f"Say it with --older-than DAYS, or set retention.{kind}_days in csmsd.toml.",
            )
        plans.append(await service.pruner.plan(kind, days))
    return {
        "schema_version": SCHEMA_VERSION,
        "prune": [
            {
                "kind": plan.kind,
                "before": time_text(plan.before),
                "rows": plan.rows,
                "kept_unexported": plan.kept_unexported,
            }
            for plan in plans
        ],
    }


async def run_pruning(service: Pruning, parameters: Run, caller: Caller) -> Json:
    before = parse_timestamp(parameters.before)
    _check_clock_for_pruning(service)  # by a clock that was put back all of it is in the future
    if before is None or before > service.now():
        raise usage(f"{parameters.before!r} is no time in the past.")
    _check_pruning_is_idle(service)
    removed, more = await service.pruner.prune(parameters.kind, before, _SECONDS)
    return {"removed": removed, "more": more}


async def finish_pruning(service: Pruning, parameters: Finished, caller: Caller) -> Json:
    """Gives the room back to the disk, as long as there is `more`; then it is taken down."""
    _check_pruning_is_idle(service)
    more = await service.pruner.shrink(_SECONDS)
    if not more:
        await service.pruner.note(parameters.removed, caller.user)
    return {"more": more, "database_bytes": await service.reader.database_bytes()}


def _check_pruning_is_idle(service: Pruning) -> None:
    if service.pruner.busy:
        raise RpcError(1, "csmsd is pruning just now.", "Try again later.")


def _check_clock_for_pruning(service: Pruning) -> None:
    if patience := service.pruner.patience():
        until = time_text(service.now() + patience)
        text = f"The clock jumped: nothing is pruned before {until}, as nobody knows yet what is old."
        raise RpcError(1, text, "See: csmsctl status --problems")


METHODS: Table[Pruning] = {
    "prune.plan": Method(Planned, plan_pruning, READ),
    "prune.run": Method(Run, run_pruning, ALL),
    "prune.finish": Method(Finished, finish_pruning, ALL, goes_on=True),
}
