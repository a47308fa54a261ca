"""ClearChargingProfile: by id, by criteria, all (CE 3.25, 3.26)."""

from typing import Any

import pytest

from csmsd.ocpp.payloads import read_payload_value
from csmsd.profiles import outgoing
from csmsd.profiles.record import Deleted
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfile
from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.smart_charging.installing import fits_the_schema, set_profile, there


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
        set_profile(scene, name, connector)
    changes = scene.confirmed("ClearChargingProfile", criteria, {"status": status})
    assert [place[3] for place in there(scene)] == left
    assert len([change for change in changes if isinstance(change, Deleted)]) == 3 - len(left)


def test_clear_takes_its_options(scene: Scene) -> None:
    assert scene.asks(ClearChargingProfile()) == [{}]
    assert scene.asks(ClearChargingProfile(id=3)) == [{"id": 3}]
    assert scene.asks(ClearChargingProfile(connector=0, purpose="TxProfile", stack_level=0)) == [
        {"connectorId": 0, "chargingProfilePurpose": "TxProfile", "stackLevel": 0}
    ]


@pytest.mark.parametrize(
    "operation",
    [
        ClearChargingProfile(),
        ClearChargingProfile(id=7),
        ClearChargingProfile(connector=0, purpose="TxProfile", stack_level=3),
    ],
)
def test_what_is_sent_fits_the_published_schema(scene: Scene, operation: ClearChargingProfile) -> None:
    fits_the_schema(scene, operation, "ClearChargingProfile")


@pytest.mark.parametrize(("status", "told"), [("Accepted", ["profile.cleared"]), ("Unknown", [])])
def test_that_nothing_was_there_is_no_news(scene: Scene, status: str, told: list[str]) -> None:
    declared = outgoing()["ClearChargingProfile"]
    assert declared.settle is not None
    confirmation, _ = read_payload_value(declared.confirmation, {"status": status})
    changes, events = declared.settle(declared.request(), confirmation, scene.target())
    assert ([*changes], [event.type for event in events]) == ([], told)
