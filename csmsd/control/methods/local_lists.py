"""Local Authorization Lists: what charge points have, what they should have, and making the one the other."""

from shlex import quote

import msgspec

from csmsd.control.methods.operations import Common, operation_options, operation_reporting, operation_results_view
from csmsd.control.results import error_code, result_view
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table
from csmsd.control.service import Service
from csmsd.control.targets import one, resolve_targets
from csmsd.control.turns import in_turns
from csmsd.control.views import time_text
from csmsd.ocpp.identity import fold, natural_order
from csmsd.ocpp.types import IdTagInfo
from csmsd.operations.result import Result
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.local_auth_list.entries import AuthorizationData, Entries, changed_entries
from csmsd.profiles.local_auth_list.local_lists import local_list_limit, wanted_local_list
from csmsd.profiles.local_auth_list.send_local_list import ENABLED, local_list_disabled
from csmsd.profiles.local_auth_list.synchronization import synchronize


class Targets(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


class Identity(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class Sync(Common, kw_only=True, forbid_unknown_fields=True):
    pass


def local_list_view(service: Service, state: ChargePointState) -> Json:
    """What is known of a list, and how far it is from what it should be."""
    site = service.site
    known = site.local_lists.get(state.id)
    want = wanted_local_list(site.id_tags, state, service.now())
    have = known.content
    differing = _local_list_drift(have, want) if have is not None else None
    return {
        "charge_point": state.id,
        "connected": state.connected,
        "state": _local_list_state(known.supported, differing),
        "version": known.version,
        "entries": len(have) if have is not None else None,
        "wanted": len(want),
        "room": local_list_limit(state, "LocalAuthListMaxLength"),
        "missing": _count_local_list_drift(differing, "missing"),
        "outdated": _count_local_list_drift(differing, "outdated"),
        "superfluous": _count_local_list_drift(differing, "superfluous"),
        "under_way": known.pending_version is not None,
        "accepted_at": time_text(known.accepted_at),
        "verified_at": time_text(known.verified_at),
    }


def _local_list_state(supported: bool, differing: dict[str, str] | None) -> str:
    if not supported:
        return "unsupported"
    if differing is None:
        return "unknown"
    return "drifted" if differing else "in_sync"


def _local_list_drift(have: Entries, want: Entries) -> dict[str, str]:
    """idTag → how the list is wrong about it."""
    found = {}
    for entry in changed_entries(have, want):
        key = fold(entry.id_tag)
        found[key] = "superfluous" if key not in want else "outdated" if key in have else "missing"
    return found


def _count_local_list_drift(differing: dict[str, str] | None, kind: str) -> int | None:
    return None if differing is None else sum(found == kind for found in differing.values())


async def show_local_list_status(service: Service, parameters: Targets, caller: Caller) -> Json:
    site = service.site
    if parameters.targets is not None:
        chosen = resolve_targets(site, parameters.targets)
    else:
        chosen = sorted(site.charge_points.values(), key=lambda state: natural_order(state.id))
    return {
        "schema_version": SCHEMA_VERSION,
        "local_lists": await in_turns(chosen, lambda state: local_list_view(service, state)),
    }


async def show_local_list(service: Service, parameters: Identity, caller: Caller) -> Json:
    site = service.site
    state = one(site, parameters.id)
    want = wanted_local_list(site.id_tags, state, service.now())
    have = site.local_lists.get(state.id).content
    drift = _local_list_drift(have, want) if have is not None else dict.fromkeys(want, "missing")
    everything = want | (have or {})
    return (
        {"schema_version": SCHEMA_VERSION}
        | local_list_view(service, state)
        | {"content": [_local_list_entry_view(everything[key], drift.get(key)) for key in sorted(everything)]}
    )


def _local_list_entry_view(entry: AuthorizationData, drift: str | None) -> Json:
    info = entry.id_tag_info or IdTagInfo(status="Invalid")
    return {
        "id_tag": entry.id_tag,
        "status": info.status,
        "expires_at": info.expiry_date,
        "parent": info.parent_id_tag,
        "drift": drift,
    }


async def sync_local_lists(service: Service, parameters: Sync, caller: Caller) -> Json:
    """One result for each charge point, whatever it took; in a dry run the messages themselves."""
    states = resolve_targets(service.site, parameters.targets)
    options, report = operation_options(service, parameters, caller), operation_reporting(caller, len(states))

    def failed(state: ChargePointState, results: list[Result]) -> bool:
        """What was refused on the way to a list in sync is no failure."""
        return bool(local_list_summary(service, state, results)["outcome"] != "accepted")

    results = await service.runner.run(states, synchronize, options, report, failed)
    if parameters.dry_run:
        return operation_results_view(results)
    return {
        "schema_version": SCHEMA_VERSION,
        "results": [
            local_list_summary(service, state, [result for result in results if result.charge_point == state.id])
            for state in states
        ],
    }


def local_list_summary(service: Service, state: ChargePointState, results: list[Result]) -> Json:
    """The messages to one charge point as one result. Done is what the charge point itself says it has."""
    known = service.site.local_lists.get(state.id)
    view = local_list_view(service, service.site.charge_point(state.id) or state)
    sent = [result for result in results if result.action == "SendLocalList" and result.task is not None]
    types = {result.request["updateType"] for result in sent}
    last = results[-1]
    outcome, status, error = last.outcome, last.status, result_view(last)["error"]
    if not known.supported and outcome in ("accepted", "rejected"):
        outcome, status = "rejected", "NotSupported"
        enabled = f"csmsctl get-configuration {quote(state.id)} --key {ENABLED}"
        error = (
            local_list_disabled(state)
            or f"it does not support Local Authorization Lists, or they are switched off: {enabled}"
        )
    elif outcome == "accepted" and (view["state"] != "in_sync" or known.verified_at is None):
        outcome, error = "rejected", f"after the update it says that it has version {known.version}"
    elif outcome == "accepted":
        status = "Accepted"
    summed: Json = {
        "charge_point": state.id,
        "action": "SendLocalList",
        "outcome": outcome,
        "status": status,
        "error": error,
        "update": "full" if "Full" in types else "differential" if types else "none",
        "messages": len(sent),
        "entries_sent": sum(len(result.request.get("localAuthorizationList") or []) for result in sent),
        "version": known.version,
        "entries": view["entries"],
        "verified_at": view["verified_at"],
        "duration_ms": sum(result.duration_ms or 0 for result in results),
        "tasks": [result.task for result in results if result.task is not None],
    }
    code = error_code(last)
    if code is not None:
        summed["error_code"] = code
    return summed


METHODS: Table[Service] = {
    "local_list.status": Method(Targets, show_local_list_status, READ),
    "local_list.show": Method(Identity, show_local_list, READ),
    "local_list.sync": Method(Sync, sync_local_lists, ALL),
}
