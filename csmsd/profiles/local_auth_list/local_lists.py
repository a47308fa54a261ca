"""What each charge point's Local Authorization List holds, as far as is known here, and what it should hold."""

from typing import ClassVar, Literal

from csmsd.ocpp.identity import fold
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.id_tags import IdTag, authorization_status_of_id_tag, id_tag_info
from csmsd.profiles.local_auth_list.entries import (
    AuthorizationData,
    Entries,
    Update,
    entries_after_update,
    entries_by_id_tag,
)
from csmsd.profiles.record import Milliseconds, Record

UNSUPPORTED, EMPTY = -1, 0  # what GetLocalListVersion.conf says with a version (C 5.10)

LARGEST_VERSION = 2**31 - 1  # many charge points keep no more

UpdateStatus = Literal["Accepted", "Failed", "NotSupported", "VersionMismatch"]


class LocalList(Record, kw_only=True):
    """A charge point's list: `entries` are those of `version`, provided that they are `known`.

    `pending` is the list as it will be once the update that is under way was accepted; should the answer be lost,
    the next GetLocalListVersion tells which of the two holds. `last_version` is the highest that was ever used.
    """

    table: ClassVar[str] = "local_list"
    key: ClassVar[tuple[str, ...]] = ("charge_point",)

    charge_point: str
    supported: bool = True
    version: int | None = None
    known: bool = False
    entries: list[AuthorizationData] = []
    pending_version: int | None = None
    pending_known: bool = False
    pending: list[AuthorizationData] = []
    last_version: int = 0
    accepted_at: Milliseconds | None = None
    verified_at: Milliseconds | None = None  # when the charge point last said that this version is what it has

    @property
    def content(self) -> Entries | None:
        """The entries, or None when they are not known."""
        return entries_by_id_tag(self.entries) if self.known else None

    def next_version(self) -> int:
        """CE 3.52: never 0 or -1. C 7.47: higher than that of the list it changes, until integers end."""
        highest = max(self.last_version, self.version or 0, 0)
        return highest + 1 if highest < LARGEST_VERSION else 1

    def intend(self, update: Update, version: int) -> None:
        """An update is about to be sent."""
        self.pending_version = version
        self.pending_known = update.full or self.known
        self.pending = list(entries_after_update(entries_by_id_tag(self.entries), update).values())
        self.last_version = max(self.last_version, version)

    def answered(self, update: Update, version: int, status: UpdateStatus, now: Milliseconds) -> None:
        """The update was answered. After a failure only a full list is certain (C 5.15)."""
        if status == "Accepted":
            self.supported = True
            self.known = update.full or self.known
            if update.full:
                self.last_version = version
            self.entries = list(entries_after_update(entries_by_id_tag(self.entries), update).values())
            self.version = version
            self.accepted_at = now
            self.verified_at = None
        elif status == "NotSupported":
            self.supported = False
            self.known = False
        else:
            self.known = False
        self.drop_pending()

    def reported(self, version: int, now: Milliseconds) -> None:
        """GetLocalListVersion was answered."""
        self.supported = version != UNSUPPORTED
        if version <= EMPTY:
            self.version, self.entries, self.known = version, [], version == EMPTY
        elif version == self.pending_version:
            self.version, self.entries, self.known = version, self.pending, self.pending_known
        elif version != self.version:
            self.version, self.entries, self.known = version, [], False
        self.verified_at = now if self.known else None
        self.last_version = max(self.last_version, version)
        self.drop_pending()

    def drop_pending(self) -> None:
        self.pending_version, self.pending_known, self.pending = None, False, []


class LocalLists:
    """The lists of all charge points."""

    def __init__(self) -> None:
        self._by_charge_point: dict[str, LocalList] = {}

    def add(self, record: LocalList) -> None:
        self._by_charge_point[fold(record.charge_point)] = record

    def get(self, charge_point: str) -> LocalList:
        """What is known of a charge point's list; at first that is nothing."""
        return self._by_charge_point.setdefault(fold(charge_point), LocalList(charge_point=charge_point))

    def forget(self, charge_point: str) -> None:
        self._by_charge_point.pop(fold(charge_point), None)


def goes_to_local_list(tag: IdTag, charge_point: ChargePointState) -> bool:
    """An idTag with labels goes to the charge points that have one of them, an idTag without any to all."""
    own = {fold(label) for label in charge_point.record.labels}
    return not tag.labels or any(fold(label) in own for label in tag.labels)


def local_list_entry(tag: IdTag, now: Milliseconds) -> AuthorizationData:
    """An idTag as an entry, with all that a charge point may be told of it (C 7.27)."""
    status = authorization_status_of_id_tag(tag, now, unknown="Invalid")
    return AuthorizationData(id_tag=tag.id, id_tag_info=id_tag_info(tag, status))


def wanted_local_list(id_tags: dict[str, IdTag], charge_point: ChargePointState, now: Milliseconds) -> Entries:
    """The list that a charge point should have."""
    return entries_by_id_tag(
        local_list_entry(tag, now) for _, tag in sorted(id_tags.items()) if goes_to_local_list(tag, charge_point)
    )


def local_list_limit(charge_point: ChargePointState, key: str) -> int | None:
    """LocalAuthListMaxLength or SendLocalListMaxLength (C 9.2), where it was reported and makes sense."""
    reported = charge_point.configured_number(key)
    return reported if reported is not None and reported > 0 else None
