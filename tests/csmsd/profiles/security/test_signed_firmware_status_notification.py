"""SignedFirmwareStatusNotification (whitepaper 5.19): 14 statuses, in any order, and the boot in between."""

import pytest

from csmsd.profiles.security.signed_firmware_status_notification import SignedFirmwareStatusNotificationReq
from tests.csmsd.profiles.firmware_management.firmware_scene import FirmwareScene
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.security.test_signed_update_firmware import command

ACCEPTED = {"status": "Accepted"}
WHOLE = (
    *("DownloadScheduled", "Downloading", "DownloadPaused", "Downloading", "Downloaded", "SignatureVerified"),
    *("InstallScheduled", "Installing", "InstallRebooting"),
)


def updating(version: str | None = None) -> FirmwareScene:
    """The charge point fetches the image from elsewhere: what it says of it is all that is known."""
    scene = FirmwareScene(version=version)
    scene.command(command(file=None, location="http://elsewhere/acme-2.1.bin"), ACCEPTED)
    return scene


def report(scene: FirmwareScene, *statuses: str, number: int | None = 1) -> str:
    for status in statuses:
        numbered = {} if number is None else {"requestId": number}
        assert scene.send("SignedFirmwareStatusNotification", {"status": status} | numbered).payload == {}
    return scene.update.state


def test_it_is_as_specified() -> None:
    assert_valid(SignedFirmwareStatusNotificationReq, {"status": "InstallVerificationFailed", "requestId": 7})


def test_each_step_is_seen() -> None:
    scene = updating()
    states = [report(scene, status) for status in (*WHOLE, "Installed")]
    assert states == [
        *("requested", "downloading", "downloading", "downloading", "downloaded", "downloaded", "downloaded"),
        *("installing", "installing", "installed"),
    ]


@pytest.mark.parametrize("number", [1, None, 4711])
def test_without_a_number_or_with_a_strange_one_it_is_about_the_current_update(number: int | None) -> None:
    assert report(updating(), "Downloading", "Installed", number=number) == "installed"


@pytest.mark.parametrize(
    ("statuses", "state", "error"),
    [
        (("Downloading", "Downloaded", "InvalidSignature"), "invalid_signature", None),
        (("InvalidSignature", "SignatureVerified"), "invalid_signature", None),
        (("Installing", "InstallVerificationFailed"), "installation_failed", "verification"),
        (("Installing", "SignatureVerified"), "installing", None),  # steps between lead nowhere back
        (("Installing", "DownloadPaused"), "installing", None),
        (("Downloaded", "InstallRebooting"), "installing", None),  # L01.FR.22: Installing may be left out
        (("DownloadFailed", "Downloading"), "downloading", None),  # it tries again
        (("Idle",), "requested", None),
        (("Nonsense",), "requested", None),
    ],
)
def test_in_any_order(statuses: tuple[str, ...], state: str, error: str | None) -> None:
    scene = updating()
    assert report(scene, *statuses) == state
    assert (error or "") in (scene.update.error or "")
    assert (scene.update.error is None) == (error is None)
    assert scene.update.ended == (state in ("invalid_signature", "installation_failed"))


@pytest.mark.parametrize("boot_first", [True, False])
def test_the_boot_may_come_before_or_after_the_last_word(boot_first: bool) -> None:
    scene = updating()
    report(scene, "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")
    if boot_first:
        scene.boots("2.1")
        report(scene, "Installed")
    else:
        report(scene, "Installed")
        scene.boots("2.1")
    assert (scene.update.state, scene.update.version_after) == ("installed", "2.1")
    assert scene.update.confirmed_at is not None


def test_of_an_update_that_was_replaced_a_last_word_changes_nothing_of_the_new_one() -> None:
    scene = updating()
    scene.command(command(), {"status": "AcceptedCanceled"})
    report(scene, "Downloading", number=2)
    report(scene, "InstallationFailed", number=1)
    assert scene.update.state == "downloading"


def test_of_one_that_nobody_ordered_it_is_news_all_the_same() -> None:
    answer = FirmwareScene().send("SignedFirmwareStatusNotification", {"status": "Installed", "requestId": 1})
    assert answer.event("firmware.status")["update"] is None
