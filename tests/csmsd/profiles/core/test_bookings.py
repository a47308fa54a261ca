"""What ends gets a number in the order of the commits; what is corrected gets a new one."""

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
