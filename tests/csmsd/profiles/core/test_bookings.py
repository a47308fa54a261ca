"""What ends gets a number in the order of the commits; what is corrected gets a new one."""

from csmsd.profiles.core import booking
from tests.csmsd.profiles.scene import HOUR, Scene


def test_an_end_is_booked_when_it_is_told_not_when_it_was() -> None:
    scene = Scene()
    first, second = scene.started(), scene.started(connectorId=2)
    assert (first.booking, second.booking) == (None, None)
    scene.stop(second)
    scene.now += HOUR
    scene.stop(first, timestamp="2026-03-01T08:00:00Z")  # out of a backlog
    assert (second.booking, first.booking) == (1, 2)
    assert (second.revision, first.revision) == (1, 1)


def test_a_repeated_stop_is_no_new_booking() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(transaction)
    scene.stop(transaction)
    assert transaction.booking == 1
    assert scene.site.new_booking() == 2


def test_what_was_given_up_and_stopped_after_all_is_booked_again() -> None:
    scene = Scene()
    first = scene.started()
    scene.now += HOUR
    second = scene.started()
    assert (first.state, first.booking, first.revision) == ("abandoned", 1, 1)
    scene.stop(second)
    scene.stop(first)
    assert (first.state, first.booking, first.revision) == ("stopped", 3, 2)


LATE = [{"timestamp": "2026-03-01T11:25:00Z", "sampledValue": [{"value": "1800"}]}]


def test_a_late_reading_of_what_was_given_up_corrects_its_figure() -> None:
    scene = Scene()
    first = scene.started(timestamp="2026-03-01T11:00:00Z", meterStart=1000)
    second = scene.started(timestamp="2026-03-01T11:30:00Z", meterStart=2000)
    scene.meter("3000", transactionId=second.id)
    assert (first.state, first.energy_wh, first.booking, first.revision) == ("abandoned", 0, 1, 1)

    late = scene.meter(transactionId=first.id, meterValue=LATE)

    assert (first.state, first.energy_wh, first.booking, first.revision) == ("abandoned", 800, 2, 2)
    assert late.transactions == [first]
    assert (second.state, scene.cp.energy_wh(second)) == ("active", 1000)

    again = scene.meter(transactionId=first.id, meterValue=LATE)

    assert (again.transactions, first.booking, first.revision) == ([], 2, 2)


def test_a_late_reading_leaves_what_the_operator_decided() -> None:
    scene = Scene()
    first = scene.started(timestamp="2026-03-01T11:00:00Z", meterStart=1000)
    scene.started(timestamp="2026-03-01T11:30:00Z", meterStart=2000)
    booking.book_settlement(first, 500, by="me", reason="seen", site=scene.site, now=scene.now)

    scene.meter(transactionId=first.id, meterValue=LATE)

    assert (first.energy_wh, first.reckoned_wh, first.revision) == (500, 800, 3)
