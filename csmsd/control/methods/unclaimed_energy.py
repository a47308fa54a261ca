"""Energy that belongs to no transaction."""

import msgspec

from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table, given_time
from csmsd.control.service import Service
from csmsd.control.views import time_text
from csmsd.ports.listings import TransactionFilter
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.core.unclaimed_energy import Place, Span, find_unclaimed_energy
from csmsd.profiles.record import Milliseconds


class Period(msgspec.Struct, forbid_unknown_fields=True):
    since: str
    until: str


async def unclaimed_energy(service: Service, parameters: Period, caller: Caller) -> Json:
    """Energy that registers tell of and no transaction has, by charge point, connector and time."""
    since, until = given_time(parameters.since), given_time(parameters.until)
    assert since is not None
    assert until is not None
    readings = await service.reader.readings_without_transaction(since, until)
    busy: dict[Place, list[Span]] = {}
    if readings:
        for transaction in await _transactions_beside_unclaimed(service, since, until):
            last = transaction.stop_time
            if transaction.state == "active":
                last = service.now()
            place = (transaction.charge_point, transaction.connector)
            busy.setdefault(place, []).append((transaction.start_time, last or transaction.start_time))
    return {
        "schema_version": SCHEMA_VERSION,
        "unclaimed": [
            {
                "charge_point": found.charge_point,
                "connector": found.connector,
                "since": time_text(found.since),
                "until": time_text(found.until),
                "energy_wh": found.energy_wh,
            }
            for found in find_unclaimed_energy(readings, busy)
        ],
    }


async def _transactions_beside_unclaimed(
    service: Service, since: Milliseconds, until: Milliseconds
) -> list[Transaction]:
    """Those that ended in it or later and began before its end, and those that did not end."""
    wanted = [TransactionFilter(stopped_since=since, until=until, limit=0)]
    wanted += [TransactionFilter(state=state, until=until, limit=0) for state in ("active", "abandoned")]
    return [transaction for one in wanted for transaction in await service.reader.transactions(one)]


METHODS: Table[Service] = {"transaction.unclaimed": Method(Period, unclaimed_energy, READ)}
