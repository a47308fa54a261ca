"""DiagnosticsStatusNotification: how far an upload is, and silence."""

from typing import Any

import pytest

from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics
from csmsd.profiles.firmware_management.uploads import expire_uploads
from tests.csmsd.profiles.firmware_management.firmware_scene import FirmwareScene
from tests.csmsd.profiles.scene import SECOND

FILE = {"fileName": "diag.zip"}


@pytest.mark.parametrize(
    ("confirmation", "statuses", "state"),
    [
        (FILE, (), "requested"),
        (FILE, ("Uploading",), "uploading"),
        (FILE, ("Uploading", "Uploaded"), "uploaded"),
        (FILE, ("Uploading", "UploadFailed"), "upload_failed"),
        (FILE, ("Uploading", "UploadFailed", "Uploading", "Uploaded"), "uploaded"),
        (FILE, ("Uploaded", "Uploading"), "uploaded"),
        (FILE, ("Idle",), "requested"),
        (FILE, ("Uploading", "Idle"), "uploading"),
        ({}, (), "nothing"),  # C 5.9: no file name, no diagnostics
        ({"fileName": ""}, (), "nothing"),
        ({}, ("Uploading", "Uploaded"), "uploaded"),  # it only forgot the name
        ({"fileName": "x" * 3000}, (), "requested"),
    ],
)
def test_statuses_come_in_any_order(confirmation: dict[str, Any], statuses: tuple[str, ...], state: str) -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), confirmation)
    for status in statuses:
        assert scene.send("DiagnosticsStatusNotification", {"status": status}).payload == {}

    assert scene.upload.state == state


def test_a_report_of_what_nobody_asked_for_is_confirmed_and_told() -> None:
    answer = FirmwareScene().send("DiagnosticsStatusNotification", {"status": "Uploaded"})

    assert answer.payload == {}
    assert answer.event("diagnostics.status")["upload"] is None


def test_silence_ends_as_unknown() -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), FILE)
    scene.now += scene.site.policies.diagnostics_timeout * SECOND
    assert expire_uploads(scene.site.firmware.uploads, scene.now - 1) == ([], [])
    changes, events = expire_uploads(scene.site.firmware.uploads, scene.now)

    assert changes == [scene.upload]
    assert [(event.type, event.data["state"]) for event in events] == [("diagnostics.status", "unknown")]
    assert scene.upload.changed_at == scene.now
    assert (scene.upload.state, scene.upload.error) == ("unknown", "no report since the command")


def test_a_file_that_arrived_is_waited_for_no_more() -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), FILE)
    scene.upload.received_at = scene.now
    scene.now += scene.site.policies.diagnostics_timeout * SECOND

    assert expire_uploads(scene.site.firmware.uploads, scene.now) == ([], [])
    assert scene.upload.token_dead


def test_the_book_forgets_old_ones_but_not_their_files() -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), FILE)
    first = scene.upload
    first.stored, first.received_at = "1", scene.now
    for _ in range(10):
        scene.command(GetDiagnostics(location="ftp://h/"), {})

    assert scene.site.firmware.uploads.kept == [first]
    assert len(list(scene.site.firmware.uploads)) == 6


def test_one_that_begins_after_all_has_no_error_any_more() -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), {})
    before = (scene.upload.state, scene.upload.error)
    assert before == ("nothing", "the charge point named no file: it has no diagnostics")
    scene.send("DiagnosticsStatusNotification", {"status": "Uploading"})
    after = (scene.upload.state, scene.upload.error)
    assert after == ("uploading", None)
