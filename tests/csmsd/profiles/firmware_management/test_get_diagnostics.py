"""GetDiagnostics: what is sent, and where to."""

from typing import Any

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.action import Sent, Target
from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics, GetDiagnosticsReq
from csmsd.profiles.firmware_management.hosting import hosting_token_hash
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.firmware_management.firmware_scene import TOKEN, FirmwareScene
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import SECOND

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
    assert scene.upload.token_hash == hosting_token_hash(TOKEN)
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


ELSEWHERE = "ftp://h/"
NOT_HERE = "it says that it uploaded a file, but nothing arrived here"


@pytest.mark.parametrize(
    ("state", "received", "here", "elsewhere"),
    [
        ("requested", False, (False, None), (False, None)),
        ("uploading", False, (False, None), (False, None)),
        ("uploading", True, (True, None), (True, None)),  # the file is here, whatever is said of it
        ("uploaded", False, (False, NOT_HERE), (True, None)),
        ("uploaded", True, (True, None), (True, None)),
        ("upload_failed", False, (False, "upload failed"), (False, "upload failed")),
        ("upload_failed", True, (True, None), (True, None)),
    ],
)
def test_that_it_is_here_and_that_it_was_uploaded_are_two_facts(
    state: str, received: bool, here: tuple[bool, str | None], elsewhere: tuple[bool, str | None]
) -> None:
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), FILE)
    scene.upload.state = state
    scene.upload.received_at = scene.now if received else None
    request = GetDiagnosticsReq(location="")
    sent = Sent(request, scene.now, None, Target(scene.site, scene.cp, scene.now, scene.task))
    for word, (reached, failed) in (("received", here), ("uploaded", elsewhere)):
        seen = GetDiagnostics().effect(word).look(sent)
        assert (seen.state, seen.reached, seen.failed) == (state, reached, failed), word


def test_one_that_was_never_heard_of_is_unknown() -> None:
    scene = FirmwareScene()
    sent = Sent(GetDiagnosticsReq(location=""), scene.now, None, Target(scene.site, scene.cp, scene.now, 7))
    for word in ("received", "uploaded"):
        assert not GetDiagnostics().effect(word).look(sent).reached


def test_what_goes_elsewhere_is_waited_for_by_the_charge_points_word() -> None:
    assert GetDiagnostics(location=ELSEWHERE).effect(None).state == "uploaded"
    assert GetDiagnostics().effect(None).state == "received"
    assert GetDiagnostics().effect("uploaded").state == "uploaded"
    with pytest.raises(CannotSend, match="it can wait for uploaded"):
        GetDiagnostics(location=ELSEWHERE).effect("received")


def test_one_after_the_other() -> None:
    scene = FirmwareScene()
    command = GetDiagnostics(location=ELSEWHERE)
    assert scene.warning(command) is None
    scene.command(command, FILE)
    assert scene.warning(command) == "upload 1 is under way (requested); see: csmsctl diagnostics status"
    scene.upload.state = "uploaded"
    assert scene.warning(command) is None


def test_the_answer_is_news_of_it() -> None:
    """Without a fileName there is nothing to upload (C 5.9)."""
    scene = FirmwareScene()
    scene.command(GetDiagnostics(), fails="timeout")
    scene.now += SECOND
    request = GetDiagnosticsReq(location="")
    declared = outgoing()["GetDiagnostics"]
    assert declared.settle is not None
    target = Target(scene.site, scene.cp, scene.now, scene.task)
    changes, events = declared.settle(request, declared.confirmation(), target)
    assert changes == [scene.upload]
    assert (scene.upload.state, scene.upload.changed_at) == ("nothing", scene.now)
    assert [event.data["state"] for event in events] == ["nothing"]


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (f"ftp://csms:2121/token-{TOKEN}/", "ftp"),
        (f"http://192.0.2.1:9080/token-{TOKEN}/", "http"),  # whatever it calls this machine
        ("ftp://elsewhere:2121/in/", None),
    ],
)
def test_the_host_of_ours_that_it_needs(location: str, host: str | None) -> None:
    scene = FirmwareScene()
    needs = outgoing()["GetDiagnostics"].needs
    assert needs is not None
    assert needs(GetDiagnosticsReq(location=location), scene.target()) == host
    scene.site.firmware.hosting = None
    assert needs(GetDiagnosticsReq(location=location), scene.target()) is None


def test_where_csmsd_hosts_no_files_it_is_sent_elsewhere_all_the_same() -> None:
    scene = FirmwareScene(hosting={})
    assert scene.command(GetDiagnostics(location=ELSEWHERE), FILE) == {"location": ELSEWHERE}
    assert (scene.upload.location, scene.upload.token_hash) == (ELSEWHERE, None)
