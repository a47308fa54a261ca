"""StartTransaction (C 4.8)."""

from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core.start_transaction import StartTransactionConf, StartTransactionReq
from csmsd.profiles.policies import Policies
from tests.csmsd.profiles.core.starts import START
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, Scene, clock


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
