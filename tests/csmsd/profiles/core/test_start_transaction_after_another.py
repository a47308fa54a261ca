"""A StartTransaction where one runs already: that one is given up, or goes on."""

from csmsd.profiles.core import booking
from csmsd.profiles.core.transaction_book import MAX_ACTIVE
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene


class TestPredecessor:
    def test_one_that_was_never_stopped_is_abandoned_with_what_it_is_known_to_have_drawn(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.meter("1700", transactionId=first.id)
        scene.now += HOUR

        answer = scene.start(meterStart=1800)

        assert answer.transactions == [first, scene.transaction(2)]
        assert (first.state, first.energy_wh, first.stop_time) == ("abandoned", 700, None)
        assert first.flags == ["abandoned_for:2"]
        assert answer.event("transaction.abandoned") == {"transaction": 1, "successor": 2}
        assert answer.event_types == ["transaction.abandoned", "transaction.started"]

    def test_other_connectors_are_left_alone(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += HOUR
        scene.start(connectorId=2)

        assert first.state == "active"

    def test_a_start_from_a_backlog_abandons_nothing_newer(self) -> None:
        scene = Scene()
        running = scene.started(timestamp="2026-03-01T11:30:00Z")

        late = scene.started(timestamp="2026-03-01T09:00:00Z", meterStart=500)
        assert (running.state, late.state) == ("active", "active")

        scene.stop(late, meterStop=900, timestamp="2026-03-01T10:00:00Z")
        assert (running.state, late.state, late.energy_wh) == ("active", "stopped", 400)

    def test_how_many_run_at_once_is_bounded_whatever_connectors_and_times_are_named(self) -> None:
        scene = Scene()
        first = scene.started(timestamp="2026-03-01T11:59:00Z")
        for number in range(1, MAX_ACTIVE + 20):
            scene.start(connectorId=1000 + number)
            scene.start(connectorId=1, timestamp=f"2026-02-01T{23 - number // 60 % 24:02d}:{59 - number % 60:02d}:00Z")

        active = scene.cp.transactions.active()
        assert len(active) == MAX_ACTIVE
        assert first.state == "abandoned"
        assert len(scene.cp.transactions.unfinished()) <= MAX_ACTIVE + 2 * 500


class TestOneThatGoesOn:
    """Two starts on a connector: the one that the charge point goes on with is the running one."""

    def test_a_reading_that_names_it_brings_it_back_and_gives_the_other_one_up(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += SECOND
        second = scene.started(idTag="NOBODY")
        scene.now += SECOND

        answer = scene.meter("2000", transactionId=first.id)

        assert (first.state, second.state, first.flags) == ("active", "abandoned", ["resumed"])
        assert second.flags == ["id_tag:Invalid", "abandoned_for:1"]
        assert scene.cp.transactions.active_on(1) is first
        assert answer.event_types == ["transaction.abandoned", "transaction.resumed", "meter_values"]
        assert set(map(id, answer.transactions)) == {id(first), id(second)}
        assert (scene.cp.energy_wh(first), scene.cp.energy_wh(second)) == (1000, 0)

    def test_both_run_when_both_are_named(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += SECOND
        second = scene.started()
        for transaction in (second, first, second, first):
            scene.now += SECOND
            scene.meter("2000", transactionId=transaction.id)

        assert (first.state, second.state) == ("active", "active")
        assert scene.cp.transactions.active_on(1) is first

    def test_a_reading_of_before_it_was_given_up_says_nothing(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += HOUR
        second = scene.started()
        backlog = {"timestamp": "2026-03-01T12:30:00Z", "sampledValue": [{"value": "2000"}]}

        scene.meter(transactionId=first.id, meterValue=[backlog])

        assert (first.state, second.state) == ("abandoned", "active")

    def test_a_clock_that_is_ahead_at_both_starts_does_not_matter(self) -> None:
        scene = Scene()
        first = scene.started(timestamp="2026-03-01T14:00:00Z")
        second = scene.started(timestamp="2026-03-01T14:00:01Z")
        scene.now += SECOND

        scene.meter("2000", transactionId=first.id)

        assert (first.state, second.state) == ("active", "abandoned")

    def test_a_reading_of_before_says_nothing_when_the_other_one_is_over_either(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += HOUR
        scene.stop(scene.started())
        backlog = {"timestamp": "2026-03-01T12:30:00Z", "sampledValue": [{"value": "2000"}]}

        scene.meter(transactionId=first.id, meterValue=[backlog])

        assert first.state == "abandoned"

    def test_no_more_come_back_than_may_run_at_once(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += SECOND
        for connector in range(1, MAX_ACTIVE + 1):
            scene.start(connectorId=connector)
        scene.now += SECOND

        scene.meter("2000", transactionId=first.id)

        assert (first.state, len(scene.cp.transactions.active())) == ("abandoned", MAX_ACTIVE)

    def test_nor_does_a_reading_of_before_the_one_that_runs_now(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.stop(-1, timestamp="2026-03-01T12:10:00Z")
        scene.now += HOUR
        second = scene.started()
        backlog = {"timestamp": "2026-03-01T12:30:00Z", "sampledValue": [{"value": "2000"}]}

        scene.meter(transactionId=first.id, meterValue=[backlog])

        assert (first.state, second.state) == ("stopped", "active")

    def test_what_was_removed_with_its_charge_point_comes_back_with_it(self) -> None:
        scene = Scene()
        transaction = scene.started()
        booking.book_as_given_up(transaction, "charge_point_removed", scene.site)

        scene.meter("2000", transactionId=transaction.id)

        assert (transaction.state, transaction.flags) == ("active", ["resumed"])
