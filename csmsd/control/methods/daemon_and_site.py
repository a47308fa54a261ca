"""The daemon itself, and the site at a glance."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Protocol, get_args

import msgspec

from csmsd.control.problems.certificates import certificate_problems_of_site
from csmsd.control.problems.charge_points import problems_of_charge_point
from csmsd.control.problems.load import load_problems_of_site
from csmsd.control.problems.problem import Problem
from csmsd.control.problems.site import Replica, problems_of_site
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import PROTOCOL_VERSION, SCHEMA_VERSION, Caller, Json, Method, NoParameters, Table
from csmsd.control.service import Service
from csmsd.control.targets import resolve_targets
from csmsd.control.turns import in_turns
from csmsd.control.views import (
    charge_point_view,
    milestone_view,
    open_task_view,
    problem_view,
    store_state_view,
    time_text,
)
from csmsd.ocpp.conversation import REMEMBERED_ANSWERS
from csmsd.ocpp.frames import MAX_UNIQUE_ID
from csmsd.ocpp.identity import MAX_IDENTITY, fold, natural_order
from csmsd.operations.queue import MAX_QUEUED
from csmsd.ports.store import Disk
from csmsd.ports.tls import TlsEnd
from csmsd.profiles.core.charge_points import MAX_CONFIGURATION_KEYS, MAX_CONNECTORS, ChargePointState
from csmsd.profiles.core.id_tags import MAX_ID_TAG
from csmsd.profiles.core.transaction_book import MAX_ACTIVE
from csmsd.profiles.load_management.overview import LineLoad, MemberLoad, overview_of_load
from csmsd.profiles.milestone import MilestoneName
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.task import Task
from csmsd.runtime.time_zones import local_utc_offset

# Of interest to operators.
_MILESTONES = [name for name in get_args(MilestoneName) if name != "event_numbers"]


class About(Protocol):
    """What csmsd knows of itself; `storage`: how full the disk is, and how fast."""

    def info(self) -> Json: ...
    def storage(self) -> Json: ...


class Itself(Service):
    """With what csmsd knows of itself."""

    disk: Disk
    replica: Replica | None
    about: About
    take_over_settings: Callable[[], Awaitable[Json]]
    tls: TlsEnd


class Status(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


async def daemon_info(service: Itself, parameters: NoParameters, caller: Caller) -> Json:
    site, slow_ms = service.site, service.disk.slow_ms
    return service.about.info() | {
        "protocol": PROTOCOL_VERSION,
        "schema_version": SCHEMA_VERSION,
        "connected": sum(state.connected for state in site.charge_points.values()),
        "charge_points": len(site.charge_points),
        "store": {
            "state": store_state_view(service.disk),
            "error": service.disk.failure,
            "slow_since": None if slow_ms is None else time_text(service.now() - slow_ms),
            "database_bytes": await service.reader.database_bytes(),
            **service.about.storage(),
        },
        "books": {name: milestone_view(site.milestones.get(name)) for name in _MILESTONES},
        "peer": {"uid": caller.uid, "user": caller.user} | caller.access.view(),
    }


async def daemon_limits(service: Itself, parameters: NoParameters, caller: Caller) -> Json:
    """The limits that no setting moves."""
    return {
        "schema_version": SCHEMA_VERSION,
        "limits": {
            "identity_characters": MAX_IDENTITY,
            "id_tag_characters": MAX_ID_TAG,
            "unique_id_characters": MAX_UNIQUE_ID,
            "connectors_per_charge_point": MAX_CONNECTORS,
            "configuration_keys_per_charge_point": MAX_CONFIGURATION_KEYS,
            "active_transactions_per_charge_point": MAX_ACTIVE,
            "remembered_answers_per_connection": REMEMBERED_ANSWERS,
            "queued_commands_per_charge_point": MAX_QUEUED,
        },
    }


async def reload_daemon(service: Itself, parameters: NoParameters, caller: Caller) -> Json:
    return await service.take_over_settings()


async def site_status(service: Itself, parameters: Status, caller: Caller) -> Json:
    site, now = service.site, service.now()
    everyone = sorted(site.charge_points.values(), key=lambda state: natural_order(state.id))
    chosen = everyone if parameters.targets is None else resolve_targets(site, parameters.targets)
    about = service.about.info()
    open_tasks: defaultdict[str, list[Task]] = defaultdict(list)
    for task in service.runner.under_way.values():
        open_tasks[fold(task.charge_point)].append(task)

    lines, members = _load_now(service, now)
    limits = {(member.charge_point, member.connector): _site_limit_view(member) for member in members}

    def view(state: ChargePointState) -> Json:
        under_way = open_tasks[fold(state.id)]
        seen = charge_point_view(state)
        for connector in seen["connectors"]:
            own = limits.get((state.id, connector["connector"]))
            connector["site_limit"] = own or limits.get((state.id, 0))  # one for all of them
        return seen | {
            "open_tasks": [open_task_view(task) for task in _open_tasks_at(service, state.id, under_way)],
            "problems": [problem_view(problem) for problem in problems_of_charge_point(state, site, now)],
        }

    return {
        "schema_version": SCHEMA_VERSION,
        "daemon": {
            "version": about["version"],
            "uptime_s": about["uptime_s"],
            "policies": about["policies"],
            "connected": sum(state.connected for state in everyone),
            "charge_points": len(everyone),
            "active_transactions": sum(len(state.transactions.active()) for state in everyone),
            "unknown_charge_points": len(site.refused.unknown),
            "open_tasks": sum(len(tasks) for tasks in open_tasks.values()),
            "queued_commands": len(service.queue),
            "store": store_state_view(service.disk),
            "circuits": [msgspec.to_builtins(line) for line in lines],
            "problems": [problem_view(problem) for problem in _site_problems(service, lines, now)],
        },
        "charge_points": await in_turns(chosen, view),
    }


def _load_now(service: Service, now: Milliseconds) -> tuple[list[LineLoad], list[MemberLoad]]:
    """The circuits by phase, and what connectors have of them."""
    if not service.site.smart_charging.load.circuits:
        return [], []
    return overview_of_load(service.site, local_utc_offset(now), now)


def _site_limit_view(member: MemberLoad) -> Json:
    place = {"circuit": member.circuit, "connector": member.connector}
    return place | {"state": member.state, "limit_a": member.limit, "most_a": member.most}


def _site_problems(service: Itself, lines: list[LineLoad], now: Milliseconds) -> list[Problem]:
    found = problems_of_site(service.site, service.disk.failure, now, service.replica)
    return [
        *found,
        *load_problems_of_site(service.site, lines, now),
        *certificate_problems_of_site(service.site, service.tls.state, now),
    ]


def _open_tasks_at(service: Itself, identity: str, under_way: list[Task]) -> list[Task]:
    """What is under way at a charge point, and what is queued for it."""
    return [*under_way, *(task for _, task in service.queue.of(identity) if task.state == "queued")]


async def site_figures(service: Itself, parameters: NoParameters, caller: Caller) -> Json:
    """The site in a few numbers, cheap enough to be asked for every second."""
    site, now = service.site, service.now()
    everyone = list(site.charge_points.values())
    active = [(state, running) for state in everyone for running in state.transactions.active()]
    about = service.about.info()
    problems = await in_turns(everyone, lambda state: sum(1 for _ in problems_of_charge_point(state, site, now)))
    now = service.now()
    lines, _ = _load_now(service, now)
    return {
        "schema_version": SCHEMA_VERSION,
        "version": about["version"],
        "started_at": about["started_at"],
        "connected": sum(state.connected for state in everyone),
        "charge_points": len(everyone),
        "active_transactions": len(active),
        "power_w": sum(state.power_w(running.connector) or 0 for state, running in active if state.connected),
        "open_tasks": len(service.runner.under_way),
        "queued_commands": len(service.queue),
        "problems": len(_site_problems(service, lines, now)) + sum(problems),
        "store": store_state_view(service.disk),
    }


METHODS: Table[Itself] = {
    "daemon.figures": Method(NoParameters, site_figures, READ),
    "daemon.info": Method(NoParameters, daemon_info, READ),
    "daemon.limits": Method(NoParameters, daemon_limits, READ),
    "daemon.reload": Method(NoParameters, reload_daemon, ALL),
    "status": Method(Status, site_status, READ),
}
