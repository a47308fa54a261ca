"""A transaction's energy while it runs, and its end, whoever brings it about: one set of rules for what is booked.

A transaction ends when its charge point stops it (C 4.10), when it is given up (another one began on its connector, or
its charge point was removed), or when the operator closes its books. However it ends, its energy is what its register
advanced, and it is given the next number of the books. One that was given up, or ended by a stop that did not name it,
runs again when its charge point goes on with it. Nobody else assigns these.
"""

import copy
import math
from collections.abc import Iterable

import msgspec

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.energy import EnergyRegister
from csmsd.profiles.core.metering import Taken, energy_register
from csmsd.profiles.core.transactions import Transaction, TransactionState
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """What a StopTransaction.req says of the end; `time` as it was read of `text`."""

    meter_stop_wh: int | None  # None: it told none that could be read
    time: Milliseconds
    text: str
    received_at: Milliseconds
    reason: str
    id_tag: str | None
    oddity: str | None = None  # of the timestamp
    guessed_from: str | None = None  # what it named instead of its transaction


def measure(transaction: Transaction, takings: Iterable[Taken], site: Site) -> None:
    """Takes what was read of a transaction, running or abandoned, in the order of arrival.

    Readings from before it began come out of a backlog and say nothing about its energy.
    """
    state = site.charge_point(transaction.charge_point)
    register = _register(transaction, site)
    if state is None or register is None:
        return
    for taken in takings:
        state.transactions.measured(transaction.id, taken.time)
        if taken.time < transaction.start_time:
            continue
        meanings = taken.shape.meanings
        for place in taken.shape.billed:
            number = taken.numbers[place]
            if number is not None and math.isfinite(number * meanings[place].factor):
                register.read(number * meanings[place].factor)


def resume(transaction: Transaction, readings: Iterable[list[SampledValue]], site: Site) -> None:
    """As `measure`, from all that was kept since the transaction began: of one that is not over, after a restart."""
    state = site.charge_point(transaction.charge_point)
    if state is None:
        return
    register = EnergyRegister(float(transaction.meter_start_wh))
    for samples in readings:
        for sample in samples:
            read = energy_register(sample)
            if read is not None:
                register.read(read)
    state.transactions.registers[transaction.id] = register


def stop(transaction: Transaction, told: Stop, site: Site) -> None:
    """The charge point's own end of it, also after it was given up or had ended by a guess."""
    _forget_stop(transaction)
    # Of a copy: its true stop may come after one that was guessed.
    register = copy.copy(_register(transaction, site) or EnergyRegister(float(transaction.meter_start_wh)))
    if told.meter_stop_wh is None:
        transaction.flag("meter_stop:estimated")
    else:
        register.read(float(told.meter_stop_wh))
    transaction.meter_stop_wh = told.meter_stop_wh if told.meter_stop_wh is not None else round(register.latest)
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
    backwards = transaction.meter_stop_wh < transaction.meter_start_wh
    _end(transaction, "stopped", register, site, suspect=backwards)


def give_up(transaction: Transaction, why: str, site: Site) -> None:
    """It runs no longer as far as anybody knows; a stop may still come. `why` is the flag that says so."""
    transaction.flag(why)
    _end(transaction, "abandoned", _register(transaction, site), site)


def revive(transaction: Transaction, site: Site) -> None:
    """It was given up, or ended by a guess, and its charge point goes on with it."""
    _forget_stop(transaction)
    transaction.unflag("abandoned_for:", "charge_point_removed")
    transaction.flag("resumed")
    transaction.state = "active"  # its booking stays: a number that somebody may have read is not given again
    transaction.energy_wh = 0
    transaction.energy_suspect = False
    charge_point = site.charge_point(transaction.charge_point)
    if charge_point is not None:
        charge_point.transactions.update(transaction)
    site.index_transaction(transaction)


def _forget_stop(transaction: Transaction) -> None:
    transaction.unflag("stop:matched_", "stop_time:", "meter_stop:estimated", "energy_suspect")
    transaction.meter_stop_wh = transaction.stop_time = transaction.stop_received_at = None
    transaction.stop_text = transaction.stop_reason = transaction.stop_id_tag = None


def close(transaction: Transaction, note: str, site: Site, now: Milliseconds) -> None:
    """The operator's end of it: no stop will be booked on it any more."""
    register = _register(transaction, site)
    if register is not None:
        transaction.meter_stop_wh = latest_wh(transaction, site)
    transaction.stop_time = now
    transaction.flag("meter_stop:estimated")
    transaction.note = note
    _end(transaction, "closed", register, site)


def latest_wh(transaction: Transaction, site: Site) -> int:
    """Where its register was when it was last read; without one, where it was at the start."""
    latest = latest_reading(transaction, site)
    return round(latest) if latest is not None else transaction.meter_start_wh


def latest_reading(transaction: Transaction, site: Site) -> float | None:
    """Its register as last read, Wh; None where none is known."""
    register = _register(transaction, site)
    return register.latest if register is not None else None


def _register(transaction: Transaction, site: Site) -> EnergyRegister | None:
    state = site.charge_point(transaction.charge_point)
    return state.transactions.registers.get(transaction.id) if state is not None else None


def _end(
    transaction: Transaction,
    state: TransactionState,
    register: EnergyRegister | None,
    site: Site,
    *,
    suspect: bool = False,
) -> None:
    """Books it. What is booked must go to the store before anything else is awaited."""
    if register is not None:
        transaction.energy_wh = round(register.total)
        transaction.energy_suspect = register.suspect or suspect
    if transaction.energy_suspect:
        transaction.flag("energy_suspect")
    transaction.state = state
    transaction.booking = site.new_booking()
    transaction.revision += 1
    charge_point = site.charge_point(transaction.charge_point)
    if charge_point is not None:
        charge_point.transactions.update(transaction)
    site.index_transaction(transaction)
