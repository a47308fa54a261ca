"""UpdateFirmware: what is sent, what speaks against it, and what is kept before and after."""

from typing import Any

import pytest

from csmsd.profiles.firmware_management.hosting import Host, Protocol, hosting_token_hash
from csmsd.profiles.firmware_management.update_firmware import UpdateFirmware
from csmsd.profiles.following import what_follows
from csmsd.profiles.record import Event
from csmsd.profiles.refusal import CannotSend, NotThere
from tests.csmsd.profiles.firmware_management.firmware_scene import TOKEN, FirmwareScene
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, SECOND

FTP = UpdateFirmware(location="ftp://user:secret@host/fw.bin")


def begun(**how: Any) -> FirmwareScene:
    scene = FirmwareScene(**how)
    scene.command(FTP)
    return scene


def reported(scene: FirmwareScene, *statuses: str) -> None:
    for status in statuses:
        assert scene.send("FirmwareStatusNotification", {"status": status}).payload == {}


def test_what_is_sent_is_as_specified() -> None:
    scene = FirmwareScene()
    operation = UpdateFirmware(
        location="https://host/fw.bin", retrieve_date="2026-03-01T15:00:00+02:00", retries=3, retry_interval=60
    )
    sent = scene.command(operation)

    assert sent == {
        "location": "https://host/fw.bin",
        "retries": 3,
        "retrieveDate": "2026-03-01T13:00:00.000Z",
        "retryInterval": 60,
    }
    from csmsd.profiles.firmware_management.update_firmware import UpdateFirmwareReq

    assert_valid(UpdateFirmwareReq, sent)


def test_a_file_gets_a_url_with_a_token_of_which_only_the_hash_is_kept() -> None:
    scene = FirmwareScene()
    sent = scene.command(UpdateFirmware(file="acme-2.1.bin", retries=2))

    assert sent["location"] == f"http://csms:9080/token-{TOKEN}/acme-2.1.bin"
    update = scene.update
    assert update.location == "http://csms:9080/token-******/acme-2.1.bin"
    assert update.token_hash == hosting_token_hash(TOKEN)
    assert (update.file, update.downloads_left) == ("acme-2.1.bin", 3)
    assert scene.site.firmware.updates.of_token(hosting_token_hash(TOKEN)) is update


@pytest.mark.parametrize(
    ("supported", "wanted", "scheme"),
    [
        (None, None, "http"),
        ("FTP, FTPS", None, "ftp"),
        ("HTTPS,HTTP", None, "http"),
        ("SFTP", None, "http"),  # nothing that we could do; the check speaks against it
        (None, "ftp", "ftp"),
    ],
)
def test_the_protocol_is_one_that_the_charge_point_supports(supported: str | None, wanted: Any, scheme: str) -> None:
    scene = FirmwareScene()
    if supported is not None:
        scene.confirmed(
            "GetConfiguration",
            {},
            {"configurationKey": [{"key": "SupportedFileTransferProtocols", "readonly": True, "value": supported}]},
        )

    assert scene.command(UpdateFirmware(file="acme-2.1.bin", protocol=wanted))["location"].startswith(scheme + "://")


@pytest.mark.parametrize(
    ("fields", "hosting", "reason", "text"),
    [
        ({}, None, CannotSend, "either --location URL or --file NAME"),
        ({"location": "ftp://h/f", "file": "acme-2.1.bin"}, None, CannotSend, "either --location URL or --file"),
        ({"file": "none.bin"}, None, NotThere, "firmware add"),
        ({"file": "acme-2.1.bin"}, {}, CannotSend, "files.on_demand"),
        ({"file": "acme-2.1.bin", "protocol": "ftp"}, {"http": Host(9080, "csms")}, CannotSend, "files.ftp_listen"),
        ({"location": "ftp://h/f", "retrieve_date": "soon"}, None, CannotSend, "no time"),
    ],
)
def test_what_makes_no_sense_is_not_sent(
    fields: dict[str, Any], hosting: dict[Protocol, Host] | None, reason: type[Exception], text: str
) -> None:
    scene = FirmwareScene(hosting=hosting)

    with pytest.raises(reason, match=text):
        scene.asks(UpdateFirmware(**fields))


@pytest.mark.parametrize(
    ("location", "supported", "warning"),
    [
        ("ftp://host/file", None, None),
        ("file", None, "no URL"),
        ("/file", None, "no URL"),
        ("http://[::1/file", None, "no URL"),
        ("http://host/file", "FTP,FTPS", "supports FTP,FTPS only"),
        ("ftps://host/file", "FTP,FTPS", None),
    ],
)
def test_warnings(location: str, supported: str | None, warning: str | None) -> None:
    scene = FirmwareScene()
    if supported is not None:
        scene.confirmed(
            "GetConfiguration",
            {},
            {"configurationKey": [{"key": "SupportedFileTransferProtocols", "readonly": True, "value": supported}]},
        )

    found = scene.warning(UpdateFirmware(location=location))

    assert (warning in found) if warning is not None and found is not None else found is warning


def test_a_second_update_is_warned_of_and_takes_the_place_of_the_first() -> None:
    scene = begun()
    reported(scene, "Downloading")

    assert "under way" in (scene.warning(FTP) or "")
    scene.command(FTP)

    first = scene.site.firmware.updates.get(1)
    assert first is not None
    assert first.state == "superseded"
    assert scene.update.id == 2
    assert scene.update.state == "requested"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("call_error", "refused"), ("not_connected", "not_sent"), ("timeout", "requested"), ("unknown", "requested")],
)
def test_without_a_confirmation_only_what_is_certain_ends_it(outcome: str, state: str) -> None:
    scene = FirmwareScene()
    scene.command(FTP, fails=outcome)

    newest = scene.site.firmware.updates.newest("CP1")
    assert newest is not None
    assert newest.state == state
    scene.send("FirmwareStatusNotification", {"status": "Downloading"})
    assert newest.state == ("downloading" if state == "requested" else state)


def test_what_was_reported_before_the_answer_got_lost_is_not_taken_back() -> None:
    scene = begun()
    reported(scene, "Downloading")
    from csmsd.profiles import outgoing

    declared = outgoing()["UpdateFirmware"]
    assert declared.unconfirmed is not None
    (request,) = FTP.steps(scene.target())
    target = scene.target()
    target.task = 1
    assert declared.unconfirmed(request, "not_connected", target) == ([], [])
    assert scene.update.state == "downloading"


def test_the_wait_begins_when_the_charge_point_may_fetch_it() -> None:
    scene = FirmwareScene()
    scene.command(UpdateFirmware(location="ftp://h/f", retrieve_date="2026-03-02T12:00:00Z"))

    assert scene.update.deadline_at == scene.now + 24 * HOUR + scene.site.policies.firmware_timeout * SECOND


def test_nothing_more_is_waited_for_when_its_charge_point_is_removed() -> None:
    scene = begun()
    changes, events = what_follows([Event("charge_point.removed", "CP1", {})], scene.site, scene.now)
    update = scene.site.firmware.updates.get(1)
    assert update is not None
    assert (update.state, update.error) == ("cancelled", "the charge point was removed")
    assert changes == [update]
    assert [(event.type, event.data["state"]) for event in events] == [("firmware.status", "cancelled")]


def test_where_csmsd_hosts_no_files_it_is_fetched_elsewhere_all_the_same() -> None:
    scene = begun(hosting={})
    assert (scene.update.location, scene.update.token_hash, scene.update.file) == (
        "ftp://******@host/fw.bin",
        None,
        None,
    )
