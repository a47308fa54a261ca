"""`tag block --enforce`: a card is blocked here, and wherever a charge point would still trust it by itself."""

from csmsd.control.methods.operations import operation_reporting
from csmsd.control.results import result_view
from csmsd.control.rpc import Caller, Json
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold
from csmsd.operations.call import Start, Steps
from csmsd.operations.options import Options
from csmsd.operations.result import Result
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.clear_cache import ClearCacheReq
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.remote_stop_transaction import RemoteStopTransactionReq
from csmsd.profiles.local_auth_list.local_lists import EMPTY
from csmsd.profiles.local_auth_list.synchronization import synchronize_block


async def enforce_block(
    service: Service, tag: IdTag, caller: Caller, *, stop_transactions: bool, parallel: int, timeout: float | None
) -> Json:
    """Lists first, then caches, then, if wanted, what runs. What cannot be reached is named."""
    options = Options(
        timeout=timeout or service.settings.ocpp.call_timeout,
        parallel=parallel,
        uid=caller.uid,
        user=caller.user,
        socket=caller.socket,
    )
    everyone = list(service.site.charge_points.values())
    connected = [state for state in everyone if state.connected]
    report = operation_reporting(caller, len(connected))

    async def run(states: list[ChargePointState], start: Start) -> list[Result]:
        return await service.runner.run(states, start, options, report)

    results = await run(connected, lambda target: synchronize_block(tag, target))
    clearing = await run(connected, _enforce_in_cache)
    cleared = {result.charge_point for result in clearing if _is_enforced(result)}
    results += clearing
    if stop_transactions:
        charging = [state for state in connected if _running_to_enforce_on(tag, state)]
        results += await run(charging, lambda target: _enforce_stop(tag, target))
    listless = {result.charge_point for result in results if _has_no_list_to_enforce(result)}
    stops = [result for result in results if result.action == "RemoteStopTransaction"]
    stopped = {stop.charge_point for stop in stops} - {stop.charge_point for stop in stops if not _is_enforced(stop)}
    trusting: list[Json] = []
    for state in everyone:
        because = _trust_after_enforcement(
            service, tag, state, cached=state.id not in cleared, listed=state.id not in listless
        )
        if stop_transactions and _running_to_enforce_on(tag, state) and state.id not in stopped:
            because.append("transaction")
        if because:
            trusting.append({"charge_point": state.id, "connected": state.connected, "because": because})
    return {"results": [result_view(result) for result in results], "trusting": trusting}


def _has_no_list_to_enforce(result: Result) -> bool:
    """One that does not know GetLocalListVersion keeps no list."""
    return result.action == "GetLocalListVersion" and result.outcome == "call_error"


def _is_enforced(result: Result) -> bool:
    return result.outcome == "accepted"


def _enforce_in_cache(target: Target) -> Steps:
    yield ClearCacheReq()


def _running_to_enforce_on(tag: IdTag, state: ChargePointState) -> list[int]:
    return [transaction.id for transaction in state.transactions.active() if fold(transaction.id_tag) == fold(tag.id)]


def _enforce_stop(tag: IdTag, target: Target) -> Steps:
    for number in _running_to_enforce_on(tag, target.charge_point):
        yield RemoteStopTransactionReq(transaction_id=number)


def _trust_after_enforcement(
    service: Service, tag: IdTag, state: ChargePointState, *, cached: bool, listed: bool
) -> list[str]:
    """Why a charge point may still accept the card without asking. What is not known here is no comfort."""
    because: list[str] = []
    profiles = state.configured_words("SupportedFeatureProfiles")
    if listed and (profiles is None or "localauthlistmanagement" in profiles):
        known = service.site.local_lists.get(state.id)
        if known.supported:
            entries = [entry for entry in (*known.entries, *known.pending) if fold(entry.id_tag) == fold(tag.id)]
            if any(entry.id_tag_info is not None and entry.id_tag_info.status == "Accepted" for entry in entries):
                because.append("local_list")
            elif not entries and not known.known and known.version != EMPTY:
                because.append("local_list_unknown")
    cache_enabled = (state.configured("AuthorizationCacheEnabled") or "true").strip().casefold() == "true"
    if cache_enabled and cached:
        because.append("cache")
    return because
