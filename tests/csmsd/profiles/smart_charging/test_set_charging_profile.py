"""SetChargingProfile: what is sent, and what is remembered."""

import json
from typing import Any

import pytest

from csmsd.ocpp.payloads import encode_payload
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles import outgoing
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.profiles.smart_charging.profile_library import parse_profile
from csmsd.profiles.smart_charging.set_charging_profile import (
    SetChargingProfile,
    SetChargingProfileReq,
    set_charging_profiles_again,
)
from tests.csmsd.profiles.scene import NOON, SECOND, Scene
from tests.csmsd.profiles.smart_charging.installing import add, configure, fits_the_schema, set_profile, there
from tests.csmsd.profiles.smart_charging.profiles import DAY, profile


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
                "startSchedule": format_timestamp(NOON - DAY),
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
    assert sent["chargingSchedule"]["startSchedule"] == format_timestamp(NOON - 60 * SECOND)
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


def test_what_is_accepted_is_remembered(scene: Scene) -> None:
    [record] = set_profile(scene, "night")
    assert isinstance(record, InstalledProfile)
    assert (record.profile_id, record.accepted_at) == (1, NOON)
    assert there(scene) == [(1, "TxDefaultProfile", 0, "night")]
    assert set_profile(scene, "holiday", status="Rejected") == []
    assert set_profile(scene, "holiday", status="NotSupported") == []
    assert there(scene) == [(1, "TxDefaultProfile", 0, "night")]


def test_the_same_place_and_the_same_id_replace(scene: Scene) -> None:
    # C 5.16.4
    add(scene, "day", profile((0, 10), start=NOON - DAY))
    set_profile(scene, "night", 1)
    set_profile(scene, "night", 0)
    assert there(scene) == [(0, "TxDefaultProfile", 0, "night")]
    set_profile(scene, "holiday", 1)
    set_profile(scene, "day", 0)
    assert there(scene) == [(0, "TxDefaultProfile", 0, "day"), (1, "TxDefaultProfile", 1, "holiday")]


def _given(id: int, limit: float = 9, **fields: Any) -> dict[str, Any]:
    body = profile((0, limit), start=NOON - DAY, **fields)
    found: dict[str, Any] = json.loads(encode_payload(body))
    return found | {"chargingProfileId": id}


def test_one_with_the_id_of_another_is_objected_to_and_has_not_its_name(scene: Scene) -> None:
    request = SetChargingProfileReq(connector_id=2, cs_charging_profiles=parse_profile(_given(1)))
    check = outgoing()["SetChargingProfile"].check
    assert check is not None
    assert "that of night in the library" in str(check(request, scene.target()))
    scene.confirmed("SetChargingProfile", {"connectorId": 2, "csChargingProfiles": _given(1)}, {"status": "Accepted"})
    assert there(scene) == [(2, "TxDefaultProfile", 0, None)]


@pytest.mark.parametrize(
    "operation",
    [SetChargingProfile(connector=1, profile="night"), SetChargingProfile(connector=1, profile="slow", transaction=7)],
)
def test_what_is_sent_fits_the_published_schema(scene: Scene, operation: SetChargingProfile) -> None:
    fits_the_schema(scene, operation, "SetChargingProfile")


def test_sending_again_what_is_installed(scene: Scene) -> None:
    add(scene, "over", profile((0, 9), level=3, start=NOON - DAY, valid_to=NOON + SECOND))
    running = scene.started()
    for name, connector in (("slow", 1), ("night", 0), ("over", 1), ("site", 0)):
        set_profile(scene, name, connector)
    scene.now += SECOND
    sent = [json.loads(encode_payload(request)) for request in set_charging_profiles_again(scene.target())]
    profiles = [request["csChargingProfiles"] for request in sent]
    # the maximum first; what is not valid any more is left out
    assert [body["chargingProfileId"] for body in profiles] == [2, 1, 3]
    assert [request["connectorId"] for request in sent] == [0, 0, 1]
    assert profiles[2]["transactionId"] == running.id


@pytest.mark.parametrize(("connector", "purpose"), [(1, "TxDefaultProfile"), (0, "ChargePointMaxProfile")])
def test_one_limit_is_a_profile_of_its_own(scene: Scene, connector: int, purpose: str) -> None:
    [request] = scene.asks(SetChargingProfile(connector=connector, limit="8A"))
    sent = request["csChargingProfiles"]
    assert (request["connectorId"], sent["chargingProfilePurpose"], sent["chargingProfileKind"]) == (
        *(connector, purpose, "Absolute"),
    )
    assert sent["chargingSchedule"]["chargingRateUnit"] == "A"
    assert sent["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 8.0}]
    assert sent["chargingProfileId"] > 0


@pytest.mark.parametrize("said", [{}, {"limit": "8A", "profile": "night"}, {"limit": "8"}])
def test_what_limits_is_said_in_one_way(scene: Scene, said: dict[str, Any]) -> None:
    with pytest.raises(CannotSend):
        scene.asks(SetChargingProfile(connector=1, **said))


@pytest.mark.parametrize(("level", "shadowed"), [(0, True), (3, False)])
def test_what_was_accepted_and_has_no_effect_is_told_by_what_leads(scene: Scene, level: int, shadowed: bool) -> None:
    add(scene, "lv2", profile((0, 10), level=2, start=NOON - DAY))
    set_profile(scene, "lv2")
    add(scene, "mine", profile((0, 8), level=level, start=NOON - DAY))
    [request] = scene.asks(SetChargingProfile(connector=1, profile="mine"))
    why = scene.why("SetChargingProfile", request, {"status": "Accepted"})
    leads = "no effect within a day: lv2 leads, a TxDefaultProfile on stack level 2"
    assert why == (leads if shadowed else None)


def test_one_that_takes_none_on_connector_0_is_told_another(scene: Scene) -> None:
    for name, says in (("night", "it may want each connector to be named: --connector 1"), ("site", None)):
        [request] = scene.asks(SetChargingProfile(connector=0, profile=name))
        assert scene.why("SetChargingProfile", request, {"status": "Rejected"}) == says
