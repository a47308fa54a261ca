"""ReserveNow (C 5.13): what is checked, what is sent, what its answer makes of it."""

import json
from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles import operations, outgoing
from csmsd.profiles.action import Observation, Sent
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, Reservation, Terms
from csmsd.profiles.reservation.reserve_now import ReserveNowReq
from tests.csmsd.profiles.messages import against_schema
from tests.csmsd.profiles.reservation.reserving import Reserving
from tests.csmsd.profiles.scene import HOUR, SECOND


@pytest.fixture
def scene() -> Reserving:
    return Reserving()


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
    values = {"connector": 1, "tag": "TAG1", "expires": format_timestamp(scene.now + HOUR), **fields}
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
    operation = operations()["reserve-now"](connector=0, tag="TAG1", expires=format_timestamp(scene.now + HOUR))
    assert (scene.warning(operation) is None) == (allowed or reported is None)


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


ONE, OTHER, BEFORE = ("TAG1", 1), ("TAG2", 2), ("TAG3", 3)


@pytest.mark.parametrize(
    ("reserved", "answers", "state", "terms", "unanswered"),
    [
        (False, [], "requested", ONE, 2),
        (False, ["Accepted"], "reserved", ONE, 1),
        (False, ["Accepted", "Accepted"], "reserved", OTHER, 0),
        (False, ["Accepted", "Occupied"], "reserved", ONE, 0),
        (False, ["Accepted", "timeout"], "reserved", ONE, 1),
        (False, ["Occupied"], "requested", OTHER, 1),
        (False, ["Occupied", "Accepted"], "reserved", OTHER, 0),
        (False, ["Occupied", "Occupied"], "failed", OTHER, 0),
        (False, ["timeout", "Accepted"], "reserved", OTHER, 0),
        (False, ["timeout", "Occupied"], "requested", ONE, 1),
        (True, [], "reserved", BEFORE, 2),
        (True, ["Accepted"], "reserved", ONE, 1),
        (True, ["Occupied", "Occupied"], "reserved", BEFORE, 0),
        (True, ["Occupied", "Accepted"], "reserved", OTHER, 0),
        (True, ["not_connected", "not_connected"], "reserved", BEFORE, 0),
        (True, ["timeout", "timeout"], "reserved", BEFORE, 2),
    ],
)
def test_two_with_one_id_at_the_same_time(
    scene: Reserving, reserved: bool, answers: list[str], state: str, terms: tuple[str, int], unanswered: int
) -> None:
    """Whatever is answered, the record says what the charge point holds, and keeps what may still come."""
    if reserved:
        scene.reserve(id=5, tag="TAG3", connector=3)
    asked = [scene.ask(id=5, tag=tag, connector=connector) for tag, connector in (ONE, OTHER)]
    for request, answer in zip(asked, answers, strict=False):
        scene.answer(request, answer)
    known = scene.reservation(5)
    assert (known.state, (known.id_tag, known.connector)) == (state, terms)
    assert len(known.asked) == unanswered


def test_the_answer_to_the_second_comes_first(scene: Reserving) -> None:
    first, second = scene.ask(id=5), scene.ask(id=5, tag="TAG2")
    scene.answer(second, "Accepted")
    assert scene.reservation(5).id_tag == "TAG2"
    scene.answer(first, "Occupied")
    assert (scene.reservation(5).state, scene.reservation(5).id_tag) == ("reserved", "TAG2")


def test_one_that_waits_behind_a_cancellation_holds_after_it(scene: Reserving) -> None:
    scene.reserve(id=5)
    request = scene.ask(id=5, tag="TAG2")
    scene.cancel(5)
    assert (scene.reservation(5).state, scene.reservation(5).id_tag) == ("cancelled", "TAG1")
    scene.now += SECOND
    scene.answer(request, "Accepted")
    known = scene.reservation(5)
    assert (known.state, known.id_tag, known.created_at, known.ended_at) == ("reserved", "TAG2", scene.now, None)


def test_of_two_that_ask_for_the_same_one_may_be_lost_and_the_other_still_hold(scene: Reserving) -> None:
    first, second = scene.ask(id=5), scene.ask(id=5)
    scene.answer(first, "timeout")
    assert [asked.lost for asked in scene.reservation(5).asked] == [True, False]
    scene.cancel(5)  # the one that was lost is over with that; the other is carried out after it
    scene.answer(second, "Accepted")
    assert scene.reservation(5).state == "reserved"


def test_a_start_that_only_the_unanswered_one_fits(scene: Reserving) -> None:
    """It was accepted, then: its answer is late or lost, and the next one with its id is another reservation."""
    scene.reserve(id=5)
    request = scene.ask(id=5, tag="TAG2", connector=2)
    scene.start(idTag="TAG2", connectorId=2)
    used = scene.reservation(5)
    assert (used.state, used.id_tag, used.connector) == ("used", "TAG2", 2)
    scene.answer(request, "Accepted")
    assert scene.reservation(5).state == "used"


def test_more_time_that_may_have_been_given(scene: Reserving) -> None:
    reservation = scene.reserve(id=5)
    scene.reserve("timeout", id=5, expires=format_timestamp(scene.now + 2 * HOUR))
    scene.site.reservations.expire(scene.now + HOUR)
    assert (reservation.state, reservation.expires_at) == ("requested", scene.now + 2 * HOUR)
    scene.site.reservations.expire(scene.now + 2 * HOUR)
    assert reservation.state == "expired"


def test_own_ids_begin_anew_where_they_end_and_leave_out_what_is_in_use(scene: Reserving) -> None:
    scene.register("CP2", boot_status="Accepted")
    scene.ask(of="CP2", id=2)
    scene.reserve(id=1)
    scene.site.reservations.begin_ids_after(LARGEST_OWN_ID - 1)
    assert [scene.reserve().id for _ in range(2)] == [LARGEST_OWN_ID, 3]


def test_ids_are_unique_on_the_site(scene: Reserving) -> None:
    scene.reserve(id=2)
    scene.reserve(id=2**31 - 1)
    assert [scene.reserve().id for _ in range(3)] == [3, 4, 5]


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


def reservation_fields(reservation: Reservation) -> dict[str, object]:
    return {name: getattr(reservation, name) for name in reservation.__struct_fields__}


def test_what_is_not_sent(scene: Reserving) -> None:
    reserve = operations()["reserve-now"]
    with pytest.raises(CannotSend, match="is no time"):
        scene.asks(reserve(connector=1, tag="TAG1", expires="soon"))
    with pytest.raises(CannotSend, match="integer of OCPP"):
        scene.asks(reserve(connector=1, tag="TAG1", expires="2026-03-01T13:00:00Z", id=2**63))


def test_a_tag_that_nobody_knows_may_reserve_where_it_may_charge(scene: Reserving) -> None:
    scene.site.policies.unknown_id_tags = "Accepted"
    reserve = operations()["reserve-now"](connector=1, tag="NOBODY", expires=format_timestamp(scene.now + HOUR))
    assert scene.warning(reserve) is None


@pytest.mark.parametrize(
    ("connector", "status", "said"),
    [
        (1, "Accepted", ""),
        (1, "Faulted", "connector 1 is Faulted"),
        (2, "Rejected", ""),  # nothing speaks against that one
        (0, "Accepted", ""),
        (0, "Rejected", "name one with --connector"),
        (0, "Occupied", ""),
    ],
)
def test_why_it_was_refused(scene: Reserving, connector: int, status: str, said: str) -> None:
    scene.status(1, "Faulted")
    scene.status(2, "Available")
    request = {"connectorId": connector, "expiryDate": "2026-03-01T13:00:00Z", "idTag": "TAG1", "reservationId": 1}
    why = scene.why("ReserveNow", request, {"status": status})
    assert why is None if not said else said in str(why)


def seen(scene: Reserving, request: ReserveNowReq) -> Observation:
    return operations()["reserve-now"].effects[0].look(Sent(request, scene.now, "Accepted", scene.target()))


def test_it_is_in_effect_when_its_connector_says_so(scene: Reserving) -> None:
    scene.cp.connected_at = scene.now
    request = scene.ask()
    scene.answer(request, "Accepted")
    scene.status(1, "Available")
    assert (seen(scene, request).state, seen(scene, request).reached) == ("Available", False)
    scene.status(1, "Reserved")
    assert (seen(scene, request).state, seen(scene, request).reached) == ("Reserved", True)
    scene.start()
    scene.status(1, "Preparing")
    assert (seen(scene, request).state, seen(scene, request).reached) == ("used", True), "it held up to then"


def test_of_connector_0_the_answer_is_all_there_is_to_see(scene: Reserving) -> None:
    """Which of them it is stays open (C 5.13)."""
    scene.cp.connected_at = scene.now
    request = scene.ask(connector=0)
    assert (seen(scene, request).state, seen(scene, request).reached) == ("requested", False)
    scene.answer(request, "Accepted")
    assert (seen(scene, request).state, seen(scene, request).reached) == ("reserved", True)


@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.parametrize("state", ["failed", "cancelled", "expired"])
def test_one_that_has_ended_comes_to_nothing(scene: Reserving, state: str, connector: int) -> None:
    request = scene.ask(connector=connector)
    if state == "failed":
        scene.answer(request, "Occupied")
    else:
        scene.answer(request, "Accepted")
    if state == "cancelled":
        scene.cancel(request.reservation_id)
    if state == "expired":
        scene.site.reservations.expire(scene.now + HOUR)
    found = seen(scene, request)
    assert (found.state, found.reached, found.failed) == (state, False, f"reservation 1 is {state}")
    assert found.facts == {"reservation": 1, "connector": connector}


def test_one_that_is_not_known_any_more_comes_to_nothing(scene: Reserving) -> None:
    request = scene.ask()
    scene.site.reservations.drop(scene.reservation(1))
    found = seen(scene, request)
    assert (found.state, found.reached, found.failed) == ("unknown", False, "reservation 1 is not known")


def test_what_is_not_sent_uses_up_no_id(scene: Reserving) -> None:
    values = {"connector": 1, "tag": "TAG1", "expires": format_timestamp(scene.now + HOUR)}
    reserve = operations()["reserve-now"]
    for tag in ("NOBODY", "TAG1"):  # refused here; a dry run
        assert scene.asks(reserve(**values | {"tag": tag}))[0]["reservationId"] == 1
    scene.site.reservations.request(
        "CP1", 1, Terms(connector=1, id_tag="TAG1", parent_id_tag=None, expires_at=0), scene.now
    )
    assert scene.asks(reserve(**values))[0]["reservationId"] == 2
