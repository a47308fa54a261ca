"""Firmware Management: updates and diagnostics, as far as the charge point comes with them."""

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.conditions import TIME

CASES = Cases("Firmware Management")

FIRMWARE = "https://firmware.example.org/images/2.0.0.bin"
DIAGNOSTICS = "ftp://upload.example.org/diagnostics/"


async def _update_firmware_in_case(run: Run, charge_point: ChargePoint) -> None:
    await run.operator.sends(
        charge_point,
        *("update-firmware", run.name, "--location", FIRMWARE),
        action="UpdateFirmware",
        request={"location": FIRMWARE, "retrieveDate": TIME},
        answer={},
    )


async def _firmware_status_in_case(charge_point: ChargePoint, *statuses: str) -> None:
    for status in statuses:
        await charge_point.call("FirmwareStatusNotification", {"status": status}, {})


async def _install_firmware_in_case(run: Run, charge_point: ChargePoint, end: str, version: str) -> None:
    """From Downloading to the status after the reboot."""
    await _firmware_status_in_case(charge_point, "Downloading", "Downloaded")
    await charge_point.statuses("Unavailable")
    await _firmware_status_in_case(charge_point, "Installing")
    await charge_point.disconnect()
    await charge_point.connect()
    await charge_point.boot(firmware_version=version)
    await charge_point.statuses("Available")
    await _firmware_status_in_case(charge_point, end)
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available", firmware_version=version)


async def _sees_firmware_update_in_case(run: Run, **expected: object) -> None:
    """How the update went, in csms's own words; the version that booted is another fact than what was reported."""
    await run.operator.sees(
        "updates", {"charge_point": run.name, "location": FIRMWARE} | expected, "firmware", "status", run.name
    )


@CASES.case("TC_044_1", "Firmware Update - Download and Install")
async def firmware_installed_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _update_firmware_in_case(run, charge_point)
    await _install_firmware_in_case(run, charge_point, "Installed", "2.0.0")
    await _sees_firmware_update_in_case(
        run, state="installed", confirmed=True, version_before="1.0.0", version_after="2.0.0"
    )


@CASES.case("TC_044_2", "Firmware Update - Download Failed")
async def firmware_download_failed_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _update_firmware_in_case(run, charge_point)
    await _firmware_status_in_case(charge_point, "Downloading", "DownloadFailed")
    await _sees_firmware_update_in_case(run, state="download_failed", confirmed=False)


@CASES.case("TC_044_3", "Firmware Update - Installation Failed")
async def firmware_installation_failed_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _update_firmware_in_case(run, charge_point)
    await _install_firmware_in_case(run, charge_point, "InstallationFailed", "1.0.0")
    await _sees_firmware_update_in_case(run, state="installation_failed", confirmed=False, version_after="1.0.0")


async def _diagnostics_in_case(run: Run, end: str, state: str) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("get-diagnostics", run.name, "--location", DIAGNOSTICS),
        action="GetDiagnostics",
        request={"location": DIAGNOSTICS},
        answer={"fileName": "diagnostics.zip"},
    )
    for status in ("Uploading", end):
        await charge_point.call("DiagnosticsStatusNotification", {"status": status}, {})
    await run.operator.sees(
        "diagnostics",
        {"charge_point": run.name, "state": state, "announced": "diagnostics.zip", "ended": True},
        *("diagnostics", "status", run.name),
    )


@CASES.case("TC_045_1", "Get Diagnostics")
async def diagnostics_uploaded_case(run: Run) -> None:
    await _diagnostics_in_case(run, "Uploaded", "uploaded")


@CASES.case("TC_045_2", "Get Diagnostics - Upload Failed")
async def diagnostics_upload_failed_case(run: Run) -> None:
    await _diagnostics_in_case(run, "UploadFailed", "upload_failed")
