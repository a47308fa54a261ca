"""GetDiagnostics: what is sent, and where to."""

from typing import Any

import pytest

from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics, GetDiagnosticsReq
from csmsd.profiles.firmware_management.hosting import token_hash
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.firmware_management.firmware_scene import TOKEN, FirmwareScene
from tests.csmsd.profiles.messages import assert_valid

FILE = {"fileName": "diag.zip"}


def test_what_is_sent_is_as_specified() -> None:
    scene = FirmwareScene()
    sent = scene.command(
        GetDiagnostics(
            location="ftp://u:p@host/in/",
            start_time="2026-02-28T00:00:00Z",
            stop_time="2026-03-01T00:00:00Z",
            retries=1,
            retry_interval=5,
        ),
        FILE,
    )

    assert_valid(GetDiagnosticsReq, sent)
    assert scene.upload.location == "ftp://******@host/in/"
    assert scene.upload.token_hash is None
    assert scene.upload.announced == "diag.zip"


def test_without_a_location_csmsd_receives_the_file() -> None:
    scene = FirmwareScene()
    sent = scene.command(GetDiagnostics(protocol="ftp"), FILE)

    assert sent == {"location": f"ftp://csms:2121/token-{TOKEN}/"}
    assert scene.upload.token_hash == token_hash(TOKEN)
    assert scene.upload.location == "ftp://csms:2121/token-******/"


@pytest.mark.parametrize(
    ("fields", "hosting", "text"),
    [
        ({}, {}, "hosts no files"),
        ({"location": "ftp://h/", "start_time": "yesterday"}, None, "no time"),
        (
            {"location": "ftp://h/", "start_time": "2026-03-01T00:00:00Z", "stop_time": "2026-03-01T00:00:00Z"},
            None,
            "before the stop time",
        ),
    ],
)
def test_what_makes_no_sense_is_not_sent(fields: dict[str, Any], hosting: Any, text: str) -> None:
    with pytest.raises(CannotSend, match=text):
        FirmwareScene(hosting=hosting).asks(GetDiagnostics(**fields))
