"""How wrong a charge point's clock is, by its statuses; what comes late is tried with the statuses themselves."""

from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene


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
