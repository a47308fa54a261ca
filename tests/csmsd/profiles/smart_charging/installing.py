"""A site with a library of profiles, and what a charge point makes of them."""

from typing import Any

import msgspec

from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.action import Operation
from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.smart_charging.profile_library import LibraryProfile
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfile
from tests.csmsd.profiles.messages import against_schema
from tests.csmsd.profiles.scene import NOON, Scene
from tests.csmsd.profiles.smart_charging.profiles import DAY, profile

Changes = list[Any]


def library_scene() -> Scene:
    made = Scene()
    add(made, "night", profile((0, 16), start=NOON - DAY))
    add(made, "site", profile((0, 63), purpose="ChargePointMaxProfile", start=NOON - DAY))
    add(made, "slow", profile((0, 6), purpose="TxProfile", kind="Relative", start=None))
    add(made, "holiday", profile((0, 32), level=1, start=NOON - DAY, duration=86400))
    return made


def add(scene: Scene, name: str, body: ChargingProfile) -> LibraryProfile:
    library = scene.site.smart_charging.library
    number = library.new_id()
    text = msgspec.json.encode(msgspec.structs.replace(body, charging_profile_id=number)).decode()
    record = LibraryProfile(id=number, name=name, profile=text, created_at=scene.now)
    library.put(record)
    return record


def configure(scene: Scene, **keys: str) -> None:
    for name, value in keys.items():
        scene.cp.configuration[name.casefold()] = ConfigurationKey(
            charge_point="CP1", name=name, value=value, reported_at=scene.now
        )


def set_profile(scene: Scene, name: str | dict[str, Any], connector: int = 1, status: str = "Accepted") -> Changes:
    [request] = scene.asks(SetChargingProfile(connector=connector, profile=name))
    return list(scene.confirmed("SetChargingProfile", request, {"status": status}))


def there(scene: Scene) -> list[tuple[int, str, int, str | None]]:
    found = scene.site.smart_charging.installed.of("CP1")
    return [(record.connector, record.purpose, record.stack_level, record.name) for record in found]


def tidy(scene: Scene) -> Changes:
    return list(scene.site.smart_charging.installed.tidy(scene.cp, scene.now))


def fits_the_schema(scene: Scene, operation: Operation, action: str) -> None:
    """What an operation sends, against the schemas that others published."""
    [request] = operation.steps(scene.target())
    assert type(request).__name__ == f"{action}Req"
    against_schema(type(request), msgspec.json.decode(msgspec.json.encode(request)))
