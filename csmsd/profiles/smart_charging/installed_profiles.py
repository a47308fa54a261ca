"""What each charge point has accepted, so that it can be shown, reckoned with and asserted again."""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Deleted, Milliseconds, Record
from csmsd.profiles.smart_charging.timeline import Source

_decode = msgspec.json.Decoder(ChargingProfile).decode
_encode = msgspec.json.Encoder().encode

# A RemoteStartTransaction.conf may be overtaken by the StartTransaction.req that it led to.
_OVERTAKEN_MS = 30_000
# A remote start that nobody plugged in for is dropped after ConnectionTimeOut; this is for those who report none.
_DEFAULT_CONNECTION_TIMEOUT_S = 600
_GRACE_S = 60

Slot = tuple[int, str, int]  # connector, purpose, stack level: one profile at most (C 3.13.2)


def place_of_profile(profile: ChargingProfile) -> tuple[str, int]:
    """Purpose and stack level: on a connector there is one of these."""
    return profile.charging_profile_purpose, profile.stack_level


class InstalledProfile(Record, kw_only=True):
    """A profile that a charge point accepted.

    One that was given with RemoteStartTransaction waits for its transaction: it has no transaction yet, but the
    idTag it will start with; on connector 0 the charge point chooses the connector.
    """

    table: ClassVar[str] = "installed_profile"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "connector", "purpose", "stack_level")

    charge_point: str
    connector: int
    purpose: str
    stack_level: int
    profile_id: int
    name: str | None = None  # in the library
    transaction_id: int | None = None
    id_tag: str | None = None
    profile: str  # the csChargingProfiles JSON, as sent
    accepted_at: Milliseconds

    @property
    def slot(self) -> Slot:
        return (self.connector, self.purpose, self.stack_level)

    @property
    def place(self) -> tuple[str, int]:
        return (self.purpose, self.stack_level)

    @property
    def pending(self) -> bool:
        """Whether it waits for the transaction of a remote start."""
        return self.id_tag is not None and self.transaction_id is None

    def read(self) -> ChargingProfile:
        return _decode(self.profile)

    def source(self) -> Source:
        """For the composite schedule; a bound remote start's profile is its transaction's only."""
        profile = self.read()
        if self.transaction_id is not None and profile.transaction_id is None:
            profile.transaction_id = self.transaction_id
        return Source(self.connector, profile, self.accepted_at, self.name)


def profile_installed_now(
    charge_point: str,
    connector: int,
    profile: ChargingProfile,
    now: Milliseconds,
    *,
    name: str | None = None,
    id_tag: str | None = None,
) -> InstalledProfile:
    """The record of a profile that was accepted just now."""
    return InstalledProfile(
        charge_point=charge_point,
        connector=connector,
        purpose=profile.charging_profile_purpose,
        stack_level=profile.stack_level,
        profile_id=profile.charging_profile_id,
        name=name,
        transaction_id=profile.transaction_id,
        id_tag=id_tag,
        profile=_encode(profile).decode(),
        accepted_at=now,
    )


class InstalledProfiles:
    """The installed profiles of all charge points. Whatever changes them returns what is to be written."""

    def __init__(self) -> None:
        self._by_charge_point: dict[str, dict[Slot, InstalledProfile]] = {}
        self._expected: set[tuple[str, Slot]] = set()  # asked for, and not answered yet

    def add(self, record: InstalledProfile) -> None:
        self._by_charge_point.setdefault(fold(record.charge_point), {})[record.slot] = record

    def of(self, charge_point: str) -> list[InstalledProfile]:
        """In the order of connector, purpose and stack level."""
        found = self._by_charge_point.get(fold(charge_point), {})
        return [found[slot] for slot in sorted(found)]

    def at(self, charge_point: str, slot: Slot) -> InstalledProfile | None:
        return self._by_charge_point.get(fold(charge_point), {}).get(slot)

    def named(self, profile_id: int) -> list[InstalledProfile]:
        """Wherever a profile of the library is installed."""
        return [
            record
            for found in self._by_charge_point.values()
            for record in found.values()
            if record.profile_id == profile_id
        ]

    def forget(self, charge_point: str) -> None:
        """The charge point was removed; its rows go with its own."""
        self._by_charge_point.pop(fold(charge_point), None)

    def accept(self, record: InstalledProfile) -> list[Change]:
        """C 5.16.4: it replaces one of the same id, and one of the same purpose and stack level on its connector."""
        replaced = [
            other
            for other in self.of(record.charge_point)
            if other.slot != record.slot and other.profile_id == record.profile_id
        ]
        changes = self._drop(replaced)
        self.add(record)
        self._expected.discard((fold(record.charge_point), record.slot))
        return [*changes, record]

    def put_in_order(self, charge_point: str, now: Milliseconds) -> list[Change]:
        """Where our clock was set back: what was accepted before comes, as it did, before what is accepted now."""
        ahead = [record for record in self.of(charge_point) if record.accepted_at > now]
        for before, record in enumerate(sorted(ahead, key=lambda one: one.accepted_at, reverse=True), start=1):
            record.accepted_at = now - before
        return list(ahead)

    def expect(self, record: InstalledProfile) -> list[Change]:
        """It is asked for, and may be there whether or not anybody hears of it; nothing where another stands there,
        which then stays whatever becomes of this one."""
        if self.at(record.charge_point, record.slot) is not None:
            self._expected.discard((fold(record.charge_point), record.slot))
            return []
        self.add(record)
        self._expected.add((fold(record.charge_point), record.slot))
        return [record]

    def settle_expected(self, charge_point: str, slot: Slot, *, gone: bool) -> list[Change]:
        """What was expected there was refused, and is `gone`; or nobody knows, and it counts as there."""
        if (fold(charge_point), slot) not in self._expected:
            return []
        self._expected.discard((fold(charge_point), slot))
        record = self.at(charge_point, slot)
        return self._drop([record]) if gone and record is not None else []

    def clear(
        self,
        charge_point: str,
        *,
        id: int | None,
        connector: int | None,
        purpose: str | None,
        stack_level: int | None,
    ) -> list[InstalledProfile]:
        """CE 3.25, 3.26: with an id the rest is ignored; otherwise all that is given must match. What is gone."""
        gone = [
            record
            for record in self.of(charge_point)
            if (
                record.profile_id == id
                if id is not None
                else (
                    connector in (None, record.connector)
                    and purpose in (None, record.purpose)
                    and stack_level in (None, record.stack_level)
                )
            )
        ]
        self._drop(gone)
        return gone

    def in_force(self, state: ChargePointState, now: Milliseconds) -> list[InstalledProfile]:
        """Without those that have ceased and were not tidied away yet."""
        return [record for record in self.of(state.id) if not _installed_profile_ceased(record, state, now)]

    def tidy(self, state: ChargePointState, now: Milliseconds) -> list[Change]:
        """Takes away what has ceased; the TxProfile of a remote start finds its transaction here."""
        changes: list[Change] = []
        for record in self.of(state.id):
            transaction = _started_with_installed(record, state) if record.pending else None
            if transaction is not None:
                changes += self._drop([record])
                bound = msgspec.structs.replace(record, connector=transaction.connector, transaction_id=transaction.id)
                changes += self.accept(bound)
            elif _installed_profile_ceased(record, state, now):
                changes += self._drop([record])
        return changes

    def _drop(self, records: Iterable[InstalledProfile]) -> list[Change]:
        changes: list[Change] = []
        for record in records:
            self._by_charge_point.get(fold(record.charge_point), {}).pop(record.slot, None)
            changes.append(Deleted(record))
        return changes


def _installed_profile_ceased(record: InstalledProfile, state: ChargePointState, now: Milliseconds) -> bool:
    """A TxProfile ceases with its transaction (C 3.13.1), or when its remote start led to none."""
    if record.purpose != "TxProfile":
        return False
    if record.pending:
        return _started_with_installed(record, state) is None and now - record.accepted_at > _patience_with_installed(
            state
        )
    if record.transaction_id is not None:
        transaction = state.transactions.get(record.transaction_id)
    else:  # sent with --force: it belongs to what runs there, whatever that is
        transaction = state.transactions.active_on(record.connector)
    return transaction is None or transaction.state != "active"


def _started_with_installed(record: InstalledProfile, state: ChargePointState) -> Transaction | None:
    """The transaction that a remote start led to."""
    for transaction in state.transactions.active():
        if (
            record.connector in (0, transaction.connector)
            and fold(transaction.id_tag) == fold(record.id_tag or "")
            and transaction.start_received_at >= record.accepted_at - _OVERTAKEN_MS
        ):
            return transaction
    return None


def _patience_with_installed(state: ChargePointState) -> Milliseconds:
    seconds = state.configured_number("ConnectionTimeOut")
    return ((_DEFAULT_CONNECTION_TIMEOUT_S if seconds is None else seconds) + _GRACE_S) * 1000
