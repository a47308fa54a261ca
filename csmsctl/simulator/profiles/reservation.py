"""Reservation (C 5.1, 5.13): connectors kept free for an idTag or its group, until used or until the time is over."""

from typing import TYPE_CHECKING, Literal

import msgspec

from csmsctl.simulator.configuration import Key
from csmsctl.simulator.notice import Notice
from csmsctl.simulator.profiles.profile import Profile, profile_answers
from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.profiles.reservation.cancel_reservation import CancelReservationConf, CancelReservationReq
from csmsd.profiles.reservation.reserve_now import ReserveNowConf, ReserveNowReq

if TYPE_CHECKING:
    from csmsctl.simulator.connector import Connector

Answer = Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


class _Reservation(msgspec.Struct, eq=False):
    """For connector 0 it is any connector that is kept free."""

    id: int
    connector: int
    id_tag: str
    parent_id_tag: str | None

    def fits(self, id_tag: str, parent_id_tag: str | None) -> bool:
        """C 5.13: the idTag itself, or another one of its group."""
        if fold(id_tag) == fold(self.id_tag):
            return True
        ours, theirs = self.parent_id_tag, parent_id_tag
        return ours is not None and theirs is not None and fold(ours) == fold(theirs)


class Reservation(Profile):
    """Keeps reservations, through reboots too."""

    name = "Reservation"
    keys = (Key("ReserveConnectorZeroSupported", "true"),)

    def prepare(self) -> None:
        self._reservations: dict[int, _Reservation] = getattr(self, "_reservations", {})
        if self._watch not in self.charge_point.watchers:
            self.charge_point.watchers.append(self._watch)

    # --- what the connectors ask

    def reserves(self, connector: int) -> bool:
        """Whether a connector that is free is kept so: for itself, or as one of the last for connector 0."""
        return connector > 0 and (self._own(connector) is not None or self._last_ones(connector))

    def admits(self, connector: int, id_tag: str, parent_id_tag: str | None) -> bool:
        own = self._own(connector)
        if own is not None:
            return own.fits(id_tag, parent_id_tag)
        if not self._last_ones(connector):
            return True
        return any(known.fits(id_tag, parent_id_tag) for known in self._of_connector_0())

    def use(self, connector: int, id_tag: str, parent_id_tag: str | None) -> int | None:
        """C 4.8: the reservation that a transaction ends, by its id."""
        own = self._own(connector)
        for known in ([own] if own is not None else []) + self._of_connector_0():
            if known.fits(id_tag, parent_id_tag):
                self._end(known)
                return known.id
        return None

    def _own(self, connector: int) -> _Reservation | None:
        return next((known for known in self._reservations.values() if known.connector == connector), None)

    def _of_connector_0(self) -> list[_Reservation]:
        return [known for known in self._reservations.values() if known.connector == 0]

    def _free(self) -> list["Connector"]:
        """Connectors that nobody uses and no reservation of their own holds."""
        return [
            connector
            for number, connector in self.charge_point.connectors.items()
            if number > 0 and connector.unused and self._own(number) is None
        ]

    def _last_ones(self, connector: int) -> bool:
        """Whether the free connectors are just those that reservations of connector 0 need."""
        needed = len(self._of_connector_0())
        if needed == 0:
            return False
        free = self._free()
        return len(free) <= needed and any(known.number == connector for known in free)

    # --- CALLs

    @profile_answers(ReserveNowReq)
    def reserve_now(self, request: ReserveNowReq) -> ReserveNowConf:
        """C 5.13; a known id replaces, and what was holds when that is impossible."""
        expires_at = parse_timestamp(request.expiry_date)
        wait = None if expires_at is None else expires_at - self.charge_point.clock
        if wait is None or wait <= 0 or self.charge_point.registration != "Accepted":
            return ReserveNowConf(status="Rejected")
        replaced = self._reservations.pop(request.reservation_id, None)
        status = self._possible(request.connector_id)
        if status != "Accepted":
            if replaced is not None:
                self._reservations[replaced.id] = replaced
            return ReserveNowConf(status=status)
        made = _Reservation(request.reservation_id, request.connector_id, request.id_tag, request.parent_id_tag)
        self._reservations[made.id] = made
        self.charge_point.timers.at(_reservation_timer(made), self.charge_point.now + wait, lambda: self._expire(made))
        self.charge_point.tell("reserved", made.connector, reservation=made.id, id_tag=made.id_tag)
        self._update()
        return ReserveNowConf(status="Accepted")

    def _possible(self, number: int) -> Answer:
        connectors = self.charge_point.connectors
        if number not in connectors:
            return "Rejected"
        if number == 0 and not self.charge_point.configuration.boolean("ReserveConnectorZeroSupported"):
            return "Rejected"
        chosen = [connectors[number]] if number else [known for place, known in connectors.items() if place > 0]
        for status in ("Faulted", "Unavailable"):
            if connectors[0].status == status or all(connector.status == status for connector in chosen):
                return status
        free = [connector for connector in self._free() if not connector.plugged]
        taken = number > 0 and connectors[number] not in free
        return "Occupied" if taken or len(free) <= len(self._of_connector_0()) else "Accepted"

    @profile_answers(CancelReservationReq)
    def cancel_reservation(self, request: CancelReservationReq) -> CancelReservationConf:
        """C 5.1"""
        known = self._reservations.get(request.reservation_id)
        if known is None:
            return CancelReservationConf(status="Rejected")
        self._end(known)
        self._update()
        return CancelReservationConf(status="Accepted")

    # --- ends

    def _expire(self, known: _Reservation) -> None:
        self.charge_point.tell("reservation_expired", known.connector, reservation=known.id)
        self._end(known)
        self._update()

    def _end(self, known: _Reservation) -> None:
        self._reservations.pop(known.id, None)
        self.charge_point.timers.cancel(_reservation_timer(known))

    def _watch(self, notice: Notice) -> None:
        """C 5.13: Faulted and Unavailable end the connector's reservation, those of connector 0 end all."""
        if notice.event != "status" or notice.details.get("status") not in ("Faulted", "Unavailable"):
            return
        for known in list(self._reservations.values()):
            if notice.connector in (0, known.connector):
                self._end(known)

    def _update(self) -> None:
        for connector in self.charge_point.connectors.values():
            connector.update()


def _reservation_timer(known: _Reservation) -> str:
    return f"reservation {known.id}"
