"""Reservations and their life (C 5.13): `requested → reserved → used | expired | cancelled | failed`.

`requested` is what was sent and not answered yet, or never. What ends a reservation is told by the charge point, save
its expiry, which is ours to watch. Everything here is plain: the methods change the record and hand it over to be kept.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Event, EventType, Milliseconds, Record

ReservationState = Literal["requested", "reserved", "used", "expired", "cancelled", "failed"]

# Ended ones that are kept in memory per charge point: a start that was queued while offline still names its own.
REMEMBERED = 100
LARGEST_ID = 2**31 - 1  # many charge points keep no more
# Our own go up from 1; an operator who chooses ids beyond this does not move them.
LARGEST_OWN_ID = 1_000_000_000

_EVENTS: dict[ReservationState, EventType] = {
    "reserved": "reservation.reserved",
    "used": "reservation.used",
    "expired": "reservation.expired",
    "cancelled": "reservation.cancelled",
    "failed": "reservation.failed",
}


class Terms(msgspec.Struct, frozen=True):
    """What a ReserveNow.req asks for."""

    connector: int
    id_tag: str
    parent_id_tag: str | None
    expires_at: Milliseconds


class Reservation(Record, kw_only=True):
    """A reservation, from the moment it was decided to ask for it. Connector 0: any connector (C 5.13).

    `reason` says why it failed. `replaced` is what it was before a ReserveNow with its id changed it; it is needed
    again when the charge point refuses the change.
    """

    table: ClassVar[str] = "reservation"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "id")

    id: int
    charge_point: str
    connector: int
    id_tag: str
    parent_id_tag: str | None = None
    state: ReservationState = "requested"
    reason: str | None = None
    created_at: Milliseconds
    expires_at: Milliseconds
    ended_at: Milliseconds | None = None
    transaction_id: int | None = None
    replaced: dict[str, str | int | None] = {}

    @property
    def active(self) -> bool:
        return self.state in ("requested", "reserved")

    def serves(self, connector: int, id_tag: str, parent: str | None) -> bool:
        """Whether a start there with that idTag, or with one of the same group, is what it was made for (C 5.13)."""
        if self.connector not in (0, connector):
            return False
        in_group = self.parent_id_tag is not None and parent is not None and fold(self.parent_id_tag) == fold(parent)
        return fold(self.id_tag) == fold(id_tag) or in_group

    def move(self, state: ReservationState, now: Milliseconds, reason: str | None = None) -> Event:
        """Goes on to another state."""
        self.state = state
        self.reason = reason
        self.replaced = {}
        self.ended_at = None if self.active else now
        return Event(
            _EVENTS[state],
            self.charge_point,
            {"reservation": self.id, "connector": self.connector, "id_tag": self.id_tag, "reason": reason,
             "transaction": self.transaction_id},
        )  # fmt: skip


Moved = tuple[list[Reservation], list[Event]]


class Reservations:
    """The reservations of the site: all that are active, and the newest of the others."""

    def __init__(self) -> None:
        self._by_charge_point: dict[str, dict[int, Reservation]] = {}
        self._last_own_id = 0

    # --- what there is

    def begin_ids_after(self, last: int) -> None:
        self._last_own_id = last

    def new_id(self) -> int:
        """An id that no reservation of the site has."""
        while True:
            self._last_own_id = self._last_own_id % LARGEST_OWN_ID + 1
            if all(self._last_own_id not in own for own in self._by_charge_point.values()):
                return self._last_own_id

    def add(self, reservation: Reservation) -> None:
        own = self._by_charge_point.setdefault(fold(reservation.charge_point), {})
        own[reservation.id] = reservation
        if len(own) > REMEMBERED:
            ended = [known for known in own.values() if not known.active]
            for known in ended[: max(0, len(ended) - REMEMBERED)]:
                del own[known.id]

    def get(self, charge_point: str, number: int) -> Reservation | None:
        return self._by_charge_point.get(fold(charge_point), {}).get(number)

    def active_on(self, charge_point: str) -> list[Reservation]:
        """Those that hold, or may hold, on a charge point."""
        return [known for known in self._by_charge_point.get(fold(charge_point), {}).values() if known.active]

    def active(self) -> Iterator[Reservation]:
        for own in self._by_charge_point.values():
            yield from (known for known in own.values() if known.active)

    # --- what we ask

    def request(self, charge_point: str, number: int, terms: Terms, now: Milliseconds) -> Reservation:
        """The intention; a known id replaces what it stood for (C 5.13)."""
        known = self.get(charge_point, number)
        reservation = Reservation(
            id=number,
            charge_point=charge_point,
            connector=terms.connector,
            id_tag=terms.id_tag,
            parent_id_tag=terms.parent_id_tag,
            created_at=now,
            expires_at=terms.expires_at,
        )
        if known is not None and known.active:
            reservation.created_at = known.created_at
            reservation.replaced = {
                "connector": known.connector,
                "id_tag": known.id_tag,
                "parent_id_tag": known.parent_id_tag,
                "expires_at": known.expires_at,
                "state": known.state,
            }
        if number <= LARGEST_OWN_ID:
            self._last_own_id = max(self._last_own_id, number)
        self.add(reservation)
        return reservation

    def accepted(self, charge_point: str, number: int, now: Milliseconds) -> Moved:
        """ReserveNow was accepted. Its start, or its end, may have been told before its answer."""
        known = self.get(charge_point, number)
        if known is None or known.state != "requested":
            return [], []
        return [known], [known.move("reserved", now)]

    def refused(self, charge_point: str, number: int, reason: str, now: Milliseconds) -> Moved:
        """ReserveNow was refused or never sent; what it would have replaced holds on."""
        known = self.get(charge_point, number)
        if known is None or known.state != "requested":
            return [], []
        if known.replaced:
            restored = msgspec.structs.replace(known, **known.replaced, replaced={})
            self.add(restored)
            return [restored], []
        return [known], [known.move("failed", now, reason)]

    def cancelled(self, charge_point: str, number: int, accepted: bool, now: Milliseconds) -> Moved:
        """CancelReservation was answered. Rejected means that there is no such reservation (C 7.5): it had failed."""
        known = self.get(charge_point, number)
        if known is None or not known.active:
            return [], []
        if accepted:
            return [known], [known.move("cancelled", now)]
        return [known], [known.move("failed", now, "the charge point has no such reservation")]

    # --- what charge points tell

    def started(
        self,
        charge_point: str,
        number: int | None,
        connector: int,
        id_tag: str,
        parent: str | None,
        start_time: Milliseconds,
    ) -> Reservation | None:
        """The reservation that a start ends: the one that it names, else the one that was made for it (C 4.8, 5.13).

        A start that names it comes at any time, from a queue, say: that it was used goes before whatever we believed.
        """
        if number is not None:
            named = self.get(charge_point, number)
            return named if named is not None and named.state != "used" else None
        fitting = [
            known
            for known in self.active_on(charge_point)
            if known.serves(connector, id_tag, parent) and known.created_at <= start_time < known.expires_at
        ]
        # A reservation of this very connector goes before one of any connector.
        return max(fitting, key=lambda known: (known.connector, -known.created_at), default=None)

    def out_of_service(self, charge_point: str, connector: int, status: str, now: Milliseconds) -> Moved:
        """Faulted and Unavailable end a connector's reservations; those of connector 0 end all (C 5.13)."""
        ended = [
            known
            for known in self.active_on(charge_point)
            if known.state == "reserved" and connector in (0, known.connector)
        ]
        # One that is being replaced ends as well: should the replacement be refused, there is nothing to go back to.
        superseded = [
            known
            for known in self.active_on(charge_point)
            if known.replaced.get("state") == "reserved" and connector in (0, known.replaced["connector"])
        ]
        for known in superseded:
            known.replaced = {}
        place = f"connector {connector}" if connector else "the charge point"
        return [*ended, *superseded], [known.move("failed", now, f"{place} is {status}") for known in ended]

    # --- time

    def next_expiry(self) -> Milliseconds | None:
        return min((known.expires_at for known in self.active()), default=None)

    def expire(self, now: Milliseconds) -> Moved:
        """Ends those whose time is over."""
        ended = [known for known in self.active() if known.expires_at <= now]
        return ended, [known.move("expired", now) for known in ended]

    def forget(self, charge_point: str, now: Milliseconds) -> list[Reservation]:
        """The charge point was removed: what was active has failed."""
        ended = self.active_on(charge_point)
        for known in ended:
            known.move("failed", now, "the charge point was removed")
        self._by_charge_point.pop(fold(charge_point), None)
        return ended
