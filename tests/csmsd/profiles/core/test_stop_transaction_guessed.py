"""Stops that do not name their transaction: which one they mean, and what becomes of that when its own stop comes."""

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene, clock


class TestWithoutUsableId:
    @pytest.mark.parametrize("claimed", [-1, 0, 4711, 2**62])
    def test_it_is_matched_by_tag_time_and_register(self, claimed: int) -> None:
        scene = Scene()
        scene.tag("TAG2")
        meant, other = scene.started(), scene.started(connectorId=2, idTag="TAG2")

        answer = scene.stop(claimed, idTag="tag1")

        assert answer.payload == {"idTagInfo": {"status": "Accepted"}}
        assert (meant.state, other.state, meant.energy_wh) == ("stopped", "active", 500)
        assert meant.flags == [f"stop:matched_{claimed}"]
        assert ("transactionId", "unknown") in answer.deviations

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"idTag": "TAG1"}, "two candidates"),
            ({}, "two candidates"),
            ({"idTag": "NOBODY"}, "no such tag charges"),
            ({"idTag": "TAG1", "meterStop": 900}, "the register was higher already"),
            ({"idTag": "TAG1", "timestamp": "2026-03-01T11:00:00Z"}, "before they began"),
        ],
    )
    def test_what_fits_no_transaction_or_two_is_kept_as_an_orphan(self, fields: dict[str, Any], why: str) -> None:
        scene = Scene()
        first, second = scene.started(), scene.started(connectorId=2)

        answer = scene.stop(-1, **fields)

        assert "idTagInfo" in answer.payload or "idTag" not in fields, why
        assert (first.state, second.state) == ("active", "active")
        (orphan,) = answer.quarantined
        assert (orphan.charge_point, orphan.action, orphan.received_at) == ("CP1", "StopTransaction", NOON)
        assert json.loads(orphan.payload)["transactionId"] == -1
        assert answer.event("transaction.orphaned")["claimed_transaction"] == -1

    def test_the_id_of_another_charge_points_transaction_is_no_usable_id(self) -> None:
        scene = Scene()
        scene.register("CP2")
        theirs = scene.started()

        answer = scene.stop(theirs.id, by="CP2", idTag="TAG1")

        assert theirs.state == "active"
        assert len(answer.quarantined) == 1
        assert answer.quarantined[0].charge_point == "CP2"


class TestGuessed:
    """Its own stop comes after one that was taken for it, or the charge point goes on with the transaction."""

    def test_its_own_stop_replaces_the_guess_which_is_kept(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(8731, meterStop=4000, timestamp="2026-03-01T12:00:00Z", reason="EVDisconnected")
        assert (transaction.state, transaction.energy_wh, transaction.booking) == ("stopped", 3000, 1)
        scene.now += HOUR

        answer = scene.stop(transaction, meterStop=11000)

        assert (transaction.energy_wh, transaction.meter_stop_wh, transaction.stop_reason) == (10000, 11000, "Local")
        assert (transaction.flags, transaction.booking, transaction.revision) == ([], 2, 2)
        (orphan,) = answer.quarantined
        assert orphan.reason == "taken for the end of transaction 1, whose own came later"
        assert json.loads(orphan.payload) == {
            "idTag": None, "meterStop": 4000, "timestamp": "2026-03-01T12:00:00Z", "transactionId": 8731,
            "reason": "EVDisconnected",
        }  # fmt: skip
        assert answer.event_types == ["transaction.stopped"]

    def test_its_own_stop_with_the_same_figures_was_that_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1)

        answer = scene.stop(transaction)

        assert (transaction.energy_wh, transaction.flags, answer.quarantined) == (500, [], [])

    def test_its_own_stop_with_a_register_that_could_not_be_read_was_that_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        at = format_timestamp(scene.now)
        scene.send("StopTransaction", {"idTag": "TAG1", "timestamp": at, "meterStop": "?", "transactionId": None})
        assert transaction.guessed

        answer = scene.stop(transaction, timestamp=at, meterStop=4000)

        assert (transaction.energy_wh, answer.quarantined) == (3000, [])

    def test_a_foreign_stop_ends_none_that_its_charge_point_names_by_its_id(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.meter("3000", transactionId=transaction.id)

        answer = scene.stop(8731, meterStop=4000)

        assert (transaction.state, answer.event_types) == ("active", ["transaction.orphaned"])

    @pytest.mark.parametrize("named", [True, False])
    def test_one_that_goes_on_runs_again(self, named: bool) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.status(1, "Charging")
        scene.now += HOUR
        scene.stop(8731, meterStop=4000)
        scene.now += HOUR

        fields: dict[str, Any] = {"transactionId": transaction.id} if named else {}
        answer = scene.meter("9000", **fields)

        assert (transaction.state, transaction.booking, transaction.stop_time) == ("active", 1, None)
        assert (transaction.flags, scene.cp.energy_wh(transaction)) == (["resumed"], 8000)
        assert answer.event_types == ["transaction.resumed", "meter_values"]
        assert answer.quarantined[0].reason == "taken for the end of transaction 1, which went on"
        assert scene.site.active_transactions_of("TAG1") == 1
        scene.stop(transaction, meterStop=11000)
        assert (transaction.energy_wh, transaction.revision) == (10000, 2)

    @pytest.mark.parametrize("reading", ["4000", "4009"])
    def test_a_reading_that_is_no_higher_does_not_say_that_it_goes_on(self, reading: str) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.status(1, "Charging")
        scene.stop(-1, meterStop=4000)
        scene.now += SECOND

        scene.meter(reading)

        assert transaction.state == "stopped"

    def test_nor_does_one_of_a_connector_that_does_not_charge_or_of_before_the_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1, meterStop=4000)
        backlog = {"timestamp": "2026-03-01T11:59:00Z", "sampledValue": [{"value": "3900"}]}
        scene.meter(transactionId=transaction.id, meterValue=[backlog])
        scene.status(1, "Finishing")
        scene.now += SECOND
        scene.meter("9000")

        assert transaction.state == "stopped"

    def test_nor_does_a_register_that_was_read_before_the_stop(self) -> None:
        """Its clock, or the order in which it sends, is not to be trusted then."""
        scene = Scene()
        transaction = scene.started()
        scene.status(1, "Charging")
        scene.now += HOUR
        scene.stop(-1, meterStop=4000)
        early = {"timestamp": "2026-03-01T12:59:59Z", "sampledValue": [{"value": "9000"}]}

        answer = scene.meter(meterValue=[early])

        assert (transaction.state, transaction.energy_wh) == ("stopped", 3000)
        assert answer.event_types == ["meter_values"]

    def test_one_that_comes_again_and_names_no_tag_was_booked_already(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1)

        answer = scene.stop(-1)

        assert (transaction.booking, transaction.revision, len(scene.cp.orphans)) == (1, 1, 0)
        assert answer.payload == {}


class TestBeforeItsStart:
    EARLY: ClassVar[dict[str, Any]] = {"meterStop": 1900, "timestamp": "2026-03-01T11:55:00Z", "idTag": "TAG1"}

    def test_it_waits_for_it(self) -> None:
        scene = Scene()
        scene.stop(-1, **self.EARLY)

        answer = scene.start(timestamp="2026-03-01T11:00:00Z", meterStart=1000)

        transaction = scene.transaction(1)
        assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", 900, ["stop:matched_-1"])
        assert (transaction.stop_time, transaction.stop_reason) == (clock("11:55"), "Local")
        assert answer.event_types == ["transaction.started", "transaction.stopped"]
        assert answer.quarantined[0].settlement == "booked on transaction 1, whose start came later"
        assert (len(scene.cp.orphans), answer.payload["transactionId"]) == (0, 1)

    @pytest.mark.parametrize(
        ("stop", "start"),
        [
            ({}, {"timestamp": "2026-03-01T11:56:00Z"}),  # begun later
            ({}, {"meterStart": 2000}),
            ({}, {"idTag": "TAG2"}),
            ({"timestamp": "then"}, {}),
        ],
    )
    def test_one_that_does_not_fit_waits_on(self, stop: dict[str, Any], start: dict[str, Any]) -> None:
        scene = Scene()
        scene.stop(-1, **{**self.EARLY, **stop})

        started = scene.started(**{"timestamp": "2026-03-01T11:00:00Z", **start})

        assert (started.state, len(scene.cp.orphans)) == ("active", 1)

    def test_one_that_names_its_number_is_its_own_whoever_stopped_it(self) -> None:
        scene = Scene()
        scene.stop(1, **self.EARLY | {"idTag": "TAG2"})

        started = scene.started(timestamp="2026-03-01T11:00:00Z")

        assert (started.id, started.state, started.energy_wh) == (1, "stopped", 900)
        assert (started.stop_id_tag, len(scene.cp.orphans)) == ("TAG2", 0)

    def test_of_two_that_fit_neither_is_taken(self) -> None:
        scene = Scene()
        scene.stop(-1, **self.EARLY)
        scene.stop(-1, **{**self.EARLY, "meterStop": 1901})

        assert scene.started(timestamp="2026-03-01T11:00:00Z").state == "active"

    def test_one_that_contradicted_another_transaction_is_for_no_later_one(self) -> None:
        scene = Scene()
        before = scene.started(timestamp="2026-03-01T10:00:00Z")
        scene.stop(before, timestamp="2026-03-01T10:30:00Z")
        scene.stop(before, **self.EARLY)

        assert scene.started(timestamp="2026-03-01T11:00:00Z").state == "active"


def test_the_id_of_the_transaction_before_ends_the_one_that_runs_now() -> None:
    scene = Scene()
    before = scene.started(timestamp="2026-03-01T10:00:00Z", meterStart=1000)
    scene.stop(before, meterStop=2000, timestamp="2026-03-01T10:30:00Z")
    running = scene.started(timestamp="2026-03-01T11:00:00Z", meterStart=2000)
    scene.meter("3500", transactionId=before.id)
    assert scene.cp.energy_wh(running) == 1500

    scene.stop(before, meterStop=6000, idTag="TAG1")

    assert (before.energy_wh, running.state, running.energy_wh) == (1000, "stopped", 4000)
    assert running.flags == [f"stop:matched_{before.id}"]


def test_a_stop_in_the_moment_of_the_start_and_at_its_register_can_mean_it() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(-1, idTag="TAG1", meterStop=1000)
    assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", 0, ["stop:matched_-1"])


class TestOfLostBooks:
    """After a backup was put back: ids that only the books in whose place it stands can have given."""

    LATE: ClassVar[dict[str, Any]] = {"meterStop": 1900, "timestamp": "2026-03-01T11:55:00Z", "idTag": "TAG1"}

    @pytest.mark.parametrize(
        ("claimed", "state"), [(500, "active"), (501, "stopped"), (99, "stopped"), (-1, "stopped")]
    )
    def test_it_is_nobody_elses_however_well_it_would_fit(self, claimed: int, state: str) -> None:
        scene = Scene()
        scene.site.lost_transaction_ids = [range(100, 501)]
        transaction = scene.started(timestamp="2026-03-01T11:00:00Z", meterStart=1000)

        scene.stop(claimed, **self.LATE)

        assert transaction.state == state
        assert len(scene.cp.orphans) == (state == "active")

    def test_it_does_not_wait_for_a_start(self) -> None:
        scene = Scene()
        scene.site.lost_transaction_ids = [range(100, 501)]
        scene.stop(100, **self.LATE)

        scene.start(timestamp="2026-03-01T11:00:00Z", meterStart=1000)

        assert scene.transaction(1).state == "active"
        assert len(scene.cp.orphans) == 1


# What a charge point may send besides: (what, minute, register, id as an offset from that of the transaction).


NOISE = st.lists(
    st.tuples(
        st.sampled_from(["stop", "meter", "start", "start elsewhere", "boot", "stop with its tag"]),
        st.integers(-60, 60),
        st.integers(0, 20_000),
        st.sampled_from([None, -8, 1, 2, 8731, 0]),
    ),
    max_size=8,
)


@given(NOISE)
def test_its_own_stop_counts_whatever_else_was_sent(noise: list[tuple[str, int, int, int | None]]) -> None:
    scene = Scene()
    transaction = scene.started(timestamp=format_timestamp(NOON - HOUR), meterStart=1000)
    for what, minute, register, other in noise:
        at = format_timestamp(NOON + minute * 60 * SECOND)
        named = {} if other is None else {"transactionId": transaction.id + other if other else transaction.id}
        if what.startswith("stop"):
            tag = {"idTag": "TAG1"} if what == "stop with its tag" else {}
            foreign = named if named.get("transactionId") != transaction.id else {}
            scene.send("StopTransaction", {"meterStop": register, "timestamp": at, **foreign, **tag})
        elif what == "meter":
            value = {"timestamp": at, "sampledValue": [{"value": str(register)}]}
            scene.send("MeterValues", {"connectorId": 1, "meterValue": [value], **named})
        elif what == "boot":
            scene.send("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})
        else:
            scene.start(connectorId=1 if what == "start" else 2, timestamp=at, meterStart=register)

    scene.stop(transaction, meterStop=5000, timestamp=format_timestamp(NOON + HOUR), reason="Remote")

    assert (transaction.state, transaction.meter_stop_wh, transaction.stop_reason) == ("stopped", 5000, "Remote")
    assert not transaction.guessed
    assert transaction.energy_wh >= 0
    assert transaction.booking is not None
    running = scene.cp.transactions.active()
    assert transaction not in running
    assert scene.site.active_transactions_of("TAG1") == len(running)
