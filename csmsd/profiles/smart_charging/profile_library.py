"""The library of charging profiles: named, each with an id that it keeps on the wire for ever."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.identity import fold
from csmsd.ocpp.payloads import read_payload_value
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.own_ids import OwnIds
from csmsd.profiles.record import Change, Deleted, Milliseconds, Record
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfiles, profile_installed_now
from csmsd.profiles.smart_charging.profile_linter import known_to_linter, lint_for_remote_start, linter_objection

_decode = msgspec.json.Decoder(ChargingProfile).decode

# Profiles that are sent from a file get their id from the place they take, which holds one profile at most.
_FIRST_UNNAMED_ID = 1_000_000_000
_PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
# A monday, 00:00 UTC, long ago: where a Recurring schedule begins that does not say it.
_LONG_AGO = "2020-01-06T00:00:00.000Z"
_MINUTE_MS = 60_000


class LibraryProfile(Record, kw_only=True):
    """A charging profile under a name; `profile` is the csChargingProfiles JSON with `id` as its chargingProfileId."""

    table: ClassVar[str] = "charging_profile"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    name: str
    profile: str
    note: str | None = None
    created_at: Milliseconds
    time_zone: str | None = None  # whose clocks its windows of the day follow
    utc_offset: int = 0  # in seconds, by which they are laid

    def read(self) -> ChargingProfile:
        return _decode(self.profile)


class RemovedProfile(LibraryProfile, kw_only=True):
    """One that is no longer in the library, and that charge points still have: it follows the clocks until none has."""

    table: ClassVar[str] = "removed_profile"


def parse_profile(given: dict[str, Any], *, id: int | None = None) -> ChargingProfile:
    """The csChargingProfiles JSON, or a whole SetChargingProfile.req around it. Raises CannotSend.

    `id` replaces its chargingProfileId; without, one that is missing becomes 0.
    """
    inner = given.get("csChargingProfiles")
    content = dict(inner if isinstance(inner, dict) else given)
    content["chargingProfileId"] = id if id is not None else content.get("chargingProfileId", 0)
    try:
        profile, _ = read_payload_value(ChargingProfile, content, strict=True)
    except OcppError as error:
        raise CannotSend(f"The charging profile cannot be read: {error.description}.") from None
    profile.valid_from = _profile_time_written_strictly(profile.valid_from)
    profile.valid_to = _profile_time_written_strictly(profile.valid_to)
    profile.charging_schedule.start_schedule = _profile_time_written_strictly(profile.charging_schedule.start_schedule)
    return profile


def _profile_time_written_strictly(text: str | None) -> str | None:
    """A time as we write all times (C 3.14); what is none stays, for the linter to tell."""
    time = None if text is None else parse_timestamp(text)
    return text if time is None else format_timestamp(time)


def prepared_profile(
    profile: ChargingProfile, *, connector: int, transaction: int | None, now: Milliseconds
) -> ChargingProfile:
    """As it is sent: with its transaction, with a beginning in the past (C 5.16.4), with an id."""
    changes: dict[str, object] = {}
    if transaction is not None:
        changes["transaction_id"] = transaction
    if profile.charging_profile_id == 0:
        purpose = _PURPOSES.index(profile.charging_profile_purpose)
        place = (purpose * 300 + min(connector, 299)) * 1_000_000 + profile.stack_level % 1_000_000
        changes["charging_profile_id"] = _FIRST_UNNAMED_ID + place
    schedule = profile.charging_schedule
    if profile.charging_profile_kind != "Relative" and schedule.start_schedule is None:
        recurring = profile.charging_profile_kind == "Recurring"
        start = _LONG_AGO if recurring else format_timestamp((now - _MINUTE_MS) // 1000 * 1000)
        changes["charging_schedule"] = msgspec.structs.replace(schedule, start_schedule=start)
    return msgspec.structs.replace(profile, **changes)


def _what_it_says(profile: ChargingProfile) -> ChargingProfile:
    """Without what is made up when it is sent."""
    schedule = msgspec.structs.replace(profile.charging_schedule, start_schedule=None)
    return msgspec.structs.replace(profile, charging_profile_id=0, transaction_id=None, charging_schedule=schedule)


class ProfileLibrary(OwnIds):
    """The profiles by name and by id; a charge point may still have the profile that an id once was."""

    def __init__(self) -> None:
        super().__init__()
        self._by_name: dict[str, LibraryProfile] = {}
        self._by_id: dict[int, LibraryProfile] = {}
        self._removed: dict[int, RemovedProfile] = {}

    def __iter__(self) -> Iterator[LibraryProfile]:
        return iter(sorted(self._by_name.values(), key=lambda record: fold(record.name)))

    def find(self, name: str) -> LibraryProfile | None:
        return self._by_name.get(fold(name))

    def put(self, record: LibraryProfile) -> None:
        if isinstance(record, RemovedProfile):
            self._removed[record.id] = record
            return
        self._by_name[fold(record.name)] = self._by_id[record.id] = record

    def drop(self, record: LibraryProfile) -> None:
        if isinstance(record, RemovedProfile):
            self._removed.pop(record.id, None)
            return
        self._by_name.pop(fold(record.name), None)
        self._by_id.pop(record.id, None)

    def remove(self, record: LibraryProfile, installed: InstalledProfiles) -> list[Change]:
        """Nobody finds it any more; what charge points have of it goes on to follow its clocks."""
        self.drop(record)
        if record.time_zone is None or not installed.named(record.id):
            return [Deleted(record)]
        removed = RemovedProfile(**msgspec.structs.asdict(record))
        self.put(removed)
        return [Deleted(record), removed]

    def following(self) -> list[LibraryProfile]:
        """Those that follow the clocks of a time zone, also those that were removed."""
        return [record for record in (*self._by_id.values(), *self._removed.values()) if record.time_zone is not None]

    def known(self, profile_id: int) -> LibraryProfile | None:
        return self._by_id.get(profile_id)

    def followed(self, profile_id: int) -> LibraryProfile | None:
        """The one whose clocks a profile of that id follows, if it follows any."""
        record = self._by_id.get(profile_id) or self._removed.get(profile_id)
        return record if record is not None and record.time_zone is not None else None

    def name_for(self, profile: ChargingProfile) -> str | None:
        """Its name in the library; one that has the id of another there, and says another thing, has none."""
        known = self._by_id.get(profile.charging_profile_id)
        return known.name if known is not None and _what_it_says(known.read()) == _what_it_says(profile) else None

    def resolve(self, given: str | dict[str, Any]) -> ChargingProfile:
        """The profile of that name, or the object itself. Raises NotThere or CannotSend."""
        if isinstance(given, dict):
            return parse_profile(given)
        record = self.find(given)
        if record is None:
            raise NotThere(f"No charging profile {given}; see: csmsctl profile list")
        return record.read()

    # --- RemoteStartTransaction, whose slice stands in another room

    def for_start(self, given: str | dict[str, Any], connector: int | None, now: Milliseconds) -> ChargingProfile:
        """The profile as it stands in RemoteStartTransaction. Raises NotThere or CannotSend."""
        return prepared_profile(self.resolve(given), connector=connector or 0, transaction=None, now=now)

    @staticmethod
    def objection_to_start(
        profile: ChargingProfile,
        connector: int | None,
        state: ChargePointState,
        known: InstalledProfiles,
        now: Milliseconds,
    ) -> str | None:
        """What speaks against starting with that profile (C 5.16.2)."""
        return linter_objection(lint_for_remote_start(profile, connector, known_to_linter(state, known, now)))

    def started_with(
        self,
        profile: ChargingProfile,
        connector: int | None,
        id_tag: str,
        state: ChargePointState,
        known: InstalledProfiles,
        now: Milliseconds,
    ) -> list[Change]:
        """A remote start was accepted: its profile waits for the transaction."""
        changes = known.tidy(state, now)
        name = self.name_for(profile)
        record = profile_installed_now(state.id, connector or 0, profile, now, name=name, id_tag=id_tag)
        return [*changes, *known.accept(record), *known.tidy(state, now)]
