"""How wrong a charge point's clock is, by its statuses; what comes late is tried with the statuses themselves."""

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene


def behind(scene: Scene) -> int | None:
    return scene.cp.lateness.clock_behind


def test_how_wrong_a_clock_is_shows_in_statuses_that_agree() -> None:
    scene = Scene()
    scene.cp.connected_at = scene.now
    assert behind(scene) is None
    for connector, ahead in ((1, 3600), (2, 3601)):
        time = format_timestamp(scene.now + ahead * SECOND)
        scene.status(connector, "Available", timestamp=time)
    assert behind(scene) == -3601 * SECOND
    scene.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    assert behind(scene) is None
    scene.status(1, "Available", timestamp=format_timestamp(scene.now - HOUR))
    assert behind(scene) is None, "one may come out of a backlog"


@pytest.mark.parametrize("ahead", [2 * 24 * HOUR, 400_000_000 * SECOND, -NOON + SECOND])
def test_a_clock_is_known_also_where_nothing_can_be_booked_with_its_times(ahead: int) -> None:
    scene = Scene()
    scene.cp.connected_at = scene.now
    for connector, told in ((1, 0), (2, 0), (1, ahead), (2, ahead)):
        assert behind(scene) in (None, 0)
        scene.status(connector, "Available", timestamp=format_timestamp(scene.now + told))
    assert behind(scene) == -ahead


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "never"])
def test_what_no_clock_shows_says_nothing_of_it(time: str) -> None:
    scene = Scene()
    for connector in (1, 2):
        scene.status(connector, "Available", timestamp=time)
    assert behind(scene) is None
