"""Firmware and diagnostics of a simulated charge point: fetched, installed, brought, and told of in order."""

import pytest

from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.profiles.firmware_management import version_of_firmware
from csmsctl.simulator.transfers import Transfer
from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsctl.simulator.central_system import NOON, CentralSystem, booted, charging

IMAGE = "http://192.0.2.1/acme-2.1.bin"


def transfer(central_system: CentralSystem) -> Transfer:
    (wanted,) = point(central_system).transfers
    point(central_system).transfers.clear()
    return wanted


def point(central_system: CentralSystem) -> ChargePoint:
    return central_system.charge_point


def firmware(central_system: CentralSystem) -> list[str]:
    return [payload["status"] for _, payload in central_system.taken("FirmwareStatusNotification")]


def diagnostics(central_system: CentralSystem) -> list[str]:
    return [payload["status"] for _, payload in central_system.taken("DiagnosticsStatusNotification")]


def update(central_system: CentralSystem, seconds: float = 0, **more: int) -> None:
    at = format_timestamp(NOON + round(seconds * 1000))
    assert central_system.call("UpdateFirmware", location=IMAGE, retrieveDate=at, **more) == {}
    central_system.run(0)


@pytest.mark.parametrize(
    ("location", "version"),
    [
        ("http://x/acme-2.1.bin", "2.1"),
        ("ftp://x/fw/v10.20.3/image.bin", "1.0.1"),  # a version of a folder is none of the file
        ("http://x/acme-2.1.bin?v=9.9", "2.1"),
        ("http://x/image", "1.0.1"),
    ],
)
def test_the_version_that_a_file_brings(location: str, version: str) -> None:
    assert version_of_firmware(location, "1.0.0") == version


def test_fetched_not_before_its_date_installed_and_told_after_the_boot() -> None:
    central_system = booted()
    update(central_system, seconds=60)
    central_system.run(59)
    assert (firmware(central_system), point(central_system).transfers) == ([], [])
    central_system.run(1)
    assert firmware(central_system) == ["Downloading"]
    wanted = transfer(central_system)
    assert (wanted.url, wanted.content) == (IMAGE, None)
    central_system.act(lambda: wanted.then(1000))
    assert firmware(central_system) == ["Downloaded", "Installing"]
    central_system.run(120)
    calls = [
        (action, payload.get("firmwareVersion") or payload.get("status"))
        for action, payload in central_system.taken("BootNotification", "FirmwareStatusNotification")
    ]
    assert calls == [("BootNotification", "2.1"), ("FirmwareStatusNotification", "Installed")]
    assert central_system.status(1) == central_system.status(2) == "Available"


def test_installed_when_nobody_charges_and_nobody_begins_meanwhile() -> None:
    """C 5.19"""
    central_system = charging()
    update(central_system)
    wanted = transfer(central_system)
    central_system.act(lambda: wanted.then(1000))
    central_system.run(30)
    assert firmware(central_system) == ["Downloading", "Downloaded"]
    assert (central_system.status(1), central_system.status(2)) == ("Charging", "Unavailable")
    central_system.act(lambda: point(central_system).connectors[1].present("TAG"))
    central_system.run(1)
    assert firmware(central_system) == ["Installing"]


def test_tried_again_as_often_and_as_late_as_it_was_told() -> None:
    central_system = booted()
    update(central_system, retries=1, retryInterval=10)
    first = transfer(central_system)
    central_system.act(lambda: first.failed("404"))
    assert firmware(central_system) == ["Downloading"]
    central_system.run(9)
    assert point(central_system).transfers == []
    central_system.run(1)
    second = transfer(central_system)
    central_system.act(lambda: second.failed("404"))
    assert firmware(central_system) == ["Downloading", "DownloadFailed"]


def test_a_new_command_takes_the_place_of_the_one_before() -> None:
    central_system = booted()
    update(central_system)
    old = transfer(central_system)
    update(central_system)
    new = transfer(central_system)
    firmware(central_system)
    central_system.act(lambda: old.then(1000))
    central_system.act(lambda: old.failed("late"))
    assert firmware(central_system) == []
    central_system.act(lambda: new.then(1000))
    assert firmware(central_system) == ["Downloaded", "Installing"]


def test_an_installation_that_fails_leaves_the_old_version() -> None:
    central_system = booted(misbehave=["installation-fails"])
    update(central_system)
    wanted = transfer(central_system)
    central_system.act(lambda: wanted.then(1000))
    central_system.run(60)
    assert firmware(central_system) == ["Downloading", "Downloaded", "Installing", "InstallationFailed"]
    assert point(central_system).firmware_version == "1.0.0"
    assert central_system.status(1) == "Available"


def test_what_is_reported_while_offline_is_told_afterwards() -> None:
    central_system = booted()
    update(central_system)
    wanted = transfer(central_system)
    firmware(central_system)
    central_system.act(point(central_system).go_offline)
    central_system.act(lambda: wanted.failed("timeout"))
    assert firmware(central_system) == []
    central_system.act(point(central_system).go_online)
    central_system.run(1)
    assert firmware(central_system) == ["DownloadFailed"]


def test_diagnostics_are_brought_under_the_name_that_was_told() -> None:
    central_system = booted()
    answer = central_system.call("GetDiagnostics", location="ftp://192.0.2.1/up/")
    central_system.run(0)
    wanted = transfer(central_system)
    assert wanted.url == f"ftp://192.0.2.1/up/{answer['fileName']}"
    assert wanted.content is not None
    text = wanted.content.decode()
    assert text.startswith("charge point: SIM-1\nfirmware: 1.0.0\n")
    assert "HeartbeatInterval = " in text
    central_system.act(lambda: wanted.then(len(text)))
    assert diagnostics(central_system) == ["Uploading", "Uploaded"]


def test_an_upload_that_fails_is_tried_again() -> None:
    central_system = booted()
    central_system.call("GetDiagnostics", location="http://192.0.2.1/up", retries=1)
    central_system.run(0)
    first = transfer(central_system)
    assert first.url == "http://192.0.2.1/up"
    central_system.act(lambda: first.failed("503"))
    central_system.run(29)
    assert point(central_system).transfers == []
    central_system.run(1)
    second = transfer(central_system)
    central_system.act(lambda: second.failed("503"))
    assert diagnostics(central_system) == ["Uploading", "Uploading", "UploadFailed"]


@pytest.mark.parametrize("action", ["FirmwareStatusNotification", "DiagnosticsStatusNotification"])
def test_idle_when_nothing_is_under_way(action: str) -> None:
    """C 4.4, 4.5"""
    central_system = booted()
    assert central_system.call("TriggerMessage", requestedMessage=action) == {"status": "Accepted"}
    assert [payload for _, payload in central_system.taken(action)] == [{"status": "Idle"}]
    update(central_system)
    central_system.call("GetDiagnostics", location="ftp://192.0.2.1/")
    central_system.run(0)
    central_system.taken()
    central_system.call("TriggerMessage", requestedMessage=action)
    under_way = {"FirmwareStatusNotification": "Downloading", "DiagnosticsStatusNotification": "Uploading"}
    assert [payload for _, payload in central_system.taken(action)] == [{"status": under_way[action]}]
