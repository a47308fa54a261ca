"""BootNotification (C 4.2)."""

from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core.boot_notification import BootNotificationConf, BootNotificationReq
from csmsd.profiles.policies import Policies
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, Scene

BOOT = {"chargePointVendor": "ACME", "chargePointModel": "One"}
FULL = {
    **BOOT,
    "chargePointSerialNumber": "SN 1",
    "chargeBoxSerialNumber": "SN 2",
    "firmwareVersion": "1.2.3",
    "iccid": "8944",
    "imsi": "2620",
    "meterType": "M",
    "meterSerialNumber": "SN 3",
}


@pytest.mark.parametrize("payload", [BOOT, FULL])
def test_valid_requests(payload: dict[str, Any]) -> None:
    assert_valid(BootNotificationReq, payload)


@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
def test_valid_confirmations(status: str) -> None:
    assert_valid(BootNotificationConf, {"status": status, "currentTime": "2026-03-01T12:00:00.000Z", "interval": 300})


@pytest.mark.parametrize(("registration", "interval"), [("Accepted", 300), ("Pending", 60), ("Rejected", 60)])
def test_it_is_answered_with_the_operators_decision(registration: str, interval: int) -> None:
    scene = Scene(Policies(heartbeat_interval=300, boot_retry_interval=60))
    new = scene.register("CP2", registration=registration)

    answer = scene.send("BootNotification", BOOT, by="CP2")

    assert answer.payload == {
        "status": registration, "currentTime": "2026-03-01T12:00:00.000Z", "interval": interval
    }  # fmt: skip
    assert new.record.boot_status == registration
    assert answer.changes == [new.record]
    assert answer.event("charge_point.booted")["status"] == registration


def test_what_it_says_of_itself_is_kept() -> None:
    scene = Scene()

    scene.send("BootNotification", FULL)

    record = scene.cp.record
    assert (record.vendor, record.model, record.serial_number, record.charge_box_serial_number) == (
        "ACME", "One", "SN 1", "SN 2"
    )  # fmt: skip
    assert (record.firmware_version, record.iccid, record.imsi, record.meter_type, record.meter_serial_number) == (
        "1.2.3", "8944", "2620", "M", "SN 3"
    )  # fmt: skip
    assert record.booted_at == NOON


def test_what_it_says_no_more_is_forgotten() -> None:
    scene = Scene()
    scene.send("BootNotification", FULL)

    scene.send("BootNotification", BOOT)

    assert (scene.cp.record.vendor, scene.cp.record.firmware_version) == ("ACME", None)


def test_a_boot_ends_the_wait_for_a_reboot() -> None:
    scene = Scene()
    scene.cp.record.reboot_required = True

    scene.send("BootNotification", BOOT)

    assert not scene.cp.record.reboot_required


def test_a_decision_takes_effect_with_the_next_boot() -> None:
    scene = Scene()
    scene.cp.record.registration = "Pending"
    scene.now += HOUR

    assert scene.send("BootNotification", BOOT).payload["status"] == "Pending"
    assert scene.cp.record.boot_status == "Pending"


@pytest.mark.parametrize(
    ("payload", "vendor", "deviation"),
    [
        ({**BOOT, "chargePointVendor": ""}, "", None),
        ({**BOOT, "chargePointVendor": 7}, "7", ("chargePointVendor", "number_instead_of_text")),
        ({**BOOT, "chargePointVendor": "A" * 34}, "A" * 34, ("chargePointVendor", "too_long")),
        ({**BOOT, "chargePointSerialNumber": "S" * 34}, "ACME", ("chargePointSerialNumber", "too_long")),
        ({**BOOT, "meterType": None}, "ACME", ("meterType", "null")),
        ({**BOOT, "meterType": {}}, "ACME", ("meterType", "unusable")),
        ({"chargePointModel": "One"}, "", ("", "unreadable:OccurenceConstraintViolation")),
        ({**BOOT, "chargePointModel": None}, "ACME", ("", "unreadable:TypeConstraintViolation")),
        ({}, "", ("", "unreadable:OccurenceConstraintViolation")),
        ([], "", ("", "unreadable:FormationViolation")),
        (None, "", ("", "unreadable:OccurenceConstraintViolation")),
    ],
)
def test_a_boot_is_never_refused(payload: object, vendor: str, deviation: tuple[str, str] | None) -> None:
    scene = Scene()

    answer = scene.send("BootNotification", payload)

    assert answer.payload["status"] == "Accepted"
    assert scene.cp.record.vendor == vendor
    assert answer.deviations == ([deviation] if deviation is not None else [])


def test_what_can_be_read_of_an_unreadable_boot_is_kept() -> None:
    scene = Scene()

    scene.send("BootNotification", {**FULL, "chargePointModel": None, "iccid": 5})

    assert (scene.cp.record.model, scene.cp.record.iccid) == ("", None)
    assert (scene.cp.record.vendor, scene.cp.record.imsi, scene.cp.record.meter_serial_number) == (
        "ACME",
        "2620",
        "SN 3",
    )


def test_endless_text_is_cut() -> None:
    scene = Scene()

    scene.send("BootNotification", {**BOOT, "chargePointVendor": "A" * 60_000, "firmwareVersion": "1" * 60_000})
    assert scene.cp.record.vendor == "A" * 200  # as long as reading lets it be
    assert scene.cp.record.firmware_version == "1" * 255

    scene.send("BootNotification", {"chargePointVendor": "B" * 60_000})
    assert scene.cp.record.vendor == "B" * 255


def test_strict_no_tolerance() -> None:
    scene = Scene()
    scene.cp.record.strict = True

    with pytest.raises(OcppError, match="PropertyConstraintViolation: chargePointSerialNumber"):
        scene.send("BootNotification", {**BOOT, "chargePointSerialNumber": "S" * 26})
    with pytest.raises(OcppError, match="OccurenceConstraintViolation: chargePointVendor"):
        scene.send("BootNotification", {"chargePointModel": "One"})
