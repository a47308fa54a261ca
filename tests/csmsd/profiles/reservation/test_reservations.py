"""The life of a reservation (C 5.13): what ends it, and what does not."""

from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.reservation.reservations import REMEMBERED, Reservation, Reservations, Terms
from tests.csmsd.profiles.reservation.reserving import Reserving
from tests.csmsd.profiles.scene import HOUR, SECOND, Answer


@pytest.fixture
def scene() -> Reserving:
    return Reserving()


def kept(answer: Answer) -> list[Reservation]:
    return [change for change in answer.changes if isinstance(change, Reservation)]


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


@pytest.mark.parametrize("answer", ["Accepted", "Occupied", "timeout"])
def test_a_start_before_the_answer(scene: Reserving, answer: str) -> None:
    """The start says that it was accepted, whatever its answer is, should one come."""
    request = scene.ask()
    scene.start(reservationId=request.reservation_id)
    scene.answer(request, answer)
    used = scene.reservation(request.reservation_id)
    assert (used.state, used.asked) == ("used", [])


def test_a_start_that_was_queued_while_offline(scene: Reserving) -> None:
    """It comes after the expiry and names its reservation: it was used."""
    reservation = scene.reserve()
    begun = format_timestamp(scene.now + HOUR - SECOND)
    scene.now += 2 * HOUR
    scene.site.reservations.expire(scene.now)
    scene.start(timestamp=begun, reservationId=reservation.id)
    assert reservation.state == "used"


def test_a_start_from_before_the_reservation(scene: Reserving) -> None:
    reservation = scene.reserve()
    scene.start(timestamp=format_timestamp(scene.now - HOUR))
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


def test_memory_is_bounded() -> None:
    book = Reservations()
    terms = Terms(1, "TAG1", None, 10)
    for number in range(1, 3 * REMEMBERED):
        book.request("CP1", number, terms, 0)
        book.refused("CP1", number, terms, "Occupied", 1)
    assert book.get("CP1", 1) is None
    assert book.get("CP1", 3 * REMEMBERED - 1) is not None


def test_a_charge_point_that_is_removed(scene: Reserving) -> None:
    reservation = scene.reserve()
    ended, events = scene.site.reservations.forget("cp1", scene.now)
    assert ended == [reservation]
    assert [event.type for event in events] == ["reservation.failed"]
    assert reservation.state == "failed"
    assert scene.site.reservations.next_expiry() is None


def test_a_fault_ends_what_is_being_replaced_as_well() -> None:
    """Should the replacement be refused, there is no reservation left to go back to."""
    reservations = Reservations()
    first, second = Terms(1, "TAG1", None, HOUR), Terms(1, "TAG2", None, HOUR)
    reservations.request("CP1", 1, first, 0)
    reservations.accepted("CP1", 1, first, 0)
    reservations.request("CP1", 1, second, 0)
    reservations.out_of_service("CP1", 1, "Faulted", 1)
    reservations.refused("CP1", 1, second, "Faulted", 2)
    known = reservations.get("CP1", 1)

    assert known is not None
    assert known.state == "failed"
