"""The life of a reservation (C 5.1, 5.13): what begins it, what ends it, and what does not."""

import json
from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_time
from csmsd.profiles import operations, outgoing
from csmsd.profiles.reservation.reservations import REMEMBERED, Reservation, Reservations, Terms
from tests.profiles.messages import against_schema
from tests.profiles.scene import HOUR, SECOND, Answer, Scene, assert_storable


class Reserving(Scene):
    """A scene whose operator reserves: what is sent goes the way of the runner."""

    def __init__(self) -> None:
        super().__init__()
        self.tag("TAG2", parent="FAMILY")
        self.told: list[str] = []

    def reserve(self, answer: str | None = "Accepted", **fields: Any) -> Reservation:
        """reserve-now for TAG1 on connector 1 for an hour, unless told otherwise; None: no answer comes."""
        values = {"connector": 1, "tag": "TAG1", "expires": format_time(self.now + HOUR), **fields}
        (request,) = operations()["reserve-now"](**values).steps(self.target())
        declared = outgoing()["ReserveNow"]
        assert declared.intend is not None
        assert declared.settle is not None
        assert declared.unconfirmed is not None
        changes, events = declared.intend(request, self.target())
        assert_storable(changes, events)
        if answer in ("timeout", "not_connected", "call_error", "unknown", "not_sent"):
            changes, events = declared.unconfirmed(request, answer, self.target())
        elif answer is not None:
            changes, events = declared.settle(request, declared.confirmation(status=answer), self.target())
        assert_storable(changes, events)
        self.told += [event.type for event in events]
        return self.reservation(request.reservation_id)  # type: ignore[attr-defined]

    def cancel(self, number: int, answer: str = "Accepted") -> None:
        self.confirmed("CancelReservation", {"reservationId": number}, {"status": answer})

    def reservation(self, number: int, of: str = "CP1") -> Reservation:
        found = self.site.reservations.get(of, number)
        assert found is not None
        return found


@pytest.fixture
def scene() -> Reserving:
    return Reserving()


def kept(answer: Answer) -> list[Reservation]:
    return [change for change in answer.changes if isinstance(change, Reservation)]


def test_what_is_sent(scene: Reserving) -> None:
    (sent,) = scene.asks(
        operations()["reserve-now"](connector=0, tag="TAG2", expires="2026-03-01T13:00:00+01:00", parent_tag="FAMILY")
    )
    assert sent == {
        "connectorId": 0,
        "expiryDate": "2026-03-01T12:00:00.000Z",
        "idTag": "TAG2",
        "parentIdTag": "FAMILY",
        "reservationId": 1,
    }
    declared = outgoing()["ReserveNow"]
    assert against_schema(declared.request, sent) is None


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ("Accepted", "reserved", None),
        ("Faulted", "failed", "Faulted"),
        ("Occupied", "failed", "Occupied"),
        ("Rejected", "failed", "Rejected"),
        ("Unavailable", "failed", "Unavailable"),
        ("call_error", "failed", "call error"),
        ("not_connected", "failed", "not connected"),
        ("not_sent", "failed", "not sent"),
        # The charge point may hold it: it is what it was, until its time is over.
        ("timeout", "requested", None),
        ("unknown", "requested", None),
        (None, "requested", None),
    ],
)
def test_what_the_answer_makes_of_it(scene: Reserving, answer: str, state: str, reason: str | None) -> None:
    reservation = scene.reserve(answer)
    assert (reservation.state, reservation.reason) == (state, reason)
    assert (reservation.ended_at is None) == reservation.active
    assert scene.told == ([] if state == "requested" else [f"reservation.{state}"])


@pytest.mark.parametrize(
    ("fields", "used"),
    [
        ({"reservationId": 1}, True),
        ({"reservationId": 1, "idTag": "SOMEBODY"}, True),  # C 4.8: the id says it
        ({"reservationId": 1, "connectorId": 2}, True),
        ({}, True),  # the id is left out: it is the tag, and the connector
        ({"idTag": "tag1"}, True),
        ({"connectorId": 2}, False),
        ({"idTag": "TAG2"}, False),
        ({"reservationId": 0}, True),  # 0 is how some say "none"
        ({"reservationId": 7}, False),
    ],
)
def test_what_start_ends_it(scene: Reserving, fields: dict[str, Any], used: bool) -> None:
    reservation = scene.reserve()
    answer = scene.start(**fields)
    assert (reservation.state == "used") == used
    assert kept(answer) == ([reservation] if used else [])
    if used:
        assert reservation.transaction_id == answer.payload["transactionId"]
        assert answer.transactions[0].reservation == reservation.id
        assert answer.event("reservation.used")["transaction"] == reservation.transaction_id
    assert (("reservationId", "unknown") in answer.deviations) == (fields.get("reservationId") == 7)


@pytest.mark.parametrize(("parent", "used"), [("FAMILY", True), ("family", True), ("OTHERS", False), (None, False)])
def test_a_start_by_another_tag_of_the_group(scene: Reserving, parent: str | None, used: bool) -> None:
    """TC_053: TAG2 is another tag; its Authorize.conf carries the parent, and that is what counts."""
    reservation = scene.reserve(parent_tag=parent)
    authorized = scene.send("Authorize", {"idTag": "TAG2"}).payload
    assert authorized == {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    scene.start(idTag="TAG2")
    assert (reservation.state == "used") == used


def test_the_parent_is_never_matched_against_a_presented_tag(scene: Reserving) -> None:
    """CE 3.73"""
    reservation = scene.reserve(parent_tag="FAMILY")
    scene.start(idTag="FAMILY")
    assert reservation.state == "reserved"


def test_connector_0_is_used_on_any_connector(scene: Reserving) -> None:
    any_connector = scene.reserve(connector=0)
    this_one = scene.reserve(connector=2)
    scene.start(connectorId=2)
    assert (any_connector.state, this_one.state) == ("reserved", "used")
    scene.start(connectorId=3, meterStart=1)
    assert any_connector.state == "used"


def test_a_start_of_another_charge_point_does_not_count(scene: Reserving) -> None:
    reservation = scene.reserve()
    scene.register("CP2", boot_status="Accepted")
    scene.start(by="CP2", reservationId=reservation.id)
    assert reservation.state == "reserved"


def test_a_start_before_the_answer(scene: Reserving) -> None:
    reservation = scene.reserve(None)
    scene.start(reservationId=reservation.id)
    scene.confirmed(
        "ReserveNow",
        {"connectorId": 1, "expiryDate": "x", "idTag": "TAG1", "reservationId": reservation.id},
        {"status": "Accepted"},
    )
    assert reservation.state == "used"


def test_a_start_that_was_queued_while_offline(scene: Reserving) -> None:
    """It comes after the expiry and names its reservation: it was used."""
    reservation = scene.reserve()
    begun = format_time(scene.now + HOUR - SECOND)
    scene.now += 2 * HOUR
    scene.site.reservations.expire(scene.now)
    scene.start(timestamp=begun, reservationId=reservation.id)
    assert reservation.state == "used"


def test_a_start_from_before_the_reservation(scene: Reserving) -> None:
    reservation = scene.reserve()
    scene.start(timestamp=format_time(scene.now - HOUR))
    assert reservation.state == "reserved"


def test_a_repeated_start_changes_nothing(scene: Reserving) -> None:
    first = scene.reserve()
    scene.start()
    second = scene.reserve()
    assert kept(scene.start()) == []
    assert (first.state, second.state) == ("used", "reserved")


def test_the_first_use_counts(scene: Reserving) -> None:
    reservation = scene.reserve()
    number = scene.start(reservationId=reservation.id).payload["transactionId"]
    again = scene.start(connectorId=2, reservationId=reservation.id)
    assert reservation.transaction_id == number
    assert ("reservationId", "unknown") in again.deviations


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
@pytest.mark.parametrize(
    ("reserved", "told", "ended"), [(1, 1, True), (1, 2, False), (1, 0, True), (0, 0, True), (0, 1, False)]
)
def test_out_of_service(scene: Reserving, status: str, reserved: int, told: int, ended: bool) -> None:
    reservation = scene.reserve(connector=reserved)
    answer = scene.status(told, status)
    assert (reservation.state == "failed") == ended
    assert kept(answer) == ([reservation] if ended else [])
    if ended:
        place = "the charge point" if told == 0 else f"connector {told}"
        assert reservation.reason == f"{place} is {status}"


@pytest.mark.parametrize("status", ["Available", "Reserved", "Preparing", "Finishing"])
def test_other_statuses_do_not_end_it(scene: Reserving, status: str) -> None:
    reservation = scene.reserve()
    scene.status(1, status)
    assert reservation.state == "reserved"


def test_what_was_out_of_service_before_is_for_the_charge_point_to_say(scene: Reserving) -> None:
    reservation = scene.reserve(None)
    scene.status(1, "Unavailable")
    assert reservation.state == "requested"


def test_expiry_is_exact(scene: Reserving) -> None:
    reservation = scene.reserve()
    book = scene.site.reservations
    assert book.next_expiry() == reservation.expires_at
    assert book.expire(reservation.expires_at - 1) == ([], [])
    ended, events = book.expire(reservation.expires_at)
    assert ended == [reservation]
    assert [event.type for event in events] == ["reservation.expired"]
    assert (reservation.state, reservation.ended_at) == ("expired", reservation.expires_at)
    assert book.next_expiry() is None


def test_one_without_an_answer_expires_too(scene: Reserving) -> None:
    reservation = scene.reserve("timeout")
    scene.site.reservations.expire(scene.now + HOUR)
    assert reservation.state == "expired"


@pytest.mark.parametrize(("answer", "state"), [("Accepted", "cancelled"), ("Rejected", "failed")])
def test_cancelling(scene: Reserving, answer: str, state: str) -> None:
    reservation = scene.reserve()
    scene.cancel(reservation.id, answer)
    assert reservation.state == state
    scene.cancel(reservation.id, "Accepted")
    assert reservation.state == state


def test_a_known_id_replaces(scene: Reserving) -> None:
    """C 5.13"""
    scene.reserve(id=5)
    scene.reserve(id=5, connector=2, tag="TAG2")
    reservation = scene.reservation(5)
    assert (reservation.state, reservation.connector, reservation.id_tag) == ("reserved", 2, "TAG2")
    assert len(scene.site.reservations.active_on("CP1")) == 1


@pytest.mark.parametrize("answer", ["Occupied", "not_connected"])
def test_a_replacement_that_is_refused_leaves_what_was(scene: Reserving, answer: str) -> None:
    before = json.dumps(reservation_fields(scene.reserve(id=5)))
    scene.now += SECOND
    scene.reserve(answer, id=5, connector=2, tag="TAG2")
    assert json.dumps(reservation_fields(scene.reservation(5))) == before


def test_ids_are_unique_on_the_site(scene: Reserving) -> None:
    scene.reserve(id=2)
    scene.reserve(id=2**31 - 1)
    assert [scene.reserve().id for _ in range(3)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, None),
        ({"connector": 0}, None),  # not reported: the charge point knows
        ({"expires": "2026-03-01T12:00:00Z"}, "is over already"),
        ({"tag": "NOBODY"}, "csmsctl tag add NOBODY"),
        ({"tag": "STOLEN"}, "is Blocked"),
        ({"id": 0}, "reservation ids are 1 to 2147483647"),
        ({"id": 2**31}, "reservation ids are 1 to 2147483647"),
    ],
)
def test_checks_before_reserving(scene: Reserving, fields: dict[str, Any], said: str | None) -> None:
    scene.tag("STOLEN", blocked=True)
    values = {"connector": 1, "tag": "TAG1", "expires": format_time(scene.now + HOUR), **fields}
    warning = scene.warning(operations()["reserve-now"](**values))
    assert (warning is None) == (said is None)
    assert said is None or said in str(warning)


@pytest.mark.parametrize(("reported", "allowed"), [("true", True), ("True", True), ("false", False), (None, False)])
def test_connector_0_is_checked_against_what_was_reported(
    scene: Reserving, reported: str | None, allowed: bool
) -> None:
    key = {"key": "ReserveConnectorZeroSupported", "readonly": True}
    report = {"configurationKey": [key if reported is None else {**key, "value": reported}]}
    scene.confirmed("GetConfiguration", {}, report)
    operation = operations()["reserve-now"](connector=0, tag="TAG1", expires=format_time(scene.now + HOUR))
    assert (scene.warning(operation) is None) == (allowed or reported is None)


def test_checks_before_cancelling(scene: Reserving) -> None:
    """TC_052 needs --force: the charge point is the one that answers."""
    cancel = operations()["cancel-reservation"]
    assert scene.warning(cancel(id=9)) == "reservation 9 is not known on CP1"
    reservation = scene.reserve()
    assert scene.warning(cancel(id=reservation.id)) is None
    scene.cancel(reservation.id)
    assert scene.warning(cancel(id=reservation.id)) == f"reservation {reservation.id} is cancelled already"


def test_memory_is_bounded() -> None:
    book = Reservations()
    for number in range(1, 3 * REMEMBERED):
        book.request("CP1", number, Terms(1, "TAG1", None, 10), 0)
        book.refused("CP1", number, "Occupied", 1)
    assert book.get("CP1", 1) is None
    assert book.get("CP1", 3 * REMEMBERED - 1) is not None


def test_a_charge_point_that_is_removed(scene: Reserving) -> None:
    reservation = scene.reserve()
    assert scene.site.reservations.forget("cp1", scene.now) == [reservation]
    assert reservation.state == "failed"
    assert scene.site.reservations.next_expiry() is None


def reservation_fields(reservation: Reservation) -> dict[str, object]:
    return {name: getattr(reservation, name) for name in reservation.__struct_fields__}
