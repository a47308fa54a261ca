"""Whose figure is right: a transaction's energy by all evidence, what is judged otherwise now, and settling."""

import asyncio
import logging

import msgspec

from csmsd.control.methods.transactions import Number, known_transaction
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, forbidden, usage
from csmsd.control.service import Service
from csmsd.control.views import live, time_text, transaction_view
from csmsd.ports.listings import TransactionFilter
from csmsd.profiles.core import booking
from csmsd.profiles.core.energy.doubts import doubt_sentence
from csmsd.profiles.core.energy.evidence import Evidence
from csmsd.profiles.core.energy.verdict import BASES, Verdict, reckon_verdict, verdict_of_evidence
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Event

log = logging.getLogger(__name__)

MAX_ENERGY_WH = 10**12 - 1
_AT_ONCE = 2000  # readings that are judged without giving way to others


class Rejudging(msgspec.Struct, forbid_unknown_fields=True):
    before_id: RowId | None = None
    limit: Count = 200


class Settling(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId
    reason: str
    energy_wh: int | None = None
    undo: bool = False


async def _reckoned_energy(service: Service, transaction: Transaction) -> tuple[Evidence, Verdict]:
    evidence = booking.evidence_for_booking(transaction, await service.reader.meter_values(transaction.id))
    if len(evidence.readings) > _AT_ONCE:
        return evidence, await asyncio.to_thread(_reckoned_verdict, transaction.id, evidence)
    return evidence, _reckoned_verdict(transaction.id, evidence)


def _reckoned_verdict(number: int, evidence: Evidence) -> Verdict:
    """As it is booked; the log tells of what it fails, where it does."""
    try:
        return reckon_verdict(evidence)
    except Exception:
        log.exception("what was read of transaction %d cannot be judged: this is a mistake in csms", number)
        return verdict_of_evidence(evidence)


async def show_energy_reckoning(service: Service, parameters: Number, caller: Caller) -> Json:
    """The evidence in the order of measuring, and what it comes to; changes nothing."""
    transaction = await known_transaction(service, parameters.id)
    evidence, verdict = await _reckoned_energy(service, transaction)
    doubts = booking.doubts_to_book(transaction, verdict)
    return {
        "schema_version": SCHEMA_VERSION,
        "transaction": transaction_view(service.site, transaction, service.now()),
        "verdict": {
            "energy_wh": verdict.energy_wh,
            "at_least_wh": verdict.at_least_wh,
            "at_most_wh": verdict.at_most_wh,
            "basis": verdict.basis,
            "basis_text": BASES[verdict.basis],
            "doubts": [{"doubt": doubt, "text": doubt_sentence(doubt)} for doubt in doubts],
        },
        "evidence": _reckoned_evidence(evidence),
    }


def _reckoned_evidence(evidence: Evidence) -> list[Json]:
    """By time; what was measured at the same time in the order of its arrival."""
    start, stop = evidence.start, evidence.stop
    rows: list[tuple[int, Json]] = [(start.time, {"kind": "start", "value": start.register, "unit": "Wh"})]
    rows += [
        (
            reading.time,
            {
                "kind": "reading",
                "value": reading.value,
                "unit": "W" if reading.measurand.startswith("Power") else "Wh",
                "measurand": reading.measurand,
                "phase": reading.phase or None,
                "context": reading.context,
                "location": reading.location,
                "connector": reading.connector,
            },
        )
        for reading in evidence.readings
    ]
    rows += [(boot.at, {"kind": "boot", "value": None, "unit": None}) for boot in evidence.boots]
    if stop is not None:
        rows.append((stop.time, {"kind": "stop", "value": stop.register, "unit": "Wh"}))
    nothing: Json = dict.fromkeys(("measurand", "phase", "context", "location", "connector"))
    return [{"time": time_text(time)} | nothing | row for time, row in sorted(rows, key=lambda told: told[0])]


async def list_energy_reckoned_otherwise(service: Service, parameters: Rejudging, caller: Caller) -> Json:
    """Which of the transactions that have ended would be judged differently now, newest first; changes nothing.

    `next` is the id before which to go on, None at the end.
    """
    looked_at = await service.reader.transactions(
        TransactionFilter(before_id=parameters.before_id, limit=parameters.limit)
    )
    found = []
    for transaction in looked_at:
        # One that goes on after it seemed to be over keeps its booking.
        if transaction.booking is None or transaction.state in ("active", "abandoned"):
            continue
        _, verdict = await _reckoned_energy(service, transaction)
        await asyncio.sleep(0)
        booked = transaction.energy_wh if transaction.reckoned_wh is None else transaction.reckoned_wh
        doubts = booking.doubts_to_book(transaction, verdict)
        if verdict.energy_wh != booked or doubts != transaction.doubts:
            found.append(
                {
                    "id": transaction.id,
                    "charge_point": transaction.charge_point,
                    "state": transaction.state,
                    "start_time": time_text(transaction.start_time),
                    "energy_wh": booked,
                    "doubts": transaction.doubts,
                    "reckoned_wh": verdict.energy_wh,
                    "reckoned_doubts": doubts,
                    "basis": verdict.basis,
                }
            )
    more = bool(parameters.limit) and len(looked_at) == parameters.limit
    return {
        "schema_version": SCHEMA_VERSION,
        "transactions": found,
        "looked_at": len(looked_at),
        "next": looked_at[-1].id if more else None,
    }


async def settle_energy(service: Service, parameters: Settling, caller: Caller) -> Json:
    """The operator's figure for a transaction that is over, or with `undo` that of the evidence again."""
    reason = parameters.reason.strip()
    if not reason:
        raise usage("Settling a transaction needs a reason.")
    if parameters.undo == (parameters.energy_wh is not None):
        raise usage("Settling takes an energy, or undoes what was settled: one of them.")
    known = live(service.site, await known_transaction(service, parameters.id))
    site, now = service.site, service.now()
    _check_energy_to_settle(known, parameters)
    if parameters.energy_wh is not None and not 0 <= parameters.energy_wh <= MAX_ENERGY_WH:
        raise usage("The energy is between 0 and 10^12 Wh.")
    if parameters.energy_wh == known.energy_wh and known.settled_at is not None and not known.energy_suspect:
        return {"changed": False, "transaction": transaction_view(site, known, now)}
    by = caller.user or f"uid {caller.uid}"
    service.live.require()
    before = known.energy_wh
    if parameters.energy_wh is None:
        booking.unbook_settlement(known, site)
    else:
        booking.book_settlement(known, parameters.energy_wh, by=by, reason=reason[:500], site=site, now=now)
    told = Event(
        "transaction.settled",
        known.charge_point,
        {"transaction": known.id, "energy_wh": known.energy_wh, "energy_before_wh": before,
         "undone": parameters.undo, "reason": reason[:500], "by": by},
    )  # fmt: skip
    await service.live.keep([known], [told])
    return {"changed": True, "transaction": transaction_view(service.site, known, now)}


def _check_energy_to_settle(known: Transaction, parameters: Settling) -> None:
    if known.state == "active":
        stop = f"Stop it: csmsctl remote-stop --transaction {known.id}"
        raise forbidden(f"Transaction {known.id} is running.", stop)
    if known.state == "abandoned":
        close = f"Close it: csmsctl tx close {known.id} --reason TEXT"
        raise forbidden(f"Transaction {known.id} was never stopped.", close)
    if parameters.undo and known.settled_at is None:
        raise forbidden(f"Nobody has settled transaction {known.id}.")


METHODS: Table[Service] = {
    "transaction.reckon": Method(Number, show_energy_reckoning, READ),
    "transaction.rejudged": Method(Rejudging, list_energy_reckoned_otherwise, READ),
    "transaction.settle": Method(Settling, settle_energy, ALL),
}
