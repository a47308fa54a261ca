"""By which time a stop is booked, where its charge point's clock cannot be believed."""

from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core import booking
from csmsd.profiles.core.energy.verdict import reckon_verdict
from csmsd.profiles.core.transactions import Transaction
from tests.csmsd.profiles.scene import DAY, HOUR, NOON, Scene

EIGHT_YEARS = 8 * 365 * DAY


def told(began: int, ended: int, *, start_at: int = NOON - HOUR, stop_at: int = NOON) -> Transaction:
    """One that began and ended then by its clock, which csmsd heard of at these times."""
    scene = Scene()
    scene.now = start_at
    transaction = scene.started(timestamp=format_timestamp(began), meterStart=1000)
    scene.now = stop_at
    scene.stop(transaction, timestamp=format_timestamp(ended), meterStop=4000)
    return transaction


def booked(transaction: Transaction) -> tuple[int | None, int, list[str]]:
    """When it ended for the books, how many ms it lasted, and what is doubted."""
    assert transaction.stop_time is not None
    return (
        transaction.stop_time,
        transaction.stop_time - transaction.lasts_from(transaction.doubts),
        transaction.doubts,
    )


@pytest.mark.parametrize(
    ("sent", "right"),
    [
        # by a right clock, live and out of a backlog
        ({"began": NOON - HOUR, "ended": NOON}, (NOON, HOUR, [])),
        (
            {"began": NOON - 7 * DAY - HOUR, "ended": NOON - 7 * DAY, "start_at": NOON},
            (NOON - 7 * DAY, HOUR, []),
        ),
        # only the stop by another clock
        ({"began": NOON - HOUR, "ended": NOON - EIGHT_YEARS}, (NOON, HOUR, ["stop_clock"])),
        ({"began": NOON - HOUR, "ended": NOON - 3 * HOUR}, (NOON, HOUR, ["stop_clock"])),
        ({"began": NOON - HOUR, "ended": NOON + 2 * HOUR}, (NOON, HOUR, ["stop_clock"])),
        # only the start
        ({"began": NOON - EIGHT_YEARS, "ended": NOON}, (NOON, HOUR, ["start_clock"])),
        # both: what lies between is right
        (
            {"began": NOON - EIGHT_YEARS - HOUR, "ended": NOON - EIGHT_YEARS},
            (NOON, HOUR, ["start_clock", "stop_clock"]),
        ),
        (
            {"began": NOON - EIGHT_YEARS - HOUR, "ended": NOON - EIGHT_YEARS, "start_at": NOON},
            (NOON, HOUR, ["start_clock", "stop_clock"]),
        ),
        ({"began": NOON - 3 * DAY - HOUR, "ended": NOON - 3 * DAY}, (NOON, HOUR, ["start_clock", "stop_clock"])),
        # a few hours off throughout are a time zone
        ({"began": NOON - 6 * HOUR, "ended": NOON - 5 * HOUR}, (NOON - 5 * HOUR, HOUR, [])),
        ({"began": NOON + HOUR, "ended": NOON + 2 * HOUR}, (NOON + 2 * HOUR, HOUR, [])),
    ],
)
def test_when_it_ended_and_how_long_it_lasted(sent: dict[str, Any], right: tuple[int, int, list[str]]) -> None:
    transaction = told(**sent)

    assert booked(transaction) == right
    assert transaction.energy_wh == 3000
    assert list(reckon_verdict(booking.evidence_for_booking(transaction, [])).doubts) == right[2]


def test_what_the_clock_showed_is_kept() -> None:
    transaction = told(NOON - HOUR, NOON - EIGHT_YEARS)

    assert transaction.flags == [f"stop_time:told_{format_timestamp(NOON - EIGHT_YEARS)}"]
    assert transaction.stop_told_at == NOON - EIGHT_YEARS
    assert transaction.stop is not None
    assert transaction.stop.time == NOON - EIGHT_YEARS


def test_a_repeated_stop_by_such_a_clock_is_the_same_one() -> None:
    scene = Scene()
    transaction = scene.started(timestamp=format_timestamp(NOON), meterStart=1000)
    stop: dict[str, Any] = {"timestamp": "2018-01-01T00:00:12Z", "meterStop": 4000}
    scene.stop(transaction, **stop)
    scene.now += HOUR

    scene.stop(transaction, **stop)

    assert (transaction.stop_time, transaction.revision) == (NOON, 1)


def test_what_was_measured_before_it_and_comes_late_does_not_flow_without_a_transaction() -> None:
    scene = Scene()
    transaction = scene.started(timestamp=format_timestamp(NOON), meterStart=1000)
    scene.now = NOON + HOUR
    scene.stop(transaction, timestamp="2018-01-01T00:00:12Z", meterStop=4000)
    power = [{"value": "7000", "measurand": "Power.Active.Import"}]
    for minute in (50, 55):
        value = {"timestamp": format_timestamp(NOON + minute * HOUR // 60), "sampledValue": power}
        scene.send("MeterValues", {"connectorId": 1, "meterValue": [value]})

    assert scene.cp.outside[1].flow(scene.now) is None
