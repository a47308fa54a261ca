"""GetLog (whitepaper 5.9, N01; TC_079)."""

import pytest

from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics
from csmsd.profiles.firmware_management.hosting import hosting_token_hash
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.security.get_log import GetLog, GetLogConf, GetLogReq
from tests.csmsd.profiles.firmware_management.firmware_scene import TOKEN, FirmwareScene
from tests.csmsd.profiles.messages import assert_valid

FILE = {"status": "Accepted", "filename": "security.log"}


def test_csmsd_receives_the_log_itself() -> None:
    scene = FirmwareScene()
    sent = scene.command(GetLog(type="security", protocol="ftp"), FILE)
    assert_valid(GetLogReq, sent)
    assert_valid(GetLogConf, FILE)
    assert sent == {
        "logType": "SecurityLog",
        "requestId": 0,  # the runner puts the number of the task there
        "log": {"remoteLocation": f"ftp://csms:2121/token-{TOKEN}/"},
    }
    assert (scene.upload.kind, scene.upload.announced, scene.upload.state) == (
        "security_log",
        "security.log",
        "requested",
    )
    assert scene.upload.token_hash == hosting_token_hash(TOKEN)


def test_what_is_wanted_of_it() -> None:
    scene = FirmwareScene()
    sent = scene.command(
        GetLog(
            type="diagnostics",
            location="ftp://u:p@host/in/",
            oldest="2026-02-28T00:00:00Z",
            latest="2026-03-01T00:00:00Z",
            retries=2,
            retry_interval=60,
        ),
        FILE,
    )
    assert_valid(GetLogReq, sent)
    assert sent["log"]["oldestTimestamp"] == "2026-02-28T00:00:00.000Z"
    assert (sent["logType"], sent["retries"], sent["retryInterval"]) == ("DiagnosticsLog", 2, 60)
    assert (scene.upload.kind, scene.upload.location) == ("diagnostics_log", "ftp://******@host/in/")
    with pytest.raises(CannotSend, match="before the stop time"):
        scene.asks(GetLog(type="security", oldest="2026-03-01T00:00:00Z", latest="2026-02-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("status", "first", "second"),
    [
        ("Accepted", "superseded", "requested"),
        ("AcceptedCanceled", "superseded", "requested"),
        ("Rejected", "uploading", "refused"),
    ],
)
def test_the_newest_that_is_accepted_takes_the_place_of_the_one_before(status: str, first: str, second: str) -> None:
    scene = FirmwareScene()
    scene.command(GetLog(type="security"), FILE)
    assert "is under way" in (scene.warning(GetLog(type="security")) or "")
    scene.send("LogStatusNotification", {"status": "Uploading", "requestId": 1})
    scene.command(GetLog(type="security"), FILE | {"status": status})
    states = [upload.state for upload in scene.site.firmware.uploads.of_charge_point("CP1")]
    assert states == [first, second]


def test_without_a_file_name_there_is_no_log() -> None:
    scene = FirmwareScene()
    scene.command(GetLog(type="security"), {"status": "Accepted"})
    assert scene.upload.state == "nothing"


def test_what_was_not_sent_is_no_upload() -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), {"fileName": "a"})
    scene.command(GetLog(type="security"), fails="not_connected")
    assert scene.upload.id == 1


def test_what_goes_elsewhere_is_waited_for_by_the_charge_points_word() -> None:
    assert GetLog(type="security", location="ftp://h/").effect(None).state == "uploaded"
    assert GetLog(type="security").effect(None).state == "received"
