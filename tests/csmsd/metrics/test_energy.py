"""Energy as a counter: nothing twice, nothing lost, never down."""

from collections.abc import Callable
from datetime import UTC

import pytest

from csmsd.events import NumberedEvent
from csmsd.metrics.energy import EnergyCounter
from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.core.told_readings import read_meter_values
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Event, EventType
from csmsd.profiles.site import Site


@pytest.fixture
def site() -> Site:
    site = Site()
    site.charge_points["cp1"] = ChargePointState(ChargePoint(id="CP1", registered_at=0))
    return site


def begin(site: Site, number: int) -> Callable[[int], None]:
    """A transaction; what is returned reads its register, in Wh."""
    site.add_transaction(
        Transaction(
            id=number,
            charge_point="CP1",
            connector=1,
            id_tag="A1",
            id_tag_status="Accepted",
            start_time=number,
            start_text=str(number),
            start_received_at=number,
            meter_start_wh=0,
            reply="",
        )
    )

    def read(wh: int) -> None:
        value = MeterValue(timestamp="", sampled_value=[SampledValue(value=str(wh))])
        found = read_meter_values(
            [value],
            charge_point="CP1",
            connector=1,
            transaction_id=number,
            shapes=site.meter_shapes,
            received_at=number,
            zone=UTC,
        )
        transaction = site.find_transaction(number)
        assert transaction is not None
        booking.book_measured(site.charge_points["cp1"].transactions.gathered(transaction.id), found.taken)

    return read


def end(site: Site, counter: EnergyCounter, number: int, energy: int, kind: EventType = "transaction.stopped") -> None:
    book = site.charge_points["cp1"].transactions
    transaction = book.get(number)
    assert transaction is not None
    transaction.energy_wh = energy
    transaction.state = "abandoned" if kind == "transaction.abandoned" else "stopped"
    book.update(transaction)
    counter.told(NumberedEvent(1, 0, Event(kind, "CP1", {"transaction": number})))


def test_running_and_ended_transactions_add_up(site: Site) -> None:
    counter = EnergyCounter(lambda: site)
    read = begin(site, 1)
    read(500)
    assert counter.totals() == {"CP1": 500}
    read(800)
    assert counter.totals() == {"CP1": 800}
    end(site, counter, 1, 1000)
    assert counter.totals() == {"CP1": 1000}


def test_one_that_nobody_saw_running_counts(site: Site) -> None:
    counter = EnergyCounter(lambda: site)
    begin(site, 1)
    end(site, counter, 1, 700)
    assert counter.totals() == {"CP1": 700}


def test_what_was_charged_before_the_start_does_not_count(site: Site) -> None:
    read = begin(site, 1)
    read(500)
    counter = EnergyCounter(lambda: site)
    assert counter.totals() == {}
    read(600)
    assert counter.totals() == {"CP1": 100}


def test_what_was_looked_up_because_a_late_stop_meant_it_was_charged_before(site: Site) -> None:
    site.begin_transaction_ids_after(7)
    counter = EnergyCounter(lambda: site)
    begin(site, 3)
    end(site, counter, 3, 7000)
    assert counter.totals() == {}
    begin(site, 8)(50)
    assert counter.totals() == {"CP1": 50}


def test_an_abandoned_one_that_is_stopped_later_counts_once(site: Site) -> None:
    counter = EnergyCounter(lambda: site)
    begin(site, 1)(500)
    end(site, counter, 1, 500, "transaction.abandoned")
    end(site, counter, 1, 900)
    assert counter.totals() == {"CP1": 900}


def test_a_reading_that_is_taken_back_does_not_lower_it(site: Site) -> None:
    counter = EnergyCounter(lambda: site)
    read = begin(site, 1)
    read(500)
    read(5000)
    assert counter.totals() == {"CP1": 5000}
    read(600)
    assert counter.totals() == {"CP1": 5000}
