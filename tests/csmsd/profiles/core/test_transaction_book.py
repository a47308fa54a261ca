"""The transactions of a charge point in memory, and what of them is asked for on disk."""

from collections.abc import Callable

import pytest

from csmsd.profiles.core.transaction_book import REMEMBERED, TransactionBook
from csmsd.profiles.core.transactions import NotRemembered, Transaction, Wanted, transaction_start_key
from tests.csmsd.profiles.core.booked import transaction
from tests.csmsd.profiles.scene import NOON


def book(*transactions: Transaction) -> TransactionBook:
    made = TransactionBook()
    for known in transactions:
        made.add(known)
    return made


def stop(found: Transaction, kept: TransactionBook) -> None:
    found.state = "stopped"
    kept.update(found)


def test_a_start_is_known_by_connector_tag_time_and_register() -> None:
    first = transaction(1)
    kept = book(first)

    assert kept.started_as(transaction_start_key(1, "tag1", "start 1", 1000), NOON) is first
    for other in ((2, "TAG1", "start 1", 1000), (1, "TAG2", "start 1", 1000), (1, "TAG1", "start 2", 1000),
                  (1, "TAG1", "start 1", 1001)):  # fmt: skip
        assert kept.started_as(transaction_start_key(*other), NOON) is None


def test_the_newest_transaction_of_a_connector_is_the_one_that_runs_there() -> None:
    late, early, elsewhere = (
        transaction(1, start_time=NOON + 9),
        transaction(2, start_time=NOON),
        transaction(3, connector=2),
    )
    kept = book(late, early, elsewhere)

    assert kept.active() == [late, early, elsewhere]
    assert kept.active_on(1) is late
    stop(late, kept)
    assert kept.active_on(1) is early
    stop(early, kept)
    assert kept.active_on(1) is None
    assert kept.active() == [elsewhere]
    assert kept.get(1) is late


def test_of_two_on_a_connector_the_one_that_the_charge_point_goes_on_with_is_running_there() -> None:
    first, second = transaction(1, named=True), transaction(2)
    kept = book(first, second)
    assert kept.active_on(1) is second

    kept.gather(first).newest = NOON + 60
    kept.gather(second).newest = NOON + 90

    first.named = True
    assert kept.active_on(1) is first
    second.named = True
    assert kept.active_on(1) is second


def test_a_guessed_end_is_kept_apart_until_its_own_comes() -> None:
    first, second = transaction(1), transaction(2, connector=2)
    kept = book(first, second)
    first.flag("stop:matched_-1")
    stop(first, kept)
    stop(second, kept)

    assert (first.guessed, kept.guessed_on(1), kept.guessed_on(2)) == (True, first, None)
    first.unflag("stop:matched_")
    kept.update(first)
    assert (first.guessed, kept.guessed_on(1)) == (False, None)


def test_old_transactions_are_forgotten_unless_they_run() -> None:
    kept = TransactionBook()
    running = transaction(1, connector=9)
    kept.add(running)
    for number in range(2, REMEMBERED + 102):
        ended = transaction(number)
        kept.add(ended)
        stop(ended, kept)

    assert kept.get(1) is running
    assert kept.get(2) is None
    with pytest.raises(NotRemembered):
        kept.started_as(transaction_start_key(1, "TAG1", "start 2", 1000), NOON)
    assert kept.get(REMEMBERED + 101) is not None
    assert sum(kept.get(number) is not None for number in range(2, REMEMBERED + 102)) <= REMEMBERED + 1


def test_so_many_are_remembered_beside_those_that_run() -> None:
    kept = book(transaction(1, connector=9))
    for number in range(2, REMEMBERED + 2):
        ended = transaction(number)
        kept.add(ended)
        stop(ended, kept)
    assert kept.get(2) is not None
    kept.add(transaction(REMEMBERED + 2))
    assert kept.get(2) is not None
    ended = transaction(REMEMBERED + 3)
    ended.state = "stopped"
    kept.add(ended)
    assert (kept.get(2), kept.get(3) is not None) == (None, True)


def test_what_was_measured_is_known_as_long_as_the_transaction_may_still_be_stopped() -> None:
    first = transaction(1)
    kept = book(first)
    measured = kept.gathered(1)
    assert measured is not None
    assert kept.gather(first) is measured

    first.state = "abandoned"
    kept.update(first)
    assert (kept.gathered(1), kept.unfinished()) == (measured, [first])

    stop(first, kept)
    assert (kept.gathered(1), kept.unfinished()) == (None, [])


def wanted_of(book: TransactionBook, ask: Callable[[], object]) -> Wanted:
    """What it says has to be looked up."""
    with pytest.raises(NotRemembered) as forgotten:
        ask()
    return forgotten.value.wanted


def test_what_is_on_disk_is_asked_for_once() -> None:
    kept = book(transaction(9))
    kept.leave_on_disk(NOON)
    wanted = wanted_of(kept, lambda: kept.find(3))
    assert wanted == Wanted(ids=(3,))
    kept.recall(wanted, [])
    assert kept.find(3) is None

    assert (kept.find(0), kept.find(-1)) == (None, None), "nobody was ever given these"

    old = transaction(4, state="stopped")
    kept.recall(wanted_of(kept, lambda: kept.find(4)), [old])
    assert kept.find(4) is old


def test_a_charge_point_with_nothing_on_disk_alone_asks_for_nothing() -> None:
    kept = book(transaction(9))
    assert (kept.find(3), kept.stopped_as("TAG1", "stop", 1)) == (None, None)
    assert kept.started_as(transaction_start_key(1, "TAG1", "start 3", 1000), 0) is None


def test_a_start_is_looked_for_on_disk_unless_it_is_newer_than_all_there() -> None:
    kept = book(transaction(9))
    kept.leave_on_disk(NOON)
    key = transaction_start_key(1, "TAG1", "start 3", 1000)
    assert kept.started_as(key, NOON + 1) is None
    assert kept.started_as(key, None) is None, "its text tells no time, so that it tells no start from others"
    other = transaction_start_key(1, "TAG1", "2036-03-01T09:17:23Z", 1000)
    assert wanted_of(kept, lambda: kept.started_as(other, None)) == Wanted(start=(other, None))
    wanted = wanted_of(kept, lambda: kept.started_as(key, NOON))
    assert wanted == Wanted(start=(key, NOON))
    old = transaction(3, state="stopped", start_time=NOON)
    kept.recall(wanted, [old])
    assert kept.started_as(key, NOON) is old


def test_what_was_not_there_may_be_there_once_something_was_let_go_of() -> None:
    kept = book(*(transaction(number, state="stopped") for number in range(100, 100 + REMEMBERED)))
    kept.leave_on_disk(NOON)
    new = transaction(5000, state="stopped", start_time=NOON)
    kept.recall(wanted_of(kept, lambda: kept.started_as(new.start_key, NOON)), [])
    kept.add(new)
    for number in range(6000, 6000 + REMEMBERED):
        kept.add(transaction(number, state="stopped"))
    assert kept.get(5000) is None
    assert wanted_of(kept, lambda: kept.started_as(new.start_key, NOON)) == Wanted(start=(new.start_key, NOON))


def test_the_stop_of_another_one_is_not_looked_for_for_ever() -> None:
    kept = book(transaction(9))
    kept.leave_on_disk(NOON)
    wanted = wanted_of(kept, lambda: kept.stopped_as("TAG1", "stop 3", 1500))
    assert wanted == Wanted(stop_text="stop 3")
    kept.recall(wanted, [transaction(3, state="stopped", stop_text="stop 3", meter_stop_wh=7, stop_id_tag="TAG1")])
    assert kept.stopped_as("TAG1", "stop 3", 1500) is None


def test_what_was_looked_up_takes_nobodys_place_and_is_no_news() -> None:
    kept = book(*(transaction(number, state="stopped") for number in range(1000, 1000 + REMEMBERED)))
    kept.leave_on_disk(NOON)
    for number in range(1, 100):
        kept.recall(Wanted(ids=(number,)), [transaction(number, state="stopped", start_received_at=NOON)])

    assert sum(kept.get(number) is not None for number in range(1, 100)) < 20
    assert all(kept.get(number) for number in range(1000, 1000 + REMEMBERED))
    assert [known.id for known in kept.told_since(NOON + 1000 + REMEMBERED - 2)] == [
        1000 + REMEMBERED - 1,
        1000 + REMEMBERED - 2,
    ]


def test_one_that_may_still_be_stopped_wants_what_was_measured_of_it() -> None:
    kept = book(transaction(3, state="abandoned"), transaction(9))
    kept.leave_on_disk(NOON)
    assert kept.get(3) is not None
    assert wanted_of(kept, lambda: kept.find(3)) == Wanted(ids=(3,))
    assert kept.find(9) is kept.get(9)
