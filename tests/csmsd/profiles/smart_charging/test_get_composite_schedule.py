"""GetCompositeSchedule: what is asked."""

import pytest

from csmsd.ocpp.types import ChargingRateUnit
from csmsd.profiles.smart_charging.get_composite_schedule import GetCompositeSchedule
from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.smart_charging.installing import configure, fits_the_schema


def test_what_is_asked(scene: Scene) -> None:
    assert scene.asks(GetCompositeSchedule(connector=0, duration=86400)) == [{"connectorId": 0, "duration": 86400}]
    assert scene.asks(GetCompositeSchedule(connector=1, duration=60, unit="W")) == [
        {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}
    ]


def test_the_composite_schedule_of_a_connector_that_is_not_there(scene: Scene) -> None:
    configure(scene, NumberOfConnectors="2")
    assert scene.warning(GetCompositeSchedule(connector=2, duration=60)) is None
    assert "There is no connector 3" in (scene.warning(GetCompositeSchedule(connector=3, duration=60)) or "")


def test_a_charge_point_without_smart_charging(scene: Scene) -> None:
    configure(scene, SupportedFeatureProfiles="Core, RemoteTrigger")
    assert "SmartCharging (C 3.3)" in (scene.warning(GetCompositeSchedule(connector=1, duration=60)) or "")
    configure(scene, SupportedFeatureProfiles="Core,SmartCharging")
    assert scene.warning(GetCompositeSchedule(connector=1, duration=60)) is None


@pytest.mark.parametrize("unit", ["A", "W", None])
def test_what_is_sent_fits_the_published_schema(scene: Scene, unit: ChargingRateUnit | None) -> None:
    fits_the_schema(scene, GetCompositeSchedule(connector=0, duration=60, unit=unit), "GetCompositeSchedule")
