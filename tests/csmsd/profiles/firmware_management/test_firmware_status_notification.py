"""FirmwareStatusNotification: how far an update is, silence, and the boot that confirms it."""

import pytest

from csmsd.profiles.firmware_management.update_firmware import UpdateFirmware
from csmsd.profiles.firmware_management.updates import expire_updates
from tests.csmsd.profiles.firmware_management.firmware_scene import FirmwareScene
from tests.csmsd.profiles.scene import SECOND


def begun() -> FirmwareScene:
    scene = FirmwareScene()
    scene.command(UpdateFirmware(location="ftp://host/fw.bin"))
    return scene


def reported(scene: FirmwareScene, *statuses: str) -> None:
    for status in statuses:
        assert scene.send("FirmwareStatusNotification", {"status": status}).payload == {}


NORMAL = ("Downloading", "Downloaded", "Installing", "Installed")


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ((), "requested"),
        (NORMAL, "installed"),
        (("Downloading", "DownloadFailed"), "download_failed"),
        (("Downloading", "Downloaded", "Installing", "InstallationFailed"), "installation_failed"),
        (("Downloading", "DownloadFailed", *NORMAL), "installed"),  # it tried again
        (("Installed", "Downloading"), "installed"),  # the other one was overtaken
        (("Installed", "InstallationFailed"), "installed"),
        (("Installed",), "installed"),
        (("Downloading", "Idle"), "downloading"),
        (("Idle",), "requested"),
        (("Downloading", "Sleeping"), "downloading"),  # nobody knows it: kept as it was said, no more
        (("Downloading", "x" * 5000), "downloading"),
    ],
)
def test_statuses_come_in_any_order(statuses: tuple[str, ...], state: str) -> None:
    scene = begun()
    reported(scene, *statuses)

    assert scene.update.state == state
    assert scene.update.reported == (statuses[-1][:100] if statuses else None)


def test_a_report_of_what_nobody_asked_for_is_confirmed_and_told() -> None:
    scene = FirmwareScene()
    answer = scene.send("FirmwareStatusNotification", {"status": "Idle"})

    assert answer.payload == {}
    assert answer.changes == []
    assert answer.event("firmware.status")["status"] == "Idle"


def test_silence_ends_as_unknown_and_a_late_word_counts() -> None:
    scene = begun()
    limit = scene.site.policies.firmware_timeout * SECOND
    scene.now += limit - 1
    assert expire_updates(scene.site.firmware.updates, scene.now) == ([], [])
    reported(scene, "Downloading")  # a sign of life: the wait begins anew
    scene.now += limit - 1
    assert expire_updates(scene.site.firmware.updates, scene.now) == ([], [])
    scene.now += 1
    changes, events = expire_updates(scene.site.firmware.updates, scene.now)

    assert changes == [scene.update]
    assert events[0].data["state"] == "unknown"
    assert scene.update.error == "no report since Downloading"
    reported(scene, "Installed")
    assert scene.update.state == "installed"


@pytest.mark.parametrize(
    ("wanted", "boots", "confirmed", "after"),
    [
        (None, ["2.1"], True, "2.1"),
        (None, ["2.0"], False, "2.0"),
        (None, [None], False, None),
        (None, ["2.0", "2.1"], True, "2.1"),
        ("2.1", ["2.1"], True, "2.1"),
        ("2.1", ["1.9"], False, "1.9"),  # it fell back
    ],
)
def test_the_version_that_boots_is_a_fact_of_its_own(
    wanted: str | None, boots: list[str | None], confirmed: bool, after: str | None
) -> None:
    scene = FirmwareScene(version=wanted)
    scene.command(UpdateFirmware(file="acme-2.1.bin"))
    events = [(event.type, event.data) for version in boots for event in scene.boots(version)]

    told = ("firmware.confirmed", {"update": 1, "before": "2.0", "version": after})
    assert events == ([told] if confirmed else [])
    assert (scene.update.confirmed_at is not None) is confirmed
    assert (scene.update.version_before, scene.update.version_after) == ("2.0", after)
    assert scene.update.state == "requested"  # not a word of Installed yet
    assert scene.boots(after) == []  # once is enough


def test_a_boot_without_an_update_is_only_a_boot() -> None:
    assert FirmwareScene().boots("3.0") == []


def test_the_same_word_again_and_again_is_no_reason_to_wait_for_ever() -> None:
    scene = begun()
    reported(scene, "Downloading")
    deadline = scene.update.deadline_at
    scene.now += 10 * SECOND
    reported(scene, "Downloading", "Idle")

    assert scene.update.deadline_at == deadline


def test_a_boot_with_the_new_version_stands_for_installed_that_never_came() -> None:
    scene = begun()
    reported(scene, "Downloading", "Downloaded", "Installing")
    assert scene.update.booted("2.1", scene.now)
    assert not scene.update.overdue(scene.now + 59 * SECOND)
    expire_updates(scene.site.firmware.updates, scene.now + 61 * SECOND)

    assert scene.update.state == "installed"
    assert scene.update.error is not None
    assert "booted with the new version" in scene.update.error


def hosted() -> FirmwareScene:
    scene = FirmwareScene()
    scene.command(UpdateFirmware(file="acme-2.1.bin"))
    return scene


def test_installed_without_a_byte_of_our_file_is_only_a_word() -> None:
    scene = hosted()
    reported(scene, "Installed")
    assert (scene.update.state, scene.update.reported) == ("requested", "Installed")
    scene.now += 600 * SECOND - 1
    assert expire_updates(scene.site.firmware.updates, scene.now) == ([], [])
    reported(scene, "Installed")  # said again it is no better founded, and waits no longer
    scene.now += 1
    (update,), _ = expire_updates(scene.site.firmware.updates, scene.now)
    assert update is scene.update
    assert scene.update.state == "unknown"
    assert scene.update.error == (
        "it says Installed, but nobody has fetched the file and no boot has shown another version"
    )


def test_installed_is_believed_when_a_boot_shows_it() -> None:
    scene = hosted()
    reported(scene, "Installed")
    scene.boots("2.1")
    assert (scene.update.state, scene.update.error) == ("installed", None)


def test_installed_may_be_said_before_the_end_of_the_download_is_noted() -> None:
    scene = hosted()
    reported(scene, "Installed")
    scene.update.left(10, (0, 10), 10, cost=10, arrived=True, now=scene.now)
    assert (scene.update.state, scene.update.error) == ("installed", None)


@pytest.mark.parametrize("bytes_left", [10, 4], ids=["all of it", "a part, as far as is known"])
def test_installed_is_believed_of_one_that_fetched_the_file(bytes_left: int) -> None:
    scene = hosted()
    scene.update.left(10, (0, 10), bytes_left, cost=bytes_left, arrived=True, now=scene.now)
    reported(scene, "Installed")
    assert scene.update.state == "installed"


def test_installed_is_believed_of_a_file_that_others_host() -> None:
    scene = begun()
    reported(scene, "Installed")
    assert scene.update.state == "installed"
