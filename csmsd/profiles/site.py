"""The site's live state: everything that handlers and operations look at. SQLite is its truth."""

from itertools import count
from weakref import WeakValueDictionary

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import AuthorizationStatus
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState, QuarantinedMessage
from csmsd.profiles.core.id_tags import IdTag, authorization_status_of_id_tag
from csmsd.profiles.core.metering import MeterShapes
from csmsd.profiles.core.orphans import Held, Orphan, size_of_orphan
from csmsd.profiles.core.refused_connections import RefusedConnections
from csmsd.profiles.core.transactions import History, Transaction
from csmsd.profiles.core.unknown_cards import UnknownCards
from csmsd.profiles.firmware_management.firmware import Firmware
from csmsd.profiles.local_auth_list.local_lists import LocalLists
from csmsd.profiles.milestone import Milestone, MilestoneName
from csmsd.profiles.policies import DataTransfer, Policies
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.reservations import Reservations
from csmsd.profiles.security.security import Security
from csmsd.profiles.smart_charging.charging import SmartCharging


class Site:
    """Charge points, idTags and open transactions by the keys they are looked up by; and the settings for slices."""

    def __init__(self, policies: Policies | None = None, data_transfer: DataTransfer | None = None) -> None:
        self.policies = policies or Policies()
        self.data_transfer = data_transfer or DataTransfer()
        self.charge_points: dict[str, ChargePointState] = {}
        self.refused = RefusedConnections()
        self.id_tags: dict[str, IdTag] = {}
        self.unknown_cards = UnknownCards()
        self.meter_shapes = MeterShapes()
        self.firmware = Firmware()
        self.smart_charging = SmartCharging()
        self.reservations = Reservations()
        self.local_lists = LocalLists()
        self.security = Security()
        self.milestones: dict[MilestoneName, Milestone] = {}
        self.lost_transaction_ids: list[range] = []
        self.loaded_at: Milliseconds = 0  # what was measured before may be in the store already
        self._active_by_tag: dict[str, set[int]] = {}
        self.last_transaction_id = 0
        self._bookings = count(1)
        self._quarantine_ids = count(1)
        self._orphans_at: WeakValueDictionary[str, Held] = WeakValueDictionary()  # by where they come from

    def carry_over(self, old: "Site") -> None:
        """Takes what no file knows from the site that this one replaces."""
        for key, state in old.charge_points.items():
            known = self.charge_points.get(key)
            if known is not None:
                known.carry_over(state)
                self.count_orphans_at(known.origin, known)
        self.refused.carry_over(old.refused)
        self.unknown_cards = old.unknown_cards
        self.firmware.carry_over(old.firmware)
        self.security.carry_over(old.security)
        self.smart_charging.carry_over(old.smart_charging)

    def add_charge_point(self, record: ChargePoint, history: History) -> ChargePointState:
        """One that is registered; if it was before, it owns its history: what it repeats must be recognized."""
        state = self.charge_points[fold(record.id)] = ChargePointState(record)
        if history.newest_start is not None:
            state.transactions.leave_on_disk(history.newest_start)
        for transaction in history.awaited:
            self.add_transaction(transaction)
        return state

    def charge_point(self, identity: str) -> ChargePointState | None:
        """The charge point of that identity, in whatever case it is written."""
        return self.charge_points.get(fold(identity))

    def id_tag(self, tag: str) -> IdTag | None:
        """The idTag, in whatever case it is written (C 3.10)."""
        return self.id_tags.get(fold(tag))

    def authorization(self, tag: str, now: Milliseconds) -> AuthorizationStatus:
        """Whether the idTag may charge now (C 4.1)."""
        return authorization_status_of_id_tag(self.id_tag(tag), now, unknown=self.policies.unknown_id_tags)

    def new_transaction_id(self) -> int:
        """A transaction id that was never used before (CE 3.54: unique over the site, positive)."""
        self.last_transaction_id += 1
        return self.last_transaction_id

    def begin_transaction_ids_after(self, last: int) -> None:
        self.last_transaction_id = last

    def is_lost(self, transaction_id: int | None) -> bool:
        """Whether such an id can only be from books in whose place these were put: it means none that is known here."""
        return transaction_id is not None and any(transaction_id in gap for gap in self.lost_transaction_ids)

    def new_booking(self) -> int:
        """The number of a transaction that ends now. It must go to the store before anything else is awaited."""
        return next(self._bookings)

    def begin_bookings_after(self, last: int) -> None:
        self._bookings = count(last + 1)

    def quarantine(
        self, state: ChargePointState, now: Milliseconds, action: str, reason: str, payload: str
    ) -> QuarantinedMessage:
        """Keeps a message that could not be booked, on the list of those that are not settled.

        Raises OcppError where there is no room for it: what is not kept must not be confirmed.
        """
        self.require_room_in_quarantine(state, now, action, payload)
        return self.set_aside(state, now, action, reason, payload)

    def require_room_in_quarantine(self, state: ChargePointState, now: Milliseconds, action: str, payload: str) -> None:
        """Raises OcppError where a message that cannot be booked would find no room."""
        size = size_of_orphan(payload)
        if not state.orphans.has_room(action, size):
            state.orphans.turned_away = (now, action, size)
            raise OcppError("InternalError", "too many messages that could not be booked are kept already")

    def set_aside(
        self, state: ChargePointState, now: Milliseconds, action: str, reason: str, payload: str
    ) -> QuarantinedMessage:
        """As `quarantine`, room or not: for what was acknowledged before, or is settled in the same breath."""
        number = next(self._quarantine_ids)
        state.orphans.add(number, now, action, reason, payload)
        return QuarantinedMessage(
            id=number, charge_point=state.id, received_at=now, action=action, reason=reason, payload=payload
        )

    def set_aside_again(self, state: ChargePointState, known: Orphan, payload: str) -> QuarantinedMessage:
        """Kept once more under its number: what came again is answered after the commit of the first, too."""
        return QuarantinedMessage(
            id=known.number,
            charge_point=state.id,
            received_at=known.received_at,
            action=known.action,
            reason=known.reason,
            payload=payload,
        )

    def settle_message(self, kept: QuarantinedMessage, settlement: str, now: Milliseconds) -> None:
        """Takes a message off the list of its charge point, which may be gone: it has come to this."""
        kept.settled_at, kept.settlement = now, settlement
        state = self.charge_point(kept.charge_point)
        if state is not None:
            state.orphans.settle(kept.id)

    def begin_quarantine_ids_after(self, last: int) -> None:
        self._quarantine_ids = count(last + 1)

    def count_orphans_at(self, origin: str | None, state: ChargePointState) -> None:
        """The charge point connects from there: what is kept of it counts with that of others from the same place."""
        state.origin = origin
        if origin is not None:
            state.orphans.count_with(self._orphans_at.setdefault(origin, Held()))

    def add_transaction(self, transaction: Transaction) -> None:
        """Makes a transaction known under its charge point and, while it is active, under its idTag."""
        state = self.charge_point(transaction.charge_point)
        if state is not None:
            state.transactions.add(transaction)
        self.index_transaction(transaction)

    def index_transaction(self, transaction: Transaction) -> None:
        """Keeps the count of active transactions of an idTag right; to be called when `state` changed."""
        tag = fold(transaction.id_tag)
        if transaction.state == "active":
            self._active_by_tag.setdefault(tag, set()).add(transaction.id)
        elif tag in self._active_by_tag:
            self._active_by_tag[tag].discard(transaction.id)
            if not self._active_by_tag[tag]:
                del self._active_by_tag[tag]

    def active_transactions_of(self, tag: str) -> int:
        """How many transactions run on that idTag, on any charge point."""
        return len(self._active_by_tag.get(fold(tag), ()))

    def find_transaction(self, transaction_id: int) -> Transaction | None:
        """A recent transaction by its id, whichever charge point it belongs to."""
        for state in self.charge_points.values():
            transaction = state.transactions.get(transaction_id)
            if transaction is not None:
                return transaction
        return None
