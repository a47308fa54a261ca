"""Windows of the day are meant by the clocks on the wall, and a charge point counts hours (CE 3.78). Pure.

When clocks are changed, the library's profile begins anew, also one that was removed while charge points have it; what
a charge point has then holds too early or too late until it is sent again.
"""

from collections.abc import Iterator

import msgspec

from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.profiles.smart_charging.profile_library import LibraryProfile, ProfileLibrary

_DAY_MS = 24 * 3_600_000


class OffClock(msgspec.Struct, frozen=True):
    """A profile that a charge point has, as it should be there, and how much too late it holds now (minus: early)."""

    record: InstalledProfile
    profile: ChargingProfile
    late_ms: Milliseconds
    time_zone: str


def laid_by(profile: ChargingProfile, was: int, now: int) -> ChargingProfile:
    """The profile that began by clocks `was` seconds ahead of UTC, by clocks that are `now` seconds ahead."""
    start = parse_timestamp(profile.charging_schedule.start_schedule or "")
    assert start is not None  # windows of the day say when they begin
    return _beginning(profile, format_timestamp(start + (was - now) * 1000))


def is_same(one: ChargingProfile, other: ChargingProfile) -> bool:
    """Whether they say the same but for their ids; of recurring ones it does not matter on which day they begin."""
    start = other.charging_schedule.start_schedule
    if one.recurrency_kind == "Daily" and start is not None and not _late(one, other):
        one = _beginning(one, start)
    return msgspec.structs.replace(one, charging_profile_id=0) == msgspec.structs.replace(other, charging_profile_id=0)


def off_clock(records: list[InstalledProfile], library: ProfileLibrary) -> Iterator[OffClock]:
    """Those of the records that differ from the library's by their beginning only, where that follows the clocks."""
    for record in records:
        known = library.followed(record.profile_id)
        if known is None:
            continue
        has, should = record.read(), known.read()
        start = should.charging_schedule.start_schedule
        late = _late(has, should)
        if start is None or not late or _beginning(has, start).charging_schedule != should.charging_schedule:
            continue
        yield OffClock(record, _beginning(has, start), late, _named(known))


def _late(has: ChargingProfile, should: ChargingProfile) -> Milliseconds:
    """By the shorter way round the day."""
    began, begins = (parse_timestamp(one.charging_schedule.start_schedule or "") for one in (has, should))
    if began is None or begins is None:
        return 0
    late = (began - begins) % _DAY_MS
    return late - _DAY_MS if late > _DAY_MS // 2 else late


def _beginning(profile: ChargingProfile, start: str) -> ChargingProfile:
    schedule = msgspec.structs.replace(profile.charging_schedule, start_schedule=start)
    return msgspec.structs.replace(profile, charging_schedule=schedule)


def _named(known: LibraryProfile) -> str:
    return "this machine" if known.time_zone == "local" else str(known.time_zone)
