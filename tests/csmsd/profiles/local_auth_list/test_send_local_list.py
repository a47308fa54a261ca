"""SendLocalList (C 5.15, 6.41): what is sent, what is checked, what the answer makes of it."""

import json
from typing import Any

import pytest

from csmsd.ocpp.payloads import encode_payload
from csmsd.profiles import operations, outgoing
from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.following import what_follows
from csmsd.profiles.local_auth_list.local_lists import LocalList
from csmsd.profiles.local_auth_list.send_local_list import SendLocalListConf, SendLocalListReq
from csmsd.profiles.record import Event
from csmsd.profiles.refusal import CannotSend, NotThere
from tests.csmsd.profiles.local_auth_list.listing import Listing
from tests.csmsd.profiles.scene import HOUR


@pytest.fixture
def scene() -> Listing:
    made = Listing()
    made.tag("TAG2", parent="FAMILY", expires_at=made.now + HOUR)
    made.tag("STOLEN", blocked=True)
    return made


def sent(scene: Listing, **parameters: Any) -> dict[str, Any]:
    (payload,) = scene.asks(operations()["send-local-list"](**parameters))
    return payload


def test_the_whole_list(scene: Listing) -> None:
    """TC_043_4: every entry has its idTagInfo, all of it."""
    assert sent(scene) == {
        "listVersion": 1,
        "localAuthorizationList": [
            {"idTag": "STOLEN", "idTagInfo": {"status": "Blocked"}},
            {"idTag": "TAG1", "idTagInfo": {"status": "Accepted"}},
            {
                "idTag": "TAG2",
                "idTagInfo": {
                    "expiryDate": "2026-03-01T13:00:00.000Z",
                    "parentIdTag": "FAMILY",
                    "status": "Accepted",
                },
            },
        ],
        "updateType": "Full",
    }


def test_some_tags(scene: Listing) -> None:
    """TC_043_5; an idTag that is not known any more is deleted there (C 7.1)."""
    payload = sent(scene, type="Differential", tag=["tag1", "GONE", "tag1"], version=9)
    assert (payload["updateType"], payload["listVersion"]) == ("Differential", 9)
    assert payload["localAuthorizationList"] == [
        {"idTag": "TAG1", "idTagInfo": {"status": "Accepted"}},
        {"idTag": "GONE"},
    ]


def test_a_full_list_names_no_stranger(scene: Listing) -> None:
    """Unless it is forced to: then it says what would be answered here."""
    assert "csmsctl tag add GONE" in str(scene.warning(operations()["send-local-list"](tag=["GONE"])))
    assert sent(scene, tag=["GONE"])["localAuthorizationList"] == [
        {"idTag": "GONE", "idTagInfo": {"status": "Invalid"}}
    ]


def test_what_the_list_lacks(scene: Listing) -> None:
    with pytest.raises(CannotSend, match="csmsctl local-list sync CP1"):
        sent(scene, type="Differential")
    scene.run(operations()["send-local-list"]().steps(scene.target()))
    scene.tag("TAG3")
    assert sent(scene, type="Differential") == {
        "listVersion": 2,
        "localAuthorizationList": [{"idTag": "TAG3", "idTagInfo": {"status": "Accepted"}}],
        "updateType": "Differential",
    }


def test_a_version_beyond_all_integers(scene: Listing) -> None:
    with pytest.raises(CannotSend, match="integer of OCPP"):
        sent(scene, version=2**63)


def test_no_tags_at_all_clear_the_list(scene: Listing) -> None:
    scene.site.id_tags.clear()
    assert sent(scene) == {"listVersion": 1, "updateType": "Full"}


ENTRY = {"idTag": "A", "idTagInfo": {"status": "Accepted"}}
INVALID = {"idTag": "GONE", "idTagInfo": {"status": "Invalid"}}  # not known here


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"listVersion": 1, "updateType": "Full", "localAuthorizationList": [ENTRY]}, None),
        ({"listVersion": 0, "updateType": "Full"}, "CE 3.52"),
        ({"listVersion": -1, "updateType": "Full"}, "CE 3.52"),
        ({"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{"idTag": "A"}]}, "C 7.1"),
        ({"listVersion": 1, "updateType": "Differential", "localAuthorizationList": [{"idTag": "A"}]}, None),
        (
            {
                "listVersion": 1,
                "updateType": "Differential",
                "localAuthorizationList": [ENTRY, {**ENTRY, "idTag": "a"}],
            },
            "twice",
        ),
        ({"listVersion": 1, "updateType": "Full", "localAuthorizationList": [INVALID]}, "csmsctl tag add GONE"),
        ({"listVersion": 1, "updateType": "Differential", "localAuthorizationList": [INVALID]}, None),
    ],
)
def test_checks(scene: Listing, payload: dict[str, Any], said: str | None) -> None:
    assert_objection(scene, payload, said)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("SendLocalListMaxLength", "1", "in parts with: csmsctl local-list sync CP1"),
        ("SendLocalListMaxLength", "2", None),
        ("LocalAuthListMaxLength", "1", "CP1 has room for 1 idTags"),
        ("LocalAuthListMaxLength", "0", None),  # makes no sense: not a limit
        ("LocalAuthListMaxLength", "many", None),
    ],
)
def test_limits(scene: Listing, key: str, value: str, said: str | None) -> None:
    configured(scene, key, value)
    both = [ENTRY, {**ENTRY, "idTag": "B"}]
    assert_objection(scene, {"listVersion": 1, "updateType": "Full", "localAuthorizationList": both}, said)


def configured(scene: Listing, key: str, value: str) -> None:
    scene.cp.configuration[key.casefold()] = ConfigurationKey(
        charge_point="CP1", name=key, value=value, readonly=True, reported_at=scene.now
    )


@pytest.mark.parametrize(
    ("keys", "kind", "status", "said"),
    [
        ({}, "Full", "Failed", ""),
        ({}, "Full", "NotSupported", ""),  # it may have the profile, for all that is known
        ({}, "Differential", "Failed", "csmsctl local-list sync CP1"),
        ({}, "Differential", "NotSupported", ""),
        ({"LocalAuthListEnabled": "true"}, "Full", "Failed", ""),
        ({"LocalAuthListEnabled": " False"}, "Full", "Failed", "--set LocalAuthListEnabled=true"),
        ({"LocalAuthListEnabled": "false"}, "Differential", "NotSupported", "--set LocalAuthListEnabled=true"),
        ({"LocalAuthListEnabled": "false"}, "Full", "Accepted", ""),
        ({"SupportedFeatureProfiles": "Core"}, "Full", "NotSupported", "do not have LocalAuthListManagement"),
        ({"SupportedFeatureProfiles": "Core,LocalAuthListManagement"}, "Full", "NotSupported", ""),
        ({"LocalAuthListMaxLength": "1"}, "Full", "Failed", "CP1 has room for 1 idTags"),
        ({"LocalAuthListMaxLength": "2"}, "Full", "Failed", ""),
    ],
)
def test_why_it_was_refused(scene: Listing, keys: dict[str, str], kind: str, status: str, said: str) -> None:
    for key, value in keys.items():
        configured(scene, key, value)
    request = {"listVersion": 1, "updateType": kind, "localAuthorizationList": [ENTRY, {**ENTRY, "idTag": "B"}]}
    why = scene.why("SendLocalList", request, {"status": status})
    assert why is None if not said else said in str(why)


def test_the_list_of_one_that_is_removed_is_forgotten(scene: Listing) -> None:
    """One that comes back under its name may be another device."""
    scene.run(operations()["send-local-list"]().steps(scene.target()))
    assert scene.known.version == 1
    assert what_follows([Event("charge_point.removed", "cp1", {})], scene.site, scene.now) == ([], [])
    assert scene.site.local_lists.get("CP1") == LocalList(charge_point="CP1")


def assert_objection(scene: Listing, payload: dict[str, Any], said: str | None) -> None:
    declared = outgoing()["SendLocalList"]
    assert declared.check is not None
    objection: object = None
    try:
        objection = declared.check(read(payload), scene.target())
    except (CannotSend, NotThere) as against:
        objection = against
    assert (objection is None) == (said is None), objection
    assert said is None or said in str(objection)


def read(payload: dict[str, Any]) -> SendLocalListReq:
    from csmsd.ocpp.payloads import read_payload as read_message

    return read_message(SendLocalListReq, json.dumps(payload).encode())[0]


@pytest.mark.parametrize(
    ("status", "supported", "known"),
    [
        ("Accepted", True, True),
        ("Failed", True, False),  # TC_043_3
        ("VersionMismatch", True, False),
        ("NotSupported", False, False),  # TC_043_1
    ],
)
def test_answers(scene: Listing, status: str, supported: bool, known: bool) -> None:
    scene.answers = [status]
    scene.run(operations()["send-local-list"]().steps(scene.target()))
    assert (scene.known.supported, scene.known.known) == (supported, known)
    assert scene.known.pending_version is None
    assert json.loads(encode_payload(SendLocalListConf(status=status))) == {"status": status}  # type: ignore[arg-type]


def test_an_accepted_update_is_told(scene: Listing) -> None:
    declared = outgoing()["SendLocalList"]
    assert declared.settle is not None
    request = read({"listVersion": 4, "updateType": "Full", "localAuthorizationList": [ENTRY]})
    _, events = declared.settle(request, SendLocalListConf(status="Accepted"), scene.target())
    assert [(event.type, event.data) for event in events] == [
        ("local_list.updated", {"version": 4, "update": "Full", "entries": 1})
    ]


@pytest.mark.parametrize(
    ("outcome", "pending"), [("timeout", 1), ("unknown", 1), ("call_error", None), ("not_sent", None)]
)
def test_no_answer(scene: Listing, outcome: str, pending: int | None) -> None:
    declared = outgoing()["SendLocalList"]
    assert declared.intend is not None
    assert declared.unconfirmed is not None
    request = read({"listVersion": 1, "updateType": "Full", "localAuthorizationList": [ENTRY]})
    declared.intend(request, scene.target())
    kept = declared.unconfirmed(request, outcome, scene.target())
    assert scene.known.pending_version == pending
    assert kept == (([], []) if pending else ([scene.known], []))


def test_an_empty_list_can_be_sent(scene: Listing) -> None:
    assert sent(scene, empty=True) == {"listVersion": 1, "updateType": "Full"}
    for fields in ({"tag": ["TAG1"]}, {"type": "Differential"}):
        with pytest.raises(CannotSend, match="An empty list is a whole one"):
            sent(scene, empty=True, **fields)
