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

    def serve(self, connector: int, id_tag: str, parent: str | None) -> bool:
        """Whether a start there with that idTag, or with one of the same group, is what is asked for (C 5.13)."""
        if self.connector not in (0, connector):
            return False
        in_group = self.parent_id_tag is not None and parent is not None and fold(self.parent_id_tag) == fold(parent)
        return fold(self.id_tag) == fold(id_tag) or in_group


class Asked(msgspec.Struct):
    """A ReserveNow.req without an answer. `lost`: none will come any more, the charge point may have accepted it."""

    terms: Terms
    lost: bool = False


class Reservation(Record, kw_only=True):
    """A reservation, from the moment it was decided to ask for it. Connector 0: any connector (C 5.13).

    Its terms are those that the charge point accepted last; before that, the first that were asked for. `asked` holds
    the requests with its id that have no answer, in their order, whatever its state: one with an id that the charge
    point knows replaces that reservation. `reason` says why it failed.
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
    asked: list[Asked] = []

    @property
    def active(self) -> bool:
        return self.state in ("requested", "reserved")

    @property
    def terms(self) -> Terms:
        return Terms(self.connector, self.id_tag, self.parent_id_tag, self.expires_at)

    def take(self, terms: Terms) -> None:
        self.connector = terms.connector
        self.id_tag = terms.id_tag
        self.parent_id_tag = terms.parent_id_tag
        self.expires_at = terms.expires_at

    def serves(self, connector: int, id_tag: str, parent: str | None, start: Milliseconds) -> Terms | None:
        """The terms, those that hold or else some that may hold, that were asked for such a start."""
        if not self.active or start < self.created_at:
            return None
        for terms in (self.terms, *(asked.terms for asked in self.asked)):
            if start < terms.expires_at and terms.serve(connector, id_tag, parent):
                return terms
        return None

    def answered(self, terms: Terms) -> bool:
        """Takes the request with these terms off the list; False: it is not on it, since a start has answered it."""
        fitting = [asked for asked in self.asked if asked.terms == terms]
        if not fitting:
            return False
        self.asked.remove(min(fitting, key=lambda asked: asked.lost))
        return True

    def move(self, state: ReservationState, now: Milliseconds, reason: str | None = None) -> Event:
        """Goes on to another state. What was lost on the way to it counts no more; what is under way still does."""
        self.state = state
        self.reason = reason
        self.ended_at = None if self.active else now
        self.asked = [asked for asked in self.asked if not asked.lost]
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
        """An id that no reservation of the site has; it is used up when it is asked for (`request`), not before."""
        number = self._last_own_id
        while True:
            number = number % LARGEST_OWN_ID + 1
            if all(number not in own for own in self._by_charge_point.values()):
                return number

    def add(self, reservation: Reservation) -> None:
        own = self._by_charge_point.setdefault(fold(reservation.charge_point), {})
        own.pop(reservation.id, None)  # one that has an id anew is the newest
        own[reservation.id] = reservation
        if len(own) > REMEMBERED:
            ended = [known for known in own.values() if not known.active]
            for known in ended[: max(0, len(ended) - REMEMBERED)]:
                del own[known.id]

    def drop(self, reservation: Reservation) -> None:
        """One that has ended is not looked for any more."""
        self._by_charge_point.get(fold(reservation.charge_point), {}).pop(reservation.id, None)

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
        """The intention; until it is accepted, what a known id stands for holds on (C 5.13)."""
        known = self.get(charge_point, number)
        if known is None or not known.active:
            under_way = [*known.asked] if known is not None else []
            first = under_way[0].terms if under_way else terms
            known = Reservation(
                id=number,
                charge_point=charge_point,
                **msgspec.structs.asdict(first),
                created_at=now,
                asked=under_way,
            )
            self.add(known)
        known.asked.append(Asked(terms))
        if number <= LARGEST_OWN_ID:
            self._last_own_id = max(self._last_own_id, number)
        return known

    def accepted(self, charge_point: str, number: int, terms: Terms, now: Milliseconds) -> Moved:
        """ReserveNow was accepted: its terms are the ones that hold, unless a start has used them already."""
        known = self.get(charge_point, number)
        if known is None or not known.answered(terms):
            return [], []
        if not known.active:  # what had its id ended while this was under way
            known.created_at, known.transaction_id = now, None
        known.take(terms)
        return [known], [known.move("reserved", now)]

    def refused(self, charge_point: str, number: int, terms: Terms, reason: str, now: Milliseconds) -> Moved:
        """ReserveNow was refused or never sent; what it would have replaced holds on."""
        known = self.get(charge_point, number)
        if known is None or not known.answered(terms):
            return [], []
        if known.state != "requested":
            return [known], []
        if not known.asked:
            return [known], [known.move("failed", now, reason)]
        known.take(known.asked[0].terms)
        return [known], []

    def lost(self, charge_point: str, number: int, terms: Terms) -> list[Reservation]:
        """No answer to ReserveNow will come."""
        known = self.get(charge_point, number)
        if known is None:
            return []
        for asked in known.asked:
            if asked.terms == terms and not asked.lost:
                asked.lost = True
                break
        return [known]

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
        Its terms are then those that the charge point must have had, and the request for them is answered.
        """
        found: Reservation | None
        if number is not None:
            found = self.get(charge_point, number)
            if found is None or found.state == "used":
                return None
        else:
            # A reservation of this very connector goes before one of any connector.
            active = self.active_on(charge_point)
            fitting = [known for known in active if known.serves(connector, id_tag, parent, start_time)]
            found = max(fitting, key=lambda known: (known.connector, -known.created_at), default=None)
        if found is not None:
            terms = found.serves(connector, id_tag, parent, start_time) or found.terms
            if found.state == "requested" or terms != found.terms:
                found.answered(terms)
                found.take(terms)
        return found

    def out_of_service(self, charge_point: str, connector: int, status: str, now: Milliseconds) -> Moved:
        """Faulted and Unavailable end a connector's reservations; those of connector 0 end all (C 5.13)."""
        ended = [
            known
            for known in self.active_on(charge_point)
            if known.state == "reserved" and connector in (0, known.connector)
        ]
        place = f"connector {connector}" if connector else "the charge point"
        return ended, [known.move("failed", now, f"{place} is {status}") for known in ended]

    # --- time

    def next_expiry(self) -> Milliseconds | None:
        return min((known.expires_at for known in self.active()), default=None)

    def expire(self, now: Milliseconds) -> Moved:
        """Ends those whose time is over; one that may have been given more time is what was asked for instead."""
        over = [known for known in self.active() if known.expires_at <= now]
        events = []
        for known in over:
            known.asked = [asked for asked in known.asked if asked.terms.expires_at > now]
            if known.asked:
                known.take(known.asked[0].terms)
                known.state = "requested"
            else:
                events.append(known.move("expired", now))
        return over, events

    def forget(self, charge_point: str, now: Milliseconds) -> Moved:
        """The charge point was removed: what was active has failed."""
        ended = self.active_on(charge_point)
        events = [known.move("failed", now, "the charge point was removed") for known in ended]
        self._by_charge_point.pop(fold(charge_point), None)
        return ended, events
