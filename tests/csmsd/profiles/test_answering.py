"""The way of a request: read or confirmed unread, handled, and what follows by the rules of other slices."""

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.frames import Damage
from csmsd.profiles import answering, incoming
from csmsd.profiles.action import Context
from csmsd.profiles.record import Deleted
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from tests.csmsd.profiles.scene import NOON, Scene


def test_what_is_readable_is_handled_and_its_deviations_counted() -> None:
    scene = Scene()

    answer = scene.send("StartTransaction", b'{"connectorId":"1","idTag":"TAG1","meterStart":0,"timestamp":""}')

    assert answer.payload["transactionId"] == 1
    assert {field for field, _ in answer.deviations} == {"connectorId", "timestamp"}


def test_what_cannot_be_read_is_confirmed_and_kept() -> None:
    scene = Scene()

    answer = scene.send("MeterValues", b'{"connectorId":[]}')

    assert (answer.payload, answer.event_types) == ({}, ["message.quarantined"])
    assert answer.quarantined[0].payload == '{"connectorId":[]}'
    assert answer.deviations[0][1].startswith("unreadable:")


def test_not_even_json_is_kept_as_it_is() -> None:
    assert Scene().send("MeterValues", b'{"connectorId":').quarantined[0].payload == '"{\\"connectorId\\":"'


@pytest.mark.parametrize(("action", "strict"), [("MeterValues", True), ("Authorize", False)])
def test_what_must_not_be_confirmed_unread_is_refused(action: str, strict: bool) -> None:
    scene = Scene()
    scene.cp.record.strict = strict

    with pytest.raises(OcppError):
        scene.send(action, b"{}")


def test_what_follows_by_the_rules_of_other_slices_is_kept_with_it() -> None:
    scene = Scene()
    running = scene.started()
    limited = InstalledProfile(
        charge_point="CP1",
        connector=1,
        purpose="TxProfile",
        stack_level=0,
        profile_id=1,
        transaction_id=running.id,
        profile="{}",
        accepted_at=NOON,
    )
    scene.site.smart_charging.installed.add(limited)

    assert scene.stop(running).changes == [running, Deleted(limited)]


@pytest.mark.parametrize(
    ("action", "payload", "kept"),
    [
        ("StartTransaction", b'{"connectorId": 1}', '{"connectorId":1}'),
        ("StartTransaction", b"{", '"{"'),
        ("Authorize", b"{}", None),
    ],
)
def test_of_what_is_refused_transaction_messages_are_kept(action: str, payload: bytes, kept: str | None) -> None:
    scene = Scene()
    at = Context(scene.site, scene.cp, NOON, [])
    error = OcppError("FormationViolation", "unreadable")

    found = answering.refused(incoming()[action], payload, error, at)

    assert (found and found.payload) == kept
    assert found is None or (found.reason, found.received_at) == ("refused: FormationViolation", NOON)


START = b'{"connectorId":1,"idTag":"TAG1","meterStart":0,"timestamp":"2026-03-01T12:00:00Z"}'


def test_what_was_mended_is_handled_and_counted() -> None:
    scene = Scene()
    at = Context(scene.site, scene.cp, NOON, [])
    answering.answer(incoming()["StartTransaction"], START, at, Damage(["stray_comma"]))
    assert [(one.field, one.kind, one.code) for one in at.deviations] == [
        ("frame", "stray_comma", "FormationViolation")
    ]
    assert scene.cp.transactions.active()


def test_a_strict_one_is_refused_what_was_mended() -> None:
    scene = Scene()
    scene.cp.record.strict = True
    at = Context(scene.site, scene.cp, NOON, [])
    with pytest.raises(OcppError, match="frame: stray comma"):
        answering.answer(incoming()["StartTransaction"], START, at, Damage(["stray_comma"]))
    assert [one.kind for one in at.deviations] == ["stray_comma"]
    assert not scene.cp.transactions.active()


@pytest.mark.parametrize(("action", "kept"), [("MeterValues", 1), ("StatusNotification", 0)])
def test_of_what_came_incomplete_only_what_bills_are_made_of_is_kept(action: str, kept: int) -> None:
    payloads = {
        "MeterValues": b'{"connectorId":1,"meterValue":[{"timestamp":"2026-03-01T12:00:00Z","sampledValue":[]}]}',
        "StatusNotification": b'{"connectorId":1,"errorCode":"NoError","status":"Available"}',
    }
    scene = Scene()
    at = Context(scene.site, scene.cp, NOON, [])
    reply = answering.answer(incoming()[action], payloads[action], at, Damage(["truncated"], text="cut off"))
    assert [event.type for event in reply.events].count("message.quarantined") == kept
