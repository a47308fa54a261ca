"""What was laid by clocks that have been changed since."""

import msgspec
import pytest

from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.record import Deleted
from csmsd.profiles.smart_charging.installed_profiles import profile_installed_now
from csmsd.profiles.smart_charging.profile_library import LibraryProfile, RemovedProfile
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileReq, set_charging_profiles_again
from csmsd.profiles.smart_charging.short_form import ShortForm, build_from_short_form
from csmsd.profiles.smart_charging.wall_clock import is_same, laid_by, off_clock
from tests.csmsd.profiles.scene import HOUR, NOON, Scene

SUMMER, WINTER = 7200, 3600  # seconds ahead of UTC, in Amsterdam


def night(ahead: int, daily: str = "22:00-06:00=16A") -> ChargingProfile:
    return build_from_short_form(ShortForm(daily=daily), NOON, ahead)


def keep(scene: Scene, profile: ChargingProfile, zone: str | None = "Europe/Amsterdam") -> ChargingProfile:
    """In the library; as it is there."""
    library = scene.site.smart_charging.library
    known = library.find("night")
    number = library.new_id() if known is None else known.id
    profile = msgspec.structs.replace(profile, charging_profile_id=number)
    text = msgspec.json.encode(profile).decode()
    library.put(LibraryProfile(id=number, name="night", profile=text, created_at=0, time_zone=zone))
    return profile


def install(scene: Scene, profile: ChargingProfile) -> None:
    scene.site.smart_charging.installed.add(profile_installed_now("CP1", 1, profile, scene.now, name="night"))


def off(scene: Scene) -> list[tuple[str, int]]:
    charging = scene.site.smart_charging
    found = off_clock(charging.installed.of("CP1"), charging.library)
    return [(one.time_zone, one.late_ms // 60_000) for one in found]


@pytest.mark.parametrize(("was", "now"), [(SUMMER, WINTER), (WINTER, SUMMER), (-12600, -9000)])
def test_a_profile_begins_at_the_same_time_on_the_wall(was: int, now: int) -> None:
    assert laid_by(night(was), was, now) == night(now)


def test_what_was_sent_before_is_off_until_it_is_sent_again() -> None:
    scene = Scene()
    install(scene, keep(scene, night(SUMMER)))
    assert off(scene) == []
    in_winter = keep(scene, laid_by(night(SUMMER), SUMMER, WINTER))
    assert off(scene) == [("Europe/Amsterdam", -60)]
    [request] = set_charging_profiles_again(scene.target())
    assert isinstance(request, SetChargingProfileReq)
    assert request.cs_charging_profiles == in_winter
    install(scene, request.cs_charging_profiles)
    assert off(scene) == []
    keep(scene, night(SUMMER))
    assert off(scene) == [("Europe/Amsterdam", 60)]


def test_what_follows_no_clock_or_is_another_is_not_off() -> None:
    scene = Scene()
    install(scene, keep(scene, night(SUMMER)))
    keep(scene, night(WINTER), zone=None)
    assert off(scene) == []
    keep(scene, night(SUMMER, "21:00-06:00=16A"))  # replaced by an operator
    assert off(scene) == []
    charging = scene.site.smart_charging
    charging.library.remove(next(iter(charging.library)), charging.installed)
    assert off(scene) == []


def test_what_was_removed_follows_the_clocks_for_as_long_as_a_charge_point_has_it() -> None:
    scene = Scene()
    charging = scene.site.smart_charging
    install(scene, keep(scene, night(SUMMER)))
    changes = charging.library.remove(next(iter(charging.library)), charging.installed)
    assert [type(change) for change in changes] == [Deleted, RemovedProfile]
    assert list(charging.library) == []
    assert charging.library.find("night") is None
    [removed] = charging.library.following()
    laid = msgspec.json.encode(laid_by(removed.read(), SUMMER, WINTER)).decode()
    charging.library.put(msgspec.structs.replace(removed, profile=laid))
    assert off(scene) == [("Europe/Amsterdam", -60)]
    # Another of that name is another profile.
    keep(scene, night(SUMMER))
    assert off(scene) == [("Europe/Amsterdam", -60)]


def test_what_nobody_has_or_follows_no_clock_is_gone_when_it_is_removed() -> None:
    scene = Scene()
    charging = scene.site.smart_charging
    keep(scene, night(SUMMER))
    assert [type(change) for change in charging.library.remove(next(iter(charging.library)), charging.installed)] == [
        Deleted
    ]
    install(scene, keep(scene, night(SUMMER), zone=None))
    charging.library.remove(next(iter(charging.library)), charging.installed)
    assert charging.library.following() == []


def test_the_day_on_which_it_begins_makes_no_other_profile_of_it() -> None:
    tomorrow = build_from_short_form(ShortForm(daily="22:00-06:00=16A"), NOON + 24 * HOUR, SUMMER)
    assert is_same(night(SUMMER), msgspec.structs.replace(tomorrow, charging_profile_id=7))
    assert not is_same(night(SUMMER), night(WINTER))
    assert not is_same(night(SUMMER), night(SUMMER, "22:00-06:00=15A"))
    flat = build_from_short_form(ShortForm(limit="6A", start="2025-01-12T00:00:00Z"), NOON)
    later = build_from_short_form(ShortForm(limit="6A", start="2025-01-13T00:00:00Z"), NOON)
    assert not is_same(flat, later)
