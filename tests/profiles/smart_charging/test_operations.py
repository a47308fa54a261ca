"""The three commands, RemoteStart with a profile, and what a charge point is remembered to have."""

import json
from typing import Any

import msgspec
import pytest

from csmsd.ocpp.reading import encode
from csmsd.ocpp.timestamps import format_time
from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.core.remote_start_transaction import RemoteStart
from csmsd.profiles.record import Deleted
from csmsd.profiles.slice import CannotSend, NotThere
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfile
from csmsd.profiles.smart_charging.get_composite_schedule import GetCompositeSchedule
from csmsd.profiles.smart_charging.installed import InstalledProfile
from csmsd.profiles.smart_charging.library import LibraryProfile, parse_profile
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfile
from tests.profiles.messages import against_schema
from tests.profiles.scene import NOON, SECOND, Scene
from tests.profiles.smart_charging.profiles import DAY, profile

ACCEPTED = {"status": "Accepted"}
Changes = list[Any]


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    add(made, "night", profile((0, 16), start=NOON - DAY))
    add(made, "site", profile((0, 63), purpose="ChargePointMaxProfile", start=NOON - DAY))
    add(made, "slow", profile((0, 6), purpose="TxProfile", kind="Relative", start=None))
    add(made, "holiday", profile((0, 32), level=1, start=NOON - DAY, duration=86400))
    return made


def add(scene: Scene, name: str, body: Any) -> LibraryProfile:
    library = scene.site.charging_profiles
    number = library.new_id()
    text = msgspec.json.encode(msgspec.structs.replace(body, charging_profile_id=number)).decode()
    record = LibraryProfile(id=number, name=name, profile=text, created_at=scene.now)
    library.put(record)
    return record


def configure(scene: Scene, **keys: str) -> None:
    for name, value in keys.items():
        scene.cp.configuration[name.casefold()] = ConfigurationKey(
            charge_point="CP1", name=name, value=value, reported_at=scene.now
        )


def set_(scene: Scene, name: str | dict[str, Any], connector: int = 1, status: str = "Accepted") -> Changes:
    [request] = scene.asks(SetChargingProfile(connector=connector, profile=name))
    return list(scene.confirmed("SetChargingProfile", request, {"status": status}))


def there(scene: Scene) -> list[tuple[int, str, int, str | None]]:
    found = scene.site.installed_profiles.of("CP1")
    return [(record.connector, record.purpose, record.stack_level, record.name) for record in found]


# --- what is sent


def test_a_profile_of_the_library_goes_out_with_its_id(scene: Scene) -> None:
    [request] = scene.asks(SetChargingProfile(connector=1, profile="NIGHT"))
    assert request == {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": format_time(NOON - DAY),
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
            },
        },
    }


def test_a_tx_profile_gets_the_running_transaction(scene: Scene) -> None:
    running = scene.started()
    [request] = scene.asks(SetChargingProfile(connector=1, profile="slow"))
    assert request["csChargingProfiles"]["transactionId"] == running.id
    assert scene.warning(SetChargingProfile(connector=1, profile="slow")) is None
    [request] = scene.asks(SetChargingProfile(connector=1, profile="slow", transaction=4711))
    assert request["csChargingProfiles"]["transactionId"] == 4711
    assert "is not on connector 1" in (
        scene.warning(SetChargingProfile(connector=1, profile="slow", transaction=4711)) or ""
    )


def test_a_tx_profile_without_a_transaction_is_warned_of_and_can_be_sent(scene: Scene) -> None:
    operation = SetChargingProfile(connector=1, profile="slow")
    assert "No transaction is running on connector 1" in (scene.warning(operation) or "")
    [request] = scene.asks(operation)
    assert "transactionId" not in request["csChargingProfiles"]


def test_the_content_of_a_file_is_sent_as_it_is_with_a_beginning_and_an_id(scene: Scene) -> None:
    given: dict[str, Any] = {
        "stackLevel": 2,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6000}]},
    }
    [first] = scene.asks(SetChargingProfile(connector=1, profile=given))
    [whole] = scene.asks(SetChargingProfile(connector=1, profile={"connectorId": 9, "csChargingProfiles": given}))
    assert first == whole
    sent = first["csChargingProfiles"]
    assert sent["chargingSchedule"]["startSchedule"] == format_time(NOON - 60 * SECOND)
    assert 1_000_000_000 <= sent["chargingProfileId"] < 2**31
    [other] = scene.asks(SetChargingProfile(connector=2, profile=given))
    assert other["csChargingProfiles"]["chargingProfileId"] != sent["chargingProfileId"]
    given["validTo"] = "2027-01-01T02:00:00+02:00"
    [own] = scene.asks(SetChargingProfile(connector=1, profile={**given, "chargingProfileId": 5}))
    assert own["csChargingProfiles"]["chargingProfileId"] == 5
    assert own["csChargingProfiles"]["validTo"] == "2027-01-01T00:00:00.000Z"


def test_what_is_no_profile_is_told(scene: Scene) -> None:
    with pytest.raises(NotThere, match="No charging profile missing; see: csmsctl profile list"):
        scene.asks(SetChargingProfile(connector=1, profile="missing"))
    with pytest.raises(CannotSend, match=r"stackLevel: is required"):
        scene.asks(SetChargingProfile(connector=1, profile={}))
    bad: dict[str, Any] = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": "much"}]},
    }
    with pytest.raises(CannotSend, match=r"chargingSchedule.+limit"):
        parse_profile(bad)


def test_the_limits_of_the_charge_point_are_checked(scene: Scene) -> None:
    configure(scene, ChargingScheduleAllowedChargingRateUnit="Power", ChargeProfileMaxStackLevel="0")
    text = scene.warning(SetChargingProfile(connector=1, profile="holiday")) or ""
    assert "The limits are in A" in text
    assert "Stack level 1 is above" in text


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        ("SetChargingProfile", SetChargingProfile(connector=1, profile="night")),
        ("SetChargingProfile", SetChargingProfile(connector=1, profile="slow", transaction=7)),
        ("ClearChargingProfile", ClearChargingProfile()),
        ("ClearChargingProfile", ClearChargingProfile(id=7)),
        ("ClearChargingProfile", ClearChargingProfile(connector=0, purpose="TxProfile", stack_level=3)),
        ("GetCompositeSchedule", GetCompositeSchedule(connector=0, duration=86400)),
        ("GetCompositeSchedule", GetCompositeSchedule(connector=1, duration=1, unit="W")),
    ],
)
def test_what_is_sent_fits_the_published_schema(scene: Scene, action: str, request_: Any) -> None:
    [request] = request_.steps(scene.target())
    against_schema(type(request), json.loads(encode(request)))
    assert type(request).__name__ == f"{action}Req"


def test_the_composite_schedule_of_a_connector_that_is_not_there(scene: Scene) -> None:
    configure(scene, NumberOfConnectors="2")
    assert scene.warning(GetCompositeSchedule(connector=2, duration=60)) is None
    assert "There is no connector 3" in (scene.warning(GetCompositeSchedule(connector=3, duration=60)) or "")


# --- what is remembered


def test_what_is_accepted_is_remembered(scene: Scene) -> None:
    [record] = set_(scene, "night")
    assert isinstance(record, InstalledProfile)
    assert (record.profile_id, record.accepted_at) == (1, NOON)
    assert there(scene) == [(1, "TxDefaultProfile", 0, "night")]
    assert set_(scene, "holiday", status="Rejected") == []
    assert set_(scene, "holiday", status="NotSupported") == []
    assert there(scene) == [(1, "TxDefaultProfile", 0, "night")]


def test_the_same_place_and_the_same_id_replace(scene: Scene) -> None:
    # C 5.16.4
    add(scene, "day", profile((0, 10), start=NOON - DAY))
    set_(scene, "night", 1)
    set_(scene, "night", 0)
    assert there(scene) == [(0, "TxDefaultProfile", 0, "night")]
    set_(scene, "holiday", 1)
    set_(scene, "day", 0)
    assert there(scene) == [(0, "TxDefaultProfile", 0, "day"), (1, "TxDefaultProfile", 1, "holiday")]


ALL = {1: "night", 2: "site", 4: "holiday"}


@pytest.mark.parametrize(
    ("criteria", "status", "left"),
    [
        ({}, "Accepted", []),
        ({"id": 4}, "Accepted", ["site", "night"]),
        ({"id": 4, "connectorId": 9, "stackLevel": 9}, "Accepted", ["site", "night"]),  # CE 3.26: the rest is ignored
        ({"connectorId": 1}, "Accepted", ["site"]),
        ({"connectorId": 0}, "Accepted", ["night", "holiday"]),
        ({"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}, "Accepted", ["site", "holiday"]),
        ({"connectorId": 1, "stackLevel": 1}, "Accepted", ["site", "night"]),
        ({"connectorId": 2}, "Accepted", ["site", "night", "holiday"]),
        ({"id": 4}, "Unknown", ["site", "night"]),  # it says itself that it has none of that id
        ({}, "Unknown", []),
        ({"connectorId": 1}, "Unknown", ["site", "night", "holiday"]),
        ({"id": 4}, "Rejected", ["site", "night", "holiday"]),  # no word of OCPP, but such words come
    ],
)
def test_clearing(scene: Scene, criteria: dict[str, Any], status: str, left: list[str]) -> None:
    for name, connector in (("night", 1), ("site", 0), ("holiday", 1)):
        set_(scene, name, connector)
    changes = scene.confirmed("ClearChargingProfile", criteria, {"status": status})
    assert [place[3] for place in there(scene)] == left
    assert len([change for change in changes if isinstance(change, Deleted)]) == 3 - len(left)


def test_clear_takes_its_options(scene: Scene) -> None:
    assert scene.asks(ClearChargingProfile()) == [{}]
    assert scene.asks(ClearChargingProfile(id=3)) == [{"id": 3}]
    assert scene.asks(ClearChargingProfile(connector=0, purpose="TxProfile", stack_level=0)) == [
        {"connectorId": 0, "chargingProfilePurpose": "TxProfile", "stackLevel": 0}
    ]


# --- transactions come and go


def tidy(scene: Scene) -> Changes:
    return list(scene.site.installed_profiles.tidy(scene.cp, scene.now))


def test_a_tx_profile_dies_with_its_transaction(scene: Scene) -> None:
    # C 3.13.1
    running = scene.started()
    set_(scene, "slow")
    set_(scene, "night")
    assert tidy(scene) == []
    scene.stop(running)
    assert len(tidy(scene)) == 1
    assert there(scene) == [(1, "TxDefaultProfile", 0, "night")]


def remote_start(scene: Scene, connector: int | None = 1) -> dict[str, Any]:
    [request] = scene.asks(RemoteStart(tag="TAG1", connector=connector, profile="slow"))
    scene.confirmed("RemoteStartTransaction", request, ACCEPTED)
    return request


def test_a_remote_start_with_a_profile(scene: Scene) -> None:
    # TC_059: TxProfile, Relative, no transactionId
    operation = RemoteStart(tag="TAG1", connector=1, profile="slow")
    assert scene.warning(operation) is None
    sent = remote_start(scene)["chargingProfile"]
    assert sent["chargingProfilePurpose"] == "TxProfile"
    assert sent["chargingProfileKind"] == "Relative"
    assert "transactionId" not in sent
    for request in operation.steps(scene.target()):
        against_schema(type(request), json.loads(encode(request)))
    assert "must be a TxProfile (C 5.16.2)" in (scene.warning(RemoteStart(tag="TAG1", profile="night")) or "")


@pytest.mark.parametrize("asked", [1, None])
def test_its_profile_finds_the_transaction(scene: Scene, asked: int | None) -> None:
    remote_start(scene, asked)
    scene.now += 20 * SECOND
    assert tidy(scene) == []
    running = scene.started(connectorId=1)
    tidy(scene)
    [record] = scene.site.installed_profiles.of("CP1")
    assert (record.connector, record.transaction_id, record.pending) == (1, running.id, False)
    assert record.source().profile.transaction_id == running.id
    scene.stop(running)
    tidy(scene)
    assert there(scene) == []


def test_the_start_may_overtake_the_confirmation(scene: Scene) -> None:
    [request] = scene.asks(RemoteStart(tag="TAG1", connector=1, profile="slow"))
    running = scene.started()
    scene.now += SECOND
    scene.confirmed("RemoteStartTransaction", request, ACCEPTED)
    [record] = scene.site.installed_profiles.of("CP1")
    assert record.transaction_id == running.id


def test_another_tag_is_another_transaction(scene: Scene) -> None:
    scene.tag("TAG2")
    remote_start(scene)
    scene.started(idTag="TAG2")
    tidy(scene)
    [record] = scene.site.installed_profiles.of("CP1")
    assert record.pending


def test_a_remote_start_that_led_to_nothing_is_forgotten(scene: Scene) -> None:
    configure(scene, ConnectionTimeOut="60")
    remote_start(scene)
    scene.now += 119 * SECOND
    assert tidy(scene) == []
    scene.now += 2 * SECOND
    assert len(tidy(scene)) == 1


def test_a_profile_for_the_transaction_replaces_that_of_the_remote_start(scene: Scene) -> None:
    # C 5.16.2: same stack level
    add(scene, "faster", profile((0, 20), purpose="TxProfile", kind="Relative", start=None))
    remote_start(scene)
    scene.started()
    set_(scene, "faster")
    assert there(scene) == [(1, "TxProfile", 0, "faster")]


def test_a_refused_remote_start_leaves_nothing(scene: Scene) -> None:
    [request] = scene.asks(RemoteStart(tag="TAG1", connector=1, profile="slow"))
    assert scene.confirmed("RemoteStartTransaction", request, {"status": "Rejected"}) == []
    assert there(scene) == []
