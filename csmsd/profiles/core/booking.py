"""A transaction's energy while it runs, and its end, whoever brings it about: one set of rules for what is booked.

A transaction ends when its charge point stops it (C 4.10), when it is given up (another one began on its connector, or
its charge point was removed), or when the operator closes its books. However it ends, its energy is what the evidence
comes to (`verdict`), and it is given the next number of the books. One that was given up, or ended by a stop that did
not name it, runs again when its charge point goes on with it. Nobody else assigns these.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import LARGEST_INTEGER, SampledValue
from csmsd.profiles.core.energy.doubts import EndDoubt
from csmsd.profiles.core.energy.evidence import Boot, Evidence, Reading, evidence_of_samples
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.energy.verdict import Verdict
from csmsd.profiles.core.metering import Taken
from csmsd.profiles.core.moments import is_timed
from csmsd.profiles.core.transaction_book import TransactionBook
from csmsd.profiles.core.transactions import STOP_TOLD, Transaction, TransactionState, Wanted
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_MOST_BOOTS = 50  # of one transaction


class KeptReading(Protocol):
    """A MeterValue as it was kept."""

    @property
    def connector(self) -> int: ...
    @property
    def time(self) -> Milliseconds: ...
    @property
    def text(self) -> str | None: ...
    @property
    def samples(self) -> list[SampledValue]: ...


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """What a StopTransaction.req says of the end; `time` as it was read of `text`.

    Where that is not believed, the transaction is booked as of `received_at`: a month that is over is not billed anew.
    """

    meter_stop_wh: int | None  # None: it told none that could be read
    time: Milliseconds
    text: str
    received_at: Milliseconds
    reason: str
    id_tag: str | None
    oddity: str | None = None  # of the timestamp
    guessed_from: str | None = None  # what it named instead of its transaction


# --- while it is measured


def book_measured(gathered: Gathered | None, takings: Iterable[Taken]) -> None:
    """Takes what was read of a transaction that may still be measured or stopped, in the order of arrival."""
    if gathered is not None:
        for taken in takings:
            gathered.take(taken)


def measured_anew(transaction: Transaction, takings: Iterable[Taken]) -> Gathered:
    """What all that was kept of it comes to: of one that is not over, after a restart."""
    gathered = Gathered(transaction.connector, transaction.start)
    book_measured(gathered, takings)
    return gathered


def book_recalled(wanted: Wanted, found: Sequence[tuple[Transaction, Gathered | None]], book: TransactionBook) -> None:
    """Takes what is on disk of transactions that memory did not hold, or not with what was measured of them.

    Memory goes first: what it has gathered meanwhile is more than what was on disk before.
    """
    book.recall(wanted, [transaction for transaction, _ in found])
    measured = {transaction.id: gathered for transaction, gathered in found}
    for number in {*wanted.ids, *measured}:
        known = book.get(number)
        if known is not None and book.lacks_measured(known):
            book.regather(known, measured.get(number) or measured_anew(known, ()))


def book_boot(transaction: Transaction, at: Milliseconds, book: TransactionBook) -> None:
    """Its charge point has started anew: a register may begin at 0 again."""
    if len(transaction.boots) < _MOST_BOOTS:
        gathered = book.gathered(transaction.id)
        newest = gathered.newest if gathered is not None else 0
        transaction.boots = [*transaction.boots, Boot(min(at, max(transaction.start_time, newest)), at)]


def evidence_for_booking(transaction: Transaction, rows: Iterable[KeptReading]) -> Evidence:
    """All that bears on its energy, from the rows that were kept of it, in the order of their arrival."""
    readings: list[Reading] = []
    for row in rows:
        timed = is_timed(row.text, row.time)
        readings += evidence_of_samples(row.samples, connector=row.connector, time=row.time, timed=timed)
    return Evidence(transaction.connector, transaction.start, transaction.stop, readings, transaction.boots)


# --- its end


def book_stop(transaction: Transaction, told: Stop, site: Site) -> None:
    """The charge point's own end of it, also after it was given up or had ended by a guess."""
    gathered = _gathered_for_booking(transaction, site) or Gathered(transaction.connector, transaction.start)
    _forget_booked_stop(transaction)
    if told.meter_stop_wh is None:
        transaction.flag("meter_stop:estimated")
    transaction.meter_stop_wh = told.meter_stop_wh
    transaction.stop_time = told.time
    transaction.stop_text = told.text
    transaction.stop_received_at = told.received_at
    transaction.stop_reason = told.reason
    transaction.stop_id_tag = told.id_tag
    if told.oddity:
        transaction.flag(f"stop_time:{told.oddity}")
    elif told.time < transaction.start_time:
        transaction.flag("stop_time:before_start")
    if told.guessed_from is not None:
        transaction.flag(f"stop:matched_{told.guessed_from}")
    transaction.state = "stopped"
    evidence = transaction.stop
    assert evidence is not None
    verdict = gathered.stopped(transaction.boots, evidence)
    if "stop_clock" in verdict.doubts and not told.oddity:
        transaction.unflag("stop_time:")
        transaction.flag(STOP_TOLD + format_timestamp(told.time))
        transaction.stop_time = told.received_at
    if told.meter_stop_wh is None:
        transaction.meter_stop_wh = _estimated_stop(transaction, gathered.latest)
    _book_end(transaction, "stopped", verdict, site)


def book_contradiction(transaction: Transaction, site: Site) -> bool:
    """A second stop names it, with other figures: which of them is right? Whether that is news."""
    if transaction.state != "stopped" or "second_stop" in transaction.doubts:
        return False
    transaction.flag("stop:contradicted")
    transaction.doubts = [*transaction.doubts, "second_stop"]
    _book_next_number(transaction, site)
    return True


def book_as_given_up(transaction: Transaction, why: str, site: Site) -> None:
    """It runs no longer as far as anybody knows; a stop may still come. `why` is the flag that says so."""
    transaction.flag(why)
    _book_end(transaction, "abandoned", _verdict_for_booking(transaction, site), site)


def book_correction(transaction: Transaction, site: Site) -> bool:
    """Books a late reading of one that was given up, and stays so; whether its figure, or a doubt, is another now."""
    verdict = _verdict_for_booking(transaction, site)
    if verdict is None or _booked_so_far(transaction) == (
        *(verdict.energy_wh, verdict.at_least_wh, verdict.at_most_wh, verdict.basis),
        doubts_to_book(transaction, verdict),
    ):
        return False
    _book_end(transaction, transaction.state, verdict, site)
    return True


def _booked_so_far(transaction: Transaction) -> tuple[object, ...]:
    """What was booked of its evidence, beside which an operator may have decided."""
    energy = transaction.energy_wh if transaction.settled_at is None else transaction.reckoned_wh
    return energy, transaction.at_least_wh, transaction.at_most_wh, transaction.basis, transaction.doubts


def book_close(transaction: Transaction, note: str, site: Site, now: Milliseconds) -> None:
    """The operator's end of it: no stop will be booked on it any more."""
    verdict = _verdict_for_booking(transaction, site)
    if verdict is not None:
        transaction.meter_stop_wh = _estimated_stop(transaction, latest_reading_for_booking(transaction, site))
    transaction.stop_time = now
    transaction.flag("meter_stop:estimated")
    transaction.note = note
    _book_end(transaction, "closed", verdict, site)


def book_revival(transaction: Transaction, site: Site) -> None:
    """It was given up, or ended by a guess, and its charge point goes on with it."""
    _forget_booked_stop(transaction)
    transaction.unflag("abandoned_for:", "charge_point_removed")
    transaction.flag("resumed")
    transaction.state = "active"  # its booking stays: a number that somebody may have read is not given again
    transaction.energy_wh = 0
    transaction.at_least_wh = transaction.at_most_wh = transaction.basis = None
    transaction.doubts = []
    _tell_of_booking(transaction, site)


def latest_reading_for_booking(transaction: Transaction, site: Site) -> float | None:
    """Its register as last read, Wh; None where none is known."""
    gathered = _gathered_for_booking(transaction, site)
    return gathered.latest if gathered is not None else None


def _estimated_stop(transaction: Transaction, latest: float | None) -> int:
    """Its register as last read, Wh; as it began where nothing was read, or what no register holds."""
    return transaction.meter_start_wh if latest is None or abs(latest) > LARGEST_INTEGER else round(latest)


def _forget_booked_stop(transaction: Transaction) -> None:
    transaction.unflag("stop:matched_", "stop_time:", "meter_stop:estimated")
    transaction.meter_stop_wh = transaction.stop_time = transaction.stop_received_at = None
    transaction.stop_text = transaction.stop_reason = transaction.stop_id_tag = None


# --- the operator's figure


def book_settlement(
    transaction: Transaction, energy_wh: int, *, by: str, reason: str, site: Site, now: Milliseconds
) -> None:
    """The operator decides what it comes to; what the evidence says is kept beside it."""
    if transaction.reckoned_wh is None:
        transaction.reckoned_wh = transaction.energy_wh
    transaction.energy_wh = energy_wh
    transaction.settled_at, transaction.settled_by, transaction.settled_reason = now, by, reason
    _book_next_number(transaction, site)


def unbook_settlement(transaction: Transaction, site: Site) -> None:
    """The operator takes the decision back: what the evidence says counts again."""
    if transaction.reckoned_wh is not None:
        transaction.energy_wh = transaction.reckoned_wh
    transaction.settled_at = transaction.settled_by = transaction.settled_reason = transaction.reckoned_wh = None
    _book_next_number(transaction, site)


# --- the books


def doubts_to_book(transaction: Transaction, verdict: Verdict) -> list[str]:
    """Why its figure is doubtful: for what was measured, or for how it ended."""
    ends: list[EndDoubt] = []
    if transaction.guessed:
        ends.append("stop_guessed")
    if "stop:contradicted" in transaction.flags:
        ends.append("second_stop")
    return [*verdict.doubts, *ends]


def _gathered_for_booking(transaction: Transaction, site: Site) -> Gathered | None:
    state = site.charge_point(transaction.charge_point)
    return state.transactions.gathered(transaction.id) if state is not None else None


def _verdict_for_booking(transaction: Transaction, site: Site) -> Verdict | None:
    gathered = _gathered_for_booking(transaction, site)
    return gathered.verdict(transaction.boots) if gathered is not None else None


def _book_end(transaction: Transaction, state: TransactionState, verdict: Verdict | None, site: Site) -> None:
    """Books it; without a verdict, with what was booked before."""
    transaction.state = state
    if verdict is not None:
        if transaction.settled_at is None:
            transaction.energy_wh = verdict.energy_wh
        else:
            transaction.reckoned_wh = verdict.energy_wh
        transaction.at_least_wh, transaction.at_most_wh = verdict.at_least_wh, verdict.at_most_wh
        transaction.basis = verdict.basis
        transaction.doubts = doubts_to_book(transaction, verdict)
    _book_next_number(transaction, site)


def _book_next_number(transaction: Transaction, site: Site) -> None:
    """The next number. What is booked must go to the store before anything else is awaited."""
    transaction.booking = site.new_booking()
    transaction.revision += 1
    _tell_of_booking(transaction, site)


def _tell_of_booking(transaction: Transaction, site: Site) -> None:
    charge_point = site.charge_point(transaction.charge_point)
    if charge_point is not None:
        charge_point.transactions.update(transaction)
    site.index_transaction(transaction)
