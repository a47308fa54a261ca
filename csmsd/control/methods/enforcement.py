"""`tag block --enforce`: a card is blocked here, and wherever a charge point would still trust it by itself."""

from collections.abc import Callable

from csmsd.control.operations import Options, Steps
from csmsd.control.service import Caller, Json, Service
from csmsd.ocpp.identity import fold
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.clear_cache import ClearCacheReq
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.remote_stop_transaction import RemoteStopTransactionReq
from csmsd.profiles.local_auth_list.synchronization import enforce_block
from csmsd.profiles.slice import Target


async def enforce(
    service: Service, tag: IdTag, caller: Caller, *, stop_transactions: bool, parallel: int, timeout: float | None
) -> Json:
    """Lists first, then caches, then, if wanted, what runs. What cannot be reached is named."""
    options = Options(
        timeout=timeout or service.info()["call_timeout"], parallel=parallel, uid=caller.uid, user=caller.user
    )
    everyone = list(service.site().charge_points.values())
    connected = [state for state in everyone if state.connected]
    results: list[Json] = []

    async def run(states: list[ChargePointState], start: Callable[[Target], Steps]) -> list[Json]:
        def report(result: Json) -> None:
            results.append(result)
            progress = {"request": caller.request_id, "done": len(results), "total": len(results), "result": result}
            caller.notify("operation.result", progress)

        return await service.runner.run(states, start, options, report)

    await run(connected, lambda target: enforce_block(tag, target))
    cleared = {result["charge_point"] for result in await run(connected, _clear_cache) if _done(result)}
    if stop_transactions:
        charging = [state for state in connected if _running(tag, state)]
        await run(charging, lambda target: _stop(tag, target))
    trusting = [entry for state in everyone if (entry := _trust(service, tag, state, state.id in cleared)) is not None]
    return {"results": results, "trusting": trusting}


def _done(result: Json) -> bool:
    return bool(result["outcome"] == "accepted")


def _clear_cache(target: Target) -> Steps:
    yield ClearCacheReq()


def _running(tag: IdTag, state: ChargePointState) -> list[int]:
    return [transaction.id for transaction in state.transactions.active() if fold(transaction.id_tag) == fold(tag.id)]


def _stop(tag: IdTag, target: Target) -> Steps:
    for number in _running(tag, target.charge_point):
        yield RemoteStopTransactionReq(transaction_id=number)


def _trust(service: Service, tag: IdTag, state: ChargePointState, cleared: bool) -> Json | None:
    """Why a charge point may still accept the card without asking; None when it does not."""
    because: list[str] = []
    known = service.site().local_lists.get(state.id)
    entry = {fold(entry.id_tag): entry for entry in known.entries}.get(fold(tag.id))
    if entry is not None and entry.id_tag_info is not None and entry.id_tag_info.status == "Accepted":
        because.append("local_list")
    cache_enabled = (state.configured("AuthorizationCacheEnabled") or "true").strip().casefold() == "true"
    if cache_enabled and not cleared:
        because.append("cache")
    return {"charge_point": state.id, "connected": state.connected, "because": because} if because else None
