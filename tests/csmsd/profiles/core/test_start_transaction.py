"""StartTransaction (C 4.8)."""

from typing import Any, ClassVar

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core import booking
from csmsd.profiles.core.start_transaction import StartTransactionConf, StartTransactionReq
from csmsd.profiles.core.transactions import MAX_ACTIVE
from csmsd.profiles.policies import Policies
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene, clock

START: dict[str, Any] = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}


@pytest.mark.parametrize(
    "payload", [START, {**START, "reservationId": 7}, {**START, "meterStart": -5, "connectorId": 0}]
)
def test_valid_requests(payload: dict[str, Any]) -> None:
    assert_valid(StartTransactionReq, payload)


@pytest.mark.parametrize(
    "payload",
    [
        {"idTagInfo": {"status": "Accepted"}, "transactionId": 1},
        {"idTagInfo": {"expiryDate": "2026-03-01T12:00:00.000Z", "parentIdTag": "P", "status": "Expired"},
         "transactionId": 2**31 - 1},
    ],
)  # fmt: skip
def test_valid_confirmations(payload: dict[str, Any]) -> None:
    assert_valid(StartTransactionConf, payload)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        *(({name: value for name, value in START.items() if name != missing}, "OccurenceConstraintViolation")
          for missing in START if missing not in ("timestamp", "meterStart")),
        ({**START, "connectorId": None}, "TypeConstraintViolation"),
        ({**START, "connectorId": 10**30}, "PropertyConstraintViolation"),
        ([], "FormationViolation"),
    ],
)  # fmt: skip
def test_refused(payload: object, code: str) -> None:
    scene = Scene()

    with pytest.raises(OcppError, match=code):
        scene.send("StartTransaction", payload)
    assert scene.cp.transactions.active() == []


@pytest.mark.parametrize("given", [{}, {"timestamp": None}])
def test_without_a_timestamp_it_begins_now(given: dict[str, Any]) -> None:
    scene = Scene()
    payload = {name: value for name, value in START.items() if name != "timestamp"} | given

    answer = scene.send("StartTransaction", payload)
    (transaction,) = scene.cp.transactions.active()
    assert answer.payload["transactionId"] == transaction.id
    assert (transaction.start_time, transaction.flags) == (scene.now, ["start_time:missing"])
    assert answer.deviations.count(("timestamp", "missing")) == 1


def test_a_transaction_begins() -> None:
    scene = Scene()

    answer = scene.start(connectorId=2, meterStart=1234, timestamp="2026-03-01T11:59:30Z", reservationId=7)

    assert answer.payload == {"idTagInfo": {"status": "Accepted"}, "transactionId": 1}
    (transaction,) = answer.transactions
    assert scene.cp.transactions.active() == [transaction]
    assert (transaction.id, transaction.charge_point, transaction.connector, transaction.id_tag) == (
        1,
        "CP1",
        2,
        "TAG1",
    )
    assert (transaction.meter_start_wh, transaction.reservation, transaction.state) == (1234, 7, "active")
    assert (transaction.start_time, transaction.start_received_at) == (clock("11:59:30"), NOON)
    assert transaction.start_text == "2026-03-01T11:59:30Z"
    assert transaction.flags == []
    assert answer.event("transaction.started") == {
        "transaction": 1, "connector": 2, "id_tag": "TAG1", "status": "Accepted", "meter_start_wh": 1234
    }  # fmt: skip


def test_ids_are_positive_and_unique_over_the_whole_site() -> None:
    scene = Scene()
    scene.register("CP2")

    ids = [scene.started(by=by, connectorId=connector).id for by in ("CP1", "CP2") for connector in (1, 2)]

    assert ids == [1, 2, 3, 4]  # CE 3.54


@pytest.mark.parametrize(
    ("id_tag", "status"),
    [("tag1", "Accepted"), ("NOBODY", "Invalid"), ("LOST", "Blocked"), ("OLD", "Expired"), ("", "Invalid")],
)
def test_the_tag_is_verified_again_and_an_id_given_whatever_comes_of_it(id_tag: str, status: str) -> None:
    scene = Scene()
    scene.tag("LOST", blocked=True)
    scene.tag("OLD", expires_at=NOON - HOUR)

    answer = scene.start(idTag=id_tag)

    assert answer.payload["idTagInfo"]["status"] == status
    transaction = scene.transaction(answer.payload["transactionId"])
    assert (transaction.id_tag, transaction.id_tag_status, transaction.state) == (id_tag, status, "active")
    assert transaction.flags == ([] if status == "Accepted" else [f"id_tag:{status}"])


def test_unknown_tags_may_be_let_in_by_policy() -> None:
    scene = Scene(Policies(unknown_id_tags="Accepted"))

    assert scene.start(idTag="NOBODY").payload["idTagInfo"] == {"status": "Accepted"}


class TestConcurrentTx:
    def scene(self, limit: int) -> Scene:
        scene = Scene()
        scene.tag("SOME", max_transactions=limit)
        scene.register("CP2")
        return scene

    def test_a_tag_charges_as_often_at_once_as_it_may(self) -> None:
        scene = self.scene(2)

        statuses = [
            scene.start(by=by, connectorId=connector, idTag=id_tag).payload["idTagInfo"]["status"]
            for by, connector, id_tag in (("CP1", 1, "SOME"), ("CP2", 1, "some"), ("CP1", 2, "SOME"))
        ]

        assert statuses == ["Accepted", "Accepted", "ConcurrentTx"]

    def test_it_may_again_when_one_has_ended(self) -> None:
        scene = self.scene(1)
        first = scene.started(idTag="SOME")
        scene.stop(first)

        assert scene.start(by="CP2", idTag="SOME").payload["idTagInfo"]["status"] == "Accepted"

    def test_a_repeated_start_is_not_counted_twice(self) -> None:
        scene = self.scene(1)
        scene.start(idTag="SOME")

        assert scene.start(idTag="SOME").payload["idTagInfo"]["status"] == "Accepted"

    def test_a_transaction_on_the_same_connector_that_was_never_stopped_does_not_stand_in_the_way(self) -> None:
        scene = self.scene(1)
        scene.start(idTag="SOME")
        scene.now += HOUR

        assert scene.start(idTag="SOME").payload["idTagInfo"]["status"] == "Accepted"

    def test_a_tag_that_is_blocked_as_well_is_blocked(self) -> None:
        scene = self.scene(0)
        assert scene.start(idTag="SOME").payload["idTagInfo"]["status"] == "ConcurrentTx"
        scene.site.id_tags["some"].blocked = True

        assert scene.start(idTag="SOME", connectorId=2).payload["idTagInfo"]["status"] == "Blocked"


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


class TestWithoutRegister:
    @pytest.mark.parametrize("given", [{}, {"meterStart": None}, {"meterStart": "full"}, {"meterStart": 2**63}])
    def test_it_is_confirmed_and_flagged(self, given: dict[str, object]) -> None:
        scene = Scene()
        payload = {name: value for name, value in START.items() if name != "meterStart"} | given

        answer = scene.send("StartTransaction", payload)

        transaction = scene.transaction(1)
        assert answer.payload == {"idTagInfo": {"status": "Accepted"}, "transactionId": 1}
        assert (transaction.flags, transaction.meter_start) == (["meter_start:unknown"], None)
        assert ("meterStart", "unreadable") in answer.deviations
        assert scene.send("StartTransaction", payload).payload == answer.payload


@pytest.mark.parametrize(("reservation", "kept"), [(None, None), (0, None), (7, 7), (-1, -1)])
def test_reservation_0_is_none(reservation: int | None, kept: int | None) -> None:
    assert Scene().started(reservationId=reservation).reservation == kept


@pytest.mark.parametrize("connector", [0, 257, 10**6])
def test_a_connector_that_cannot_be_is_flagged_and_still_given_its_transaction(connector: int) -> None:
    scene = Scene()

    answer = scene.start(connectorId=connector)

    assert answer.payload["transactionId"] == 1
    assert ("connectorId", "out_of_range") in answer.deviations


def test_endless_text_is_cut() -> None:
    transaction = Scene().started(idTag="T" * 60_000, timestamp="2026" * 15_000)

    assert len(transaction.id_tag) <= 200
    assert len(transaction.start_text) <= 640


def test_what_is_as_it_should_be_is_not_noted() -> None:
    assert Scene().start().deviations == []


def test_what_else_is_odd_of_an_unreadable_start_is_noted_too() -> None:
    payload = {name: value for name, value in START.items() if name != "timestamp"} | {"idTag": "T" * 30}
    assert "idTag" in [field for field, _ in Scene().send("StartTransaction", payload).deviations]
