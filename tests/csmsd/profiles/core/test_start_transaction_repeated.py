"""A StartTransaction that comes again, with a clock that tells the two apart, or without one."""

from typing import Any, ClassVar

import pytest

from tests.csmsd.profiles.core.starts import START
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene


class TestRepeatedStart:
    def test_it_gets_its_first_answer_and_begins_nothing(self) -> None:
        scene = Scene()
        first = scene.start(**START)
        scene.site.id_tags["tag1"].blocked = True  # what was answered first stands
        scene.now += HOUR

        again = scene.start(**{**START, "idTag": "tag1"})

        assert again.payload == first.payload
        assert len(scene.cp.transactions.active()) == 1
        assert again.events == []
        assert ("timestamp", "repeated_start") in again.deviations

    def test_its_answer_waits_for_the_disk_like_the_first_one(self) -> None:
        """The first may still be on its way to the disk: what is answered has to be on it."""
        scene = Scene()
        first = scene.start(**START)

        assert scene.start(**START).changes == first.changes

    def test_after_the_stop_it_still_gets_its_first_answer(self) -> None:
        scene = Scene()
        first = scene.start(**START)
        scene.stop(first.payload["transactionId"])

        assert scene.start(**START).payload == first.payload
        assert scene.cp.transactions.active() == []

    @pytest.mark.parametrize(
        "other",
        [{"connectorId": 2}, {"idTag": "TAG2"}, {"meterStart": 1001}, {"timestamp": "2026-03-01T12:00:01.000Z"}],
    )
    def test_another_start_is_another_transaction(self, other: dict[str, object]) -> None:
        scene = Scene()
        first = scene.start(**START)

        assert scene.start(**{**START, **other}).payload["transactionId"] != first.payload["transactionId"]

    def test_the_same_start_of_another_charge_point_is_another_transaction(self) -> None:
        scene = Scene()
        scene.register("CP2")

        assert scene.started(**START).id != scene.started(by="CP2", **START).id

    def test_a_first_answer_with_odd_texts_is_given_again(self) -> None:
        scene = Scene()
        scene.tag("CHILD", parent="a parent of more than twenty characters")
        first = scene.start(idTag="CHILD")

        assert scene.start(idTag="CHILD").payload == first.payload


class TestWithoutClock:
    CLOCKLESS: ClassVar[dict[str, Any]] = {**START, "timestamp": "1970-01-01T00:00:00Z", "meterStart": 0}

    def test_the_time_of_arrival_is_taken_and_flagged(self) -> None:
        scene = Scene()

        transaction = scene.started(**self.CLOCKLESS)

        assert (transaction.start_time, transaction.start_text) == (NOON, "1970-01-01T00:00:00Z")
        assert transaction.flags == ["start_time:before_2010"]

    def test_a_start_that_looks_like_one_that_runs_is_taken_for_it(self) -> None:
        scene = Scene()
        first = scene.started(**self.CLOCKLESS)
        scene.now += SECOND

        assert scene.started(**self.CLOCKLESS) is first

    def test_a_start_that_looks_like_one_that_was_stopped_is_a_new_one(self) -> None:
        scene = Scene()
        first = scene.started(**self.CLOCKLESS)
        scene.stop(first)
        scene.now += HOUR

        second = scene.started(**self.CLOCKLESS)

        assert second is not first
        assert (first.state, second.state, second.start_time) == ("stopped", "active", NOON + HOUR)

    @pytest.mark.parametrize("timestamp", ["2036-03-01T09:17:23Z", "2004-03-01T09:17:23Z"])
    @pytest.mark.parametrize("meter", [(0, 0), (0, 700), (5000, 5000), (5000, 5700)])
    def test_a_clock_that_goes_tells_no_start_twice(self, timestamp: str, meter: tuple[int, int]) -> None:
        """Ours may be the one that is wrong: it was set to another year for a moment."""
        scene = Scene()
        start = {**START, "timestamp": timestamp, "meterStart": meter[0]}
        first = scene.start(**start)
        scene.stop(first.payload["transactionId"], meterStop=meter[1])
        scene.now += HOUR

        again = scene.start(**start)

        assert again.payload == first.payload
        assert ("timestamp", "repeated_start") in again.deviations
        assert scene.cp.transactions.active() == []

    @pytest.mark.parametrize("timestamp", ["", "soon", "1970-01-01T00:00:00Z", "2036-03-01T09:17:23Z"])
    def test_a_register_that_has_gone_on_does_not_come_back(self, timestamp: str) -> None:
        scene = Scene()
        start = {**START, "timestamp": timestamp, "meterStart": 5000}
        first = scene.start(**start)
        scene.stop(first.payload["transactionId"], meterStop=5001)

        assert scene.start(**start).payload == first.payload

    @pytest.mark.parametrize("timestamp", ["", "soon", "1970-01-01T00:00:00Z"])
    @pytest.mark.parametrize("meter", [(0, 0), (0, 700), (5000, 5000)])
    def test_what_stands_still_tells_two_starts_from_each_other_by_nothing(
        self, timestamp: str, meter: tuple[int, int]
    ) -> None:
        scene = Scene()
        start = {**START, "timestamp": timestamp, "meterStart": meter[0]}
        first = scene.started(**start)
        scene.stop(first, meterStop=meter[1])

        assert scene.started(**start) is not first

    def test_a_clock_that_stood_still_until_the_stop_tells_nothing(self) -> None:
        scene = Scene()
        start = {**START, "timestamp": "2004-03-01T09:17:23Z", "meterStart": 0}
        first = scene.started(**start)
        scene.stop(first, timestamp="2004-03-01T09:17:23Z")

        assert scene.started(**start) is not first

    def test_a_clock_that_counts_from_each_boot_may_tell_a_time_twice(self) -> None:
        scene = Scene()
        start = {**START, "timestamp": "1970-01-01T00:03:07Z", "meterStart": 0}
        first = scene.started(**start)
        scene.stop(first)
        scene.now += HOUR
        scene.send("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})

        assert scene.started(**start) is not first

    def test_a_car_that_has_come_since_is_another_start(self) -> None:
        scene = Scene()
        start = {**START, "timestamp": "2036-03-01T09:17:23Z", "meterStart": 0}
        first = scene.started(**start)
        scene.stop(first)
        scene.now += SECOND
        scene.send("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})

        assert scene.started(**start) is not first

    @pytest.mark.parametrize(
        ("timestamp", "oddity"), [("", "missing"), ("soon", "unreadable"), ("2036-01-01T00:00:00Z", "in_the_future")]
    )
    def test_no_time_is_worth_a_refusal(self, timestamp: str, oddity: str) -> None:
        scene = Scene()

        transaction = scene.started(timestamp=timestamp)

        assert (transaction.start_time, transaction.flags) == (NOON, [f"start_time:{oddity}"])
