"""However a transaction ends, its energy and its number in the books come about in the same way."""

from collections.abc import Callable

import pytest

from csmsd.profiles.core import booking
from csmsd.profiles.core.energy import verdict
from csmsd.profiles.core.transactions import Transaction
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene, assert_storable


def stop(transaction: Transaction, scene: Scene) -> None:
    told = booking.Stop(
        meter_stop_wh=1500, time=scene.now, text="now", received_at=scene.now, reason="Local", id_tag=None
    )
    booking.book_stop(transaction, told, scene.site)


def give_up(transaction: Transaction, scene: Scene) -> None:
    booking.book_as_given_up(transaction, "charge_point_removed", scene.site)


def close(transaction: Transaction, scene: Scene) -> None:
    booking.book_close(transaction, "closed by ada: cable cut", scene.site, scene.now)


ENDS = [stop, give_up, close]


@pytest.mark.parametrize("end", ENDS)
def test_every_end_books_what_was_measured(end: Callable[[Transaction, Scene], None]) -> None:
    scene = Scene()
    before, transaction = scene.started(connectorId=2), scene.started()
    scene.meter("1500", transactionId=transaction.id)
    scene.stop(before)
    scene.now += HOUR

    end(transaction, scene)

    assert (transaction.energy_wh, transaction.energy_suspect, transaction.booking) == (500, False, 2)
    assert scene.cp.transactions.active() == []
    assert scene.site.active_transactions_of("TAG1") == 0


@pytest.mark.parametrize("end", ENDS)
def test_every_end_marks_energy_that_jumped(end: Callable[[Transaction, Scene], None]) -> None:
    scene = Scene()
    transaction = scene.started()
    for reading in ("1500", "1100", "1600"):
        scene.now += SECOND
        scene.meter(reading, transactionId=transaction.id)

    end(transaction, scene)

    assert transaction.energy_suspect
    assert set(transaction.doubts) <= {"went_back", "readings_disagree"}
    assert (transaction.at_least_wh or 0) <= transaction.energy_wh <= (transaction.at_most_wh or 0)


def test_a_stop_is_booked_also_where_its_readings_cannot_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(verdict, "judge_register", fail)
    scene = Scene()
    transaction = scene.started(meterStart=1000)
    for reading in ("1500", "1100"):
        scene.meter(reading, transactionId=transaction.id)

    scene.stop(transaction, meterStop=1600)

    assert (transaction.energy_wh, transaction.basis, transaction.doubts) == (600, "start_and_stop", ["unjudged"])
    assert (transaction.at_least_wh, transaction.at_most_wh, transaction.energy_suspect) == (0, 600, True)


def test_the_operators_end_is_where_the_register_was_last() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.meter("1500", transactionId=transaction.id)
    scene.now += HOUR

    close(transaction, scene)

    assert (transaction.state, transaction.meter_stop_wh, transaction.stop_time) == ("closed", 1500, NOON + HOUR)
    assert (transaction.flags, transaction.note) == (["meter_stop:estimated"], "closed by ada: cable cut")


def stop_without_a_register(transaction: Transaction, scene: Scene) -> None:
    scene.stop(transaction, meterStop=None)


@pytest.mark.parametrize("end", [close, stop_without_a_register])
@pytest.mark.parametrize("read", ["1e300", "-1e300", "9223372036854775808"])
def test_what_no_register_holds_is_not_where_it_was_last(end: Callable[[Transaction, Scene], None], read: str) -> None:
    """Nor could it be stored: the stop would be refused for ever."""
    scene = Scene()
    transaction = scene.started()
    scene.meter(read, transactionId=transaction.id)

    end(transaction, scene)

    assert transaction.meter_stop_wh == 1000
    assert_storable([transaction], [])


@pytest.mark.parametrize(("ended", "energy"), [(give_up, 700), (stop, 500), (close, 500)])
def test_what_was_given_up_goes_on_being_measured_and_what_ended_does_not(
    ended: Callable[[Transaction, Scene], None], energy: int
) -> None:
    scene = Scene()
    transaction = scene.started()
    scene.meter("1500", transactionId=transaction.id)
    ended(transaction, scene)

    scene.meter("1700", transactionId=transaction.id)
    give_up(transaction, scene)

    assert transaction.energy_wh == energy


def test_readings_from_before_the_start_are_not_its_energy() -> None:
    scene = Scene()
    transaction = scene.started()
    backlog = [{"timestamp": "2026-03-01T11:00:00Z", "sampledValue": [{"value": "500"}]}]
    scene.meter(transactionId=transaction.id, meterValue=backlog)

    give_up(transaction, scene)

    assert transaction.energy_wh == 0


def test_a_charge_point_that_is_not_known_any_more_leaves_what_was_booked() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.meter("1500", transactionId=transaction.id)
    give_up(transaction, scene)
    del scene.site.charge_points["cp1"]

    close(transaction, scene)

    assert (transaction.state, transaction.energy_wh, transaction.meter_stop_wh) == ("closed", 500, None)


def test_what_goes_on_after_all_has_no_booked_energy_and_keeps_its_number() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(-1, idTag="TAG1", meterStop=1400)
    assert (transaction.state, transaction.energy_wh, transaction.booking) == ("stopped", 400, 1)
    assert (transaction.energy_suspect, transaction.doubts) == (True, ["stop_guessed"])
    booking.book_revival(transaction, scene.site)
    assert (transaction.state, transaction.energy_wh, transaction.energy_suspect) == ("active", 0, False)
    assert (transaction.stop_time, transaction.booking) == (None, 1)


class TestSettled:
    def settled(self) -> tuple[Scene, Transaction]:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1, idTag="TAG1", meterStop=1400)
        booking.book_settlement(transaction, 420, by="ada", reason="read there", site=scene.site, now=scene.now)
        return scene, transaction

    def test_the_operators_figure_counts_and_the_reckoned_one_is_kept(self) -> None:
        scene, transaction = self.settled()
        assert (transaction.energy_wh, transaction.reckoned_wh, transaction.energy_suspect) == (420, 400, False)
        assert (transaction.doubts, transaction.booking, transaction.revision) == (["stop_guessed"], 2, 2)

        booking.book_settlement(transaction, 430, by="jo", reason="read twice", site=scene.site, now=scene.now)
        assert (transaction.energy_wh, transaction.reckoned_wh, transaction.settled_by) == (430, 400, "jo")

        booking.unbook_settlement(transaction, scene.site)
        assert (transaction.energy_wh, transaction.reckoned_wh, transaction.settled_at) == (400, None, None)
        assert (transaction.energy_suspect, transaction.revision) == (True, 4)

    def test_when_its_own_stop_comes_the_figure_stands_and_is_looked_at_again_if_that_is_doubtful(self) -> None:
        scene, transaction = self.settled()
        scene.now += HOUR
        scene.meter("3000")  # nobody's: it has ended
        scene.stop(transaction, meterStop=900)

        assert (transaction.energy_wh, transaction.reckoned_wh, transaction.revision) == (420, 0, 3)
        assert transaction.doubts
        assert transaction.energy_suspect
        booking.book_settlement(transaction, 420, by="ada", reason="still", site=scene.site, now=scene.now)
        assert not transaction.energy_suspect


def test_a_second_stop_with_other_figures_is_a_doubt_that_is_booked_once() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(transaction, meterStop=1500)
    for meter_stop in (9000, 9001):
        scene.now += SECOND
        scene.stop(transaction, meterStop=meter_stop)

    assert (transaction.energy_wh, transaction.doubts, transaction.revision) == (500, ["second_stop"], 2)
    assert transaction.flags == ["stop:contradicted"]
    assert len(scene.cp.orphans) == 2


def test_boots_are_remembered_up_to_a_number() -> None:
    scene = Scene()
    transaction = scene.started()
    for _ in range(60):
        scene.send("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})

    assert len(transaction.boots) == 50


@pytest.mark.parametrize(
    ("timestamp", "oddity"), [("2026-03-01T11:00:00Z", None), ("then", "unreadable"), ("", "missing")]
)
def test_what_a_stop_says_of_its_time(timestamp: str, oddity: str | None) -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(transaction, timestamp=timestamp)

    assert transaction.stop is not None
    assert (transaction.stop.oddity, transaction.stop.register, transaction.stop.received_at) == (oddity, 1500, NOON)
