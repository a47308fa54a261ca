"""What is kept in memory of a running transaction says what all that was kept of it says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core import booking
from csmsd.profiles.core.energy.evidence import Boot, Stop
from csmsd.profiles.core.energy.gathered import Gathered
from csmsd.profiles.core.energy.thinning import MOST, MOST_OF_PLAIN
from csmsd.profiles.core.energy.verdict import Verdict, reckon_verdict
from csmsd.profiles.core.moments import is_timed
from csmsd.profiles.core.transactions import Transaction
from csmsd.store.reader import StoredReading
from tests.csmsd.profiles.core.energy.played import MINUTE
from tests.csmsd.profiles.scene import HOUR, NOON, Answer, Scene

SAMPLES = st.fixed_dictionaries(
    {"value": st.integers(0, 3000).map(str) | st.sampled_from(["1.5", "1000.4", "900000000", "-5", "n/a", "1e300"])},
    optional={
        "context": st.sampled_from(["Transaction.Begin", "Transaction.End", "Sample.Clock"]),
        "measurand": st.sampled_from(
            ["Energy.Active.Import.Register", "Energy.Active.Import.Interval", "Power.Active.Import", "SoC"]
        ),
        "unit": st.sampled_from(["Wh", "kWh"]),
        "phase": st.sampled_from(["L1", "L2"]),
        "location": st.sampled_from(["Outlet", "Body"]),
        "format": st.sampled_from(["Raw", "SignedData"]),
    },
)
# How far a clock is off, in minutes, for a reading or two: set to another zone, or without a battery.
CLOCKS = st.sampled_from([0] * 8 + [120, -120, -8 * 365 * 24 * 60, -56 * 365 * 24 * 60, 30 * 24 * 60])
READINGS = st.lists(
    st.tuples(st.integers(-90, 70), st.sampled_from([1, 1, 1, 0]), st.lists(SAMPLES, min_size=1, max_size=3), CLOCKS),
    max_size=10,
)
Reading = tuple[int, int, list[dict[str, Any]], int]


class Kept:
    """A transaction that began an hour before noon, at 1000 Wh if nothing else is said, and all rows that were kept."""

    def __init__(self, register: int = 1000) -> None:
        self.scene = Scene()
        started = self.scene.started(timestamp=format_timestamp(NOON - HOUR), meterStart=register)
        self.transaction: Transaction = started
        self.rows: list[StoredReading] = []

    def meter(self, minute: int, samples: list[dict[str, Any]], connector: int = 1, astray: int = 0) -> None:
        """Told as soon as it is measured, or late; `astray` is how many minutes the clock is off."""
        self.scene.now = max(self.scene.now, NOON + minute * MINUTE)
        value = {"timestamp": format_timestamp(NOON + (minute + astray) * MINUTE), "sampledValue": samples}
        sent = {"connectorId": connector, "transactionId": self.transaction.id, "meterValue": [value]}
        self._keep(self.scene.send("MeterValues", sent))

    def _keep(self, answer: Answer) -> None:
        from csmsd.profiles.core.metering import unpack_metered

        shapes = {number: text for text, number in self.scene.site.meter_shapes._numbers.items()}
        self.rows += [
            StoredReading(row.connector, row.time, row.text, unpack_metered(shapes.get(row.shape), row.samples))
            for row in answer.readings
            if row.transaction_id == self.transaction.id
        ]

    def by_memory(self) -> Verdict:
        running = self.scene.cp.running_verdict(self.transaction)
        assert running is not None
        return running

    def by_rows(self) -> Verdict:
        return reckon_verdict(booking.evidence_for_booking(self.transaction, self.rows))


@given(READINGS)
def test_running_both_ways_agree(sent: list[Reading]) -> None:
    kept = Kept()
    for minute, connector, samples, astray in sent:
        kept.meter(minute, samples, connector, astray)
        assert kept.by_memory() == kept.by_rows()


@given(READINGS, st.sampled_from([1000, 900, 0, 1500, 4000, 10**9]), st.booleans(), CLOCKS)
def test_stopped_both_ways_agree(sent: list[Reading], meter_stop: int, with_data: bool, astray: int) -> None:
    kept = Kept()
    for minute, connector, samples, astray in sent:
        kept.meter(minute, samples, connector, astray)
    data = [{"timestamp": format_timestamp(NOON), "sampledValue": [{"value": "1200", "context": "Transaction.End"}]}]
    fields: dict[str, Any] = {"transactionData": data} if with_data else {}
    if astray:
        fields["timestamp"] = format_timestamp(NOON + astray * MINUTE)

    kept._keep(kept.scene.stop(kept.transaction, meterStop=meter_stop, **fields))

    verdict = kept.by_rows()
    booked = kept.transaction
    assert (booked.energy_wh, booked.at_least_wh, booked.at_most_wh, booked.basis, booked.doubts) == (
        verdict.energy_wh,
        verdict.at_least_wh,
        verdict.at_most_wh,
        verdict.basis,
        [*verdict.doubts],
    )


PLACES = st.fixed_dictionaries(
    {"value": st.integers(0, 3000).map(str) | st.just("n/a")},
    optional={
        "context": st.sampled_from(["Transaction.Begin", "Transaction.End"]),
        "phase": st.sampled_from(["L1", "L2", "L1-N"]),
        "location": st.sampled_from(["Outlet", "Body", "Inlet"]),
        "unit": st.sampled_from(["Wh", "kWh"]),
    },
)


@given(
    st.sampled_from([0, 1, 10, 11, 1000]),
    st.lists(st.tuples(st.integers(0, 25), st.booleans(), st.lists(PLACES, max_size=4)), min_size=1, max_size=6),
    st.integers(-12, 300),
)
def test_registers_of_phases_and_other_places_beside_the_total_count_as_they_do_in_the_verdict(
    start: int, sent: list[tuple[int, bool, list[dict[str, Any]]]], more: int
) -> None:
    """The total advances by so many Wh a minute, or is 0 throughout."""
    kept = Kept(start)
    total = start
    for minute, (wh, dead, others) in enumerate(sent, -50):
        total += wh
        kept.meter(minute, [{"value": "0" if dead else str(total)}, *others])
        assert kept.by_memory() == kept.by_rows()

    kept._keep(kept.scene.stop(kept.transaction, meterStop=max(0, total + more)))

    verdict, booked = kept.by_rows(), kept.transaction
    assert (booked.energy_wh, booked.basis, booked.doubts) == (verdict.energy_wh, verdict.basis, [*verdict.doubts])


def test_phases_beside_the_total_are_as_plain_as_it_is() -> None:
    kept = Kept()
    for minute in range(-59, 100):
        phases = [{"value": str(minute + 60), "phase": phase} for phase in ("L1", "L2", "L3")]
        kept.meter(minute, [{"value": str(1180 + 3 * minute)}, *phases])

    assert held(kept) <= MOST_OF_PLAIN
    assert kept.by_memory() == kept.by_rows() == Verdict(477, 477, 477, "readings")


@pytest.mark.parametrize(("start", "total"), [(1000, "n/a"), (0, "0")])
def test_of_phases_nothing_is_lost_where_the_total_says_nothing(start: int, total: str) -> None:
    kept = Kept(start)
    for minute in range(-59, 300):
        shown = minute + 60 if minute < 150 else minute - 140  # they begin anew
        kept.meter(minute, [{"value": total}, *({"value": str(shown), "phase": phase} for phase in ("L1", "L2", "L3"))])

    assert kept.by_memory() == kept.by_rows()


def held(kept: Kept) -> int:
    gathered = kept.scene.cp.transactions.gathered(kept.transaction.id)
    assert gathered is not None
    return len(gathered._rows.rows)


def test_what_is_plain_takes_little_memory_however_long_it_lasts() -> None:
    kept = Kept()
    for minute in range(-59, 1000):
        kept.meter(minute, [{"value": str(1060 + minute)}, {"value": "60", "measurand": "Power.Active.Import"}])

    assert held(kept) <= MOST_OF_PLAIN
    assert kept.by_memory() == kept.by_rows() == Verdict(1059, 1059, 1059, "readings")


@pytest.mark.parametrize("odd", ["backlog", "phase"])
def test_what_is_not_plain_is_thinned_without_losing_what_it_says(odd: str) -> None:
    kept = Kept()
    minutes = list(range(-59, 1000))
    if odd == "backlog":
        minutes = minutes[500:] + minutes[:500]
    for minute in minutes:
        kept.meter(minute, [{"value": str(2000 + minute), **({"phase": "L1"} if odd == "phase" else {})}])

    assert held(kept) <= MOST
    assert kept.by_memory() == kept.by_rows()


def interval(wh: float, **attributes: str) -> dict[str, str]:
    return {"value": f"{wh:g}", "measurand": "Energy.Active.Import.Interval", **attributes}


@pytest.mark.parametrize(
    ("samples", "meter_stop"),
    [
        (lambda n: [interval(100)], 0),
        (lambda n: [interval(n * 7919 % 50)], 0),
        (lambda n: [interval(n * 7919 % 50, phase=phase) for phase in ("L1", "L2", "L3")], 0),
        (lambda n: [interval(20), *([interval(300, context="Sample.Clock")] if n % 15 == 0 else [])], 0),
        (lambda n: [interval(20, context="Trigger" if n % 2 else "Sample.Periodic")], 5000),
        (lambda n: [interval(0.02, unit="kWh"), {"value": f"{20 * (n % 3)}", "measurand": "Power.Active.Import"}], 0),
        (lambda n: [interval(n + 1)], 5000),  # counts on where it should begin anew
    ],
)
def test_no_interval_is_lost_however_many_there_are(samples: Any, meter_stop: int) -> None:
    """Nothing else may tell its energy: 300 kWh became 44."""
    kept = Kept()
    kept.transaction.meter_start_wh = 0
    kept.scene.cp.transactions._gathered.clear()
    kept.scene.cp.transactions.gather(kept.transaction)
    for number in range(800):
        kept.meter(number - 59, samples(number))
    for number in (3, 50, 700, 799):  # once more, also when they were let go of
        kept.meter(number - 59, samples(number))
    assert held(kept) <= MOST
    if meter_stop == 0:
        assert kept.by_memory() == kept.by_rows()

    kept._keep(kept.scene.stop(kept.transaction, meterStop=meter_stop, timestamp=format_timestamp(kept.scene.now)))
    verdict = kept.by_rows()
    assert (kept.transaction.energy_wh, kept.transaction.doubts) == (verdict.energy_wh, [*verdict.doubts])


def test_long_readings_are_kept_for_what_they_say_of_energy() -> None:
    kept = Kept()
    signed = {"value": "OCMF|" + "x" * 50_000, "format": "SignedData"}
    for minute in (-30, -20):
        kept.meter(minute, [signed, {"value": str(1300 + minute), "location": "Body"}] + [{"value": "9" * 100}] * 50)

    gathered = kept.scene.cp.transactions.gathered(kept.transaction.id)
    assert gathered is not None
    assert all(len(samples) < 200 for _, _, _, samples, _ in gathered._rows.rows)
    assert kept.by_memory().energy_wh == 280


def test_a_repeated_reading_takes_no_memory() -> None:
    kept = Kept()
    for _ in range(3):
        kept.meter(-30, [{"value": "1200"}])
        kept.meter(-20, [{"value": "1400"}])

    assert held(kept) == 2
    assert kept.by_memory().energy_wh == 400


def test_the_main_meter_says_nothing_of_a_connector() -> None:
    kept = Kept()
    kept.meter(-30, [{"value": "1200"}])
    kept.meter(-29, [{"value": "1250"}], connector=0)
    assert kept.by_memory() == kept.by_rows() == Verdict(200, 200, 200, "readings")
    kept.meter(-28, [{"value": "1230"}])

    assert kept.by_memory() == kept.by_rows() == Verdict(230, 230, 230, "readings")


def test_a_boot_between_readings_counts() -> None:
    kept = Kept()
    kept.scene.now = NOON - 30 * MINUTE
    kept.meter(-31, [{"value": "3000"}])
    kept.meter(-20, [{"value": "500"}])
    kept.scene.now = NOON - 30 * MINUTE
    doubted = kept.by_memory()
    kept.scene.send("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})
    assert kept.transaction.boots == [Boot(NOON - 30 * MINUTE, NOON - 30 * MINUTE)]

    assert kept.by_memory() != doubted
    assert (kept.by_memory().energy_wh, kept.by_memory().doubts) == (2500, ())
    assert kept.by_memory() == kept.by_rows()


@pytest.mark.parametrize("timestamp", [None, "yesterday", "1970-01-01T00:10:00Z", "2046-03-01T11:45:00Z"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_reading_without_its_time_among_others_costs_itself_alone(place: int, timestamp: str | None) -> None:
    kept = Kept()
    values: list[dict[str, Any]] = [
        {"timestamp": format_timestamp(NOON - 30 * MINUTE), "sampledValue": [{"value": "2000"}]},
        {"timestamp": format_timestamp(NOON - 10 * MINUTE), "sampledValue": [{"value": "3000"}]},
    ]
    told = {"timestamp": timestamp} if timestamp is not None else {}
    values.insert(place, {**told, "sampledValue": [{"value": "2500"}]})

    kept._keep(kept.scene.meter(transactionId=kept.transaction.id, meterValue=values))

    assert len(kept.rows) == 3
    assert kept.by_memory() == kept.by_rows() == Verdict(2000, 2000, 2000, "readings")
    assert [is_timed(row.text, row.time) for row in kept.rows].count(False) == 1

    kept._keep(kept.scene.stop(kept.transaction, meterStop=4000))

    assert (kept.transaction.energy_wh, kept.transaction.at_most_wh, kept.transaction.doubts) == (3000, 3000, [])


@pytest.mark.parametrize("astray", [120, 23 * 60, -8 * 365 * 24 * 60, -56 * 365 * 24 * 60])
def test_a_reading_by_another_clock_is_of_its_arrival_and_says_nothing_against_the_others(astray: int) -> None:
    kept = Kept()
    kept.meter(-40, [{"value": "2000"}])
    kept.meter(-30, [{"value": "2500"}], astray=astray)
    assert kept.by_memory() == kept.by_rows() == Verdict(1500, 1500, 1500, "readings")

    kept.meter(-20, [{"value": "3000"}])
    assert kept.by_memory() == kept.by_rows() == Verdict(2000, 2000, 2000, "readings")

    kept._keep(kept.scene.stop(kept.transaction, meterStop=4000, timestamp=format_timestamp(NOON)))
    assert (kept.transaction.energy_wh, kept.transaction.doubts) == (3000, [])


@pytest.mark.parametrize("astray", [120, -8 * 365 * 24 * 60])
def test_all_readings_by_another_clock_than_the_start(astray: int) -> None:
    kept = Kept()
    for minute in (-40, -30, -20):
        kept.meter(minute, [{"value": str(3000 + 10 * minute)}], astray=astray)
        assert kept.by_memory() == kept.by_rows()
    assert kept.by_memory() == Verdict(1800, 1800, 1800, "readings")


@pytest.mark.parametrize("back", [30, 60, 120])
def test_a_clock_that_is_set_back_while_it_runs(back: int) -> None:
    kept = Kept()
    for minute, astray in ((-50, 0), (-40, 0), (-30, -back), (-20, -back), (-10, -back)):
        kept.meter(minute, [{"value": str(3000 + 10 * minute)}], astray=astray)
        assert kept.by_memory() == kept.by_rows()
        figure = 2000 + 10 * minute
        assert kept.by_memory() == Verdict(figure, figure, figure, "readings")

    kept._keep(kept.scene.stop(kept.transaction, meterStop=3000, timestamp=format_timestamp(NOON)))
    assert (kept.transaction.energy_wh, kept.transaction.doubts) == (2000, [])


@pytest.mark.parametrize("astray", [120, -8 * 365 * 24 * 60])
def test_a_reading_by_another_clock_that_is_told_once_more_is_the_same(astray: int) -> None:
    kept = Kept()
    interval = [{"value": "500", "measurand": "Energy.Active.Import.Interval"}, {"value": "2000"}]
    kept.meter(-40, interval, astray=astray)
    kept.scene.now += MINUTE
    kept.meter(-40, interval, astray=astray)

    first, again = kept.rows
    assert first == again
    assert held(kept) == 1


def test_a_list_of_readings_by_another_clock_that_begins_with_the_newest() -> None:
    kept = Kept()
    values = [
        {"timestamp": format_timestamp(NOON + (minute + 120) * MINUTE), "sampledValue": [{"value": str(3000 + minute)}]}
        for minute in (-10, -20, -30)
    ]
    kept._keep(kept.scene.meter(transactionId=kept.transaction.id, meterValue=values))

    assert kept.by_memory() == kept.by_rows() == Verdict(1990, 1990, 1990, "readings")


def power(watts: int, *phases: str) -> list[dict[str, str]]:
    drawn = {"value": str(watts), "measurand": "Power.Active.Import"}
    return [{**drawn, "phase": phase} for phase in phases] if phases else [drawn]


@pytest.mark.parametrize("drawn", [power(6000), power(2000, "L1", "L2", "L3"), power(6000) + power(2000, "L1", "N")])
@pytest.mark.parametrize(
    ("pace", "running", "stopped"),
    [
        (100, (5000, []), (6000, [])),  # Wh in a minute
        (10, (500, ["readings_disagree"]), (600, ["readings_disagree"])),
        (0.1, (5000, ["unit"]), (6000, ["unit"])),  # kWh that are called Wh
    ],
)
def test_power_is_held_against_a_register_that_is_plain(
    drawn: list[dict[str, str]], pace: float, running: tuple[int, list[str]], stopped: tuple[int, list[str]]
) -> None:
    kept = Kept()
    for minute in range(-60, -9, 10):
        kept.meter(minute, [{"value": str(1000 + round(pace * (minute + 60)))}, *drawn])
        assert kept.by_memory() == kept.by_rows()
    assert (kept.by_memory().energy_wh, [*kept.by_memory().doubts]) == running

    kept._keep(kept.scene.stop(kept.transaction, meterStop=1000 + round(pace * 60), timestamp=format_timestamp(NOON)))

    assert (kept.transaction.energy_wh, kept.transaction.doubts) == stopped
    assert kept.by_rows().doubts == tuple(stopped[1])


@pytest.mark.parametrize("where", [{"location": "Body"}, {"phase": "L1"}, {"phase": "L1-N", "location": "Inlet"}])
@pytest.mark.parametrize("astray", [-8 * 365 * 24 * 60, -56 * 365 * 24 * 60])
def test_a_register_elsewhere_by_another_clock_runs_on(where: dict[str, str], astray: int) -> None:
    kept = Kept()
    for minute in (-40, -30, -20, -10):
        kept.meter(minute, [{"value": str(3000 + 10 * minute), **where}], astray=astray)
        assert kept.by_memory() == kept.by_rows()
        assert kept.by_memory().energy_wh == 2000 + 10 * minute


def told_by(gathered: Gathered) -> tuple[object, ...]:
    """All that it can be asked."""
    stop = Stop(time=NOON + HOUR, received_at=NOON + HOUR, register=5000.0, oddity=None)
    moments = (gathered.newest, gathered.usual_since, {**gathered.put_right})
    return gathered.verdict([]), gathered.stopped([], stop), gathered.latest, gathered.highest, *moments


@pytest.mark.parametrize("astray", [0, -8 * 365 * 24 * 60], ids=["by one clock", "by two"])
def test_a_copy_says_the_same_and_goes_on_by_itself(astray: int) -> None:
    kept = Kept()
    kept.meter(-50, [{"value": "1500"}, {"value": "900", "measurand": "Power.Active.Import"}])
    kept.meter(-40, [{"value": "1600"}], astray=astray)
    original = kept.scene.cp.transactions.gathered(kept.transaction.id)
    assert original is not None
    before, copy = told_by(original), original.copy()
    assert told_by(copy) == before

    kept.meter(-30, [{"value": "1700"}])
    assert told_by(original) != before
    assert told_by(copy) == before

    kept.scene.cp.transactions.regather(kept.transaction, copy)
    kept.meter(-30, [{"value": "1700"}])
    assert told_by(copy) == told_by(original)
