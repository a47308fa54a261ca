"""SignedUpdateFirmware (whitepaper 5.21, L01; TC_080, TC_081): what is sent, and what an answer means."""

from base64 import b64decode, b64encode
from typing import Any

import pytest

from csmsd.profiles.firmware_management.update_firmware import UpdateFirmware
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.security.signed_update_firmware import (
    SignedUpdateFirmware,
    SignedUpdateFirmwareConf,
    SignedUpdateFirmwareReq,
    spoilt_signature,
)
from tests.csmsd.profiles.firmware_management.firmware_scene import TOKEN, FirmwareScene
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
SIGNATURE = b64encode(bytes(range(256))).decode()
ACCEPTED = {"status": "Accepted"}


def command(**fields: Any) -> SignedUpdateFirmware:
    return SignedUpdateFirmware(
        **({"file": "acme-2.1.bin", "signing_certificate": CERTIFICATE, "signature": SIGNATURE} | fields)
    )


def test_what_is_sent_is_as_specified() -> None:
    scene = FirmwareScene(version="2.1")
    sent = scene.command(command(retries=2, retry_interval=60, install_date="2026-03-02T02:00:00Z"), ACCEPTED)
    assert_valid(SignedUpdateFirmwareReq, sent)
    assert sent == {
        "retries": 2,
        "retryInterval": 60,
        "requestId": 0,  # the runner puts the number of the task there
        "firmware": {
            "location": f"http://csms:9080/token-{TOKEN}/acme-2.1.bin",
            "retrieveDateTime": "2026-03-01T12:00:00.000Z",
            "installDateTime": "2026-03-02T02:00:00.000Z",
            "signingCertificate": CERTIFICATE,
            "signature": SIGNATURE,
        },
    }
    update = scene.update
    assert (update.file, update.version_wanted, update.downloads_left) == ("acme-2.1.bin", "2.1", 3)
    assert update.install_at == scene.now + 14 * HOUR
    assert update.deadline_at == update.install_at + scene.site.policies.firmware_timeout * 1000, "it may wait for that"


def test_a_wrong_signature_differs_and_is_as_long() -> None:
    """TC_081: it must be possible to send one."""
    scene = FirmwareScene()
    sent = scene.command(command(bad_signature=True), ACCEPTED)
    assert_valid(SignedUpdateFirmwareReq, sent)
    wrong = sent["firmware"]["signature"]
    assert (wrong != SIGNATURE, len(b64decode(wrong))) == (True, 256)
    for given in (None, "", "no base64"):
        assert len(b64decode(spoilt_signature(given))) == 256


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"signature": None}, "--sign-with"),
        ({"sign_with": "-----BEGIN PRIVATE KEY-----"}, "never sent"),
        ({"padding": "pss"}, "never sent"),
        ({"location": "http://h/f"}, "either"),
        ({"file": None}, "either"),
    ],
)
def test_what_makes_no_sense_is_not_sent(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(CannotSend, match=text):
        FirmwareScene().asks(command(**fields))


@pytest.mark.parametrize(
    ("status", "first", "second", "error"),
    [
        ("Accepted", "superseded", "requested", None),
        ("AcceptedCanceled", "superseded", "requested", None),
        ("Rejected", "downloading", "refused", "refused"),
        ("InvalidCertificate", "downloading", "refused", "install-certificate"),
        ("RevokedCertificate", "downloading", "refused", "revoked"),
    ],
)
def test_answers(status: str, first: str, second: str, error: str | None) -> None:
    assert_valid(SignedUpdateFirmwareConf, {"status": status})
    scene = FirmwareScene()
    scene.command(command(), ACCEPTED)
    assert "is under way" in (scene.warning(command()) or "")
    scene.send("SignedFirmwareStatusNotification", {"status": "Downloading", "requestId": 1})
    scene.command(command(), {"status": status})
    earlier, newest = scene.site.firmware.updates.of_charge_point("CP1")
    assert (earlier.state, newest.state) == (first, second)
    assert (error or "") in (newest.error or "")
    why = scene.why("SignedUpdateFirmware", {"requestId": 1, "firmware": {}} | _FIRMWARE, {"status": status})
    assert (why is None) == (error is None)


_FIRMWARE: dict[str, Any] = {
    "firmware": {
        "location": "http://h/f",
        "retrieveDateTime": "2026-03-01T12:00:00.000Z",
        "signingCertificate": CERTIFICATE,
        "signature": SIGNATURE,
    }
}


def test_unsigned_and_signed_updates_stand_in_the_same_book() -> None:
    """L01.FR.20: one with the extension refuses UpdateFirmware with a CALLERROR."""
    scene = FirmwareScene()
    scene.command(UpdateFirmware(file="acme-2.1.bin"), fails="call_error")
    scene.command(command(), ACCEPTED)
    states = [update.state for update in scene.site.firmware.updates.of_charge_point("CP1")]
    assert states == ["refused", "requested"]
