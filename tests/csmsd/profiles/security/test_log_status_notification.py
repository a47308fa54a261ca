"""LogStatusNotification (whitepaper 5.13): which upload it is about, and how that ended."""

import pytest

from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics
from csmsd.profiles.security.get_log import GetLog
from csmsd.profiles.security.log_status_notification import LogStatusNotificationReq
from tests.csmsd.profiles.firmware_management.firmware_scene import FirmwareScene
from tests.csmsd.profiles.messages import assert_valid

FILE = {"status": "Accepted", "filename": "security.log"}


@pytest.mark.parametrize(
    ("statuses", "state", "error"),
    [
        ((), "requested", None),
        (("Uploading",), "uploading", None),
        (("Uploading", "Uploaded"), "uploaded", None),
        (("Uploaded", "Uploading"), "uploaded", None),
        (("Idle",), "requested", None),
        (("Uploading", "UploadFailure"), "upload_failed", None),
        (("Uploading", "UploadFailed"), "upload_failed", None),  # N01.FR.10 writes it so
        (("PermissionDenied",), "upload_failed", "not permitted"),
        (("BadMessage",), "upload_failed", "not understood"),
        (("NotSupportedOperation",), "upload_failed", "no files are taken"),
        (("PermissionDenied", "Uploading", "Uploaded"), "uploaded", None),
    ],
)
@pytest.mark.parametrize("numbered", [True, False])
def test_statuses(statuses: tuple[str, ...], state: str, error: str | None, numbered: bool) -> None:
    scene = FirmwareScene()
    scene.command(GetLog(type="security"), FILE)
    for status in statuses:
        answer = scene.send("LogStatusNotification", {"status": status} | ({"requestId": 1} if numbered else {}))
        assert answer.payload == {}
    assert scene.upload.state == state
    assert (error or "") in (scene.upload.error or "")
    assert (scene.upload.error is None) == (error is None)


def test_it_is_as_specified() -> None:
    assert_valid(LogStatusNotificationReq, {"status": "PermissionDenied", "requestId": 7})


def test_the_number_says_which_one_it_is_about() -> None:
    """AcceptedCanceled: of the one before it there may be a last word."""
    scene = FirmwareScene()
    scene.command(GetLog(type="security"), FILE)
    scene.command(GetLog(type="diagnostics"), FILE | {"status": "AcceptedCanceled"})
    scene.send("LogStatusNotification", {"status": "Uploading", "requestId": 2})
    scene.send("LogStatusNotification", {"status": "UploadFailure", "requestId": 1})
    first, second = scene.site.firmware.uploads.of_charge_point("CP1")
    assert (first.state, second.state) == ("upload_failed", "uploading")


def test_statuses_of_diagnostics_and_of_logs_are_told_apart() -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(location="ftp://h/"), {"fileName": "a"})
    scene.upload.state = "uploading"
    scene.command(GetLog(type="security"), FILE)
    diagnostics, log = scene.site.firmware.uploads.of_charge_point("CP1")
    diagnostics.state = "uploading"
    scene.send("LogStatusNotification", {"status": "Uploaded"})
    assert (diagnostics.state, log.state) == ("uploading", "uploaded")
    scene.send("DiagnosticsStatusNotification", {"status": "UploadFailed"})
    assert (diagnostics.state, log.state) == ("upload_failed", "uploaded")


def test_of_another_charge_point_a_number_says_nothing() -> None:
    scene = FirmwareScene()
    scene.register("CP2", boot_status="Accepted")
    scene.command(GetLog(type="security"), FILE)
    answer = scene.send("LogStatusNotification", {"status": "Uploaded", "requestId": 1}, by="CP2")
    assert answer.event("diagnostics.status") == {"upload": None, "kind": None, "state": None, "status": "Uploaded"}
    assert scene.upload.state == "requested"
