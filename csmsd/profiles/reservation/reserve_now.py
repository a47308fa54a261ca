"""ReserveNow (C 5.13): reserve a connector, or any connector, for an idTag."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import LARGEST_INTEGER, ConnectorId, DateTime, IdToken, Integer, Message
from csmsd.profiles.action import Consequence, Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.core.connectors import against_start_on_connector, connector_in_preparation
from csmsd.profiles.record import Change, Data, Event, Milliseconds
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.reservation.foreign_use import foreign_uses_of
from csmsd.profiles.reservation.reservations import LARGEST_ID, Terms
from csmsd.profiles.site import Site


class ReserveNowReq(Message, kw_only=True):
    connector_id: ConnectorId
    expiry_date: DateTime
    id_tag: IdToken
    parent_id_tag: IdToken | None = None
    reservation_id: Integer


class ReserveNowConf(Message, kw_only=True):
    status: Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


def _check(request: ReserveNowReq, target: Target) -> str | None:
    zero_supported = target.charge_point.configured("ReserveConnectorZeroSupported")
    if request.connector_id == 0 and zero_supported is not None and zero_supported.strip().casefold() != "true":
        return f"{target.charge_point.id} takes no reservations of connector 0 (ReserveConnectorZeroSupported)"
    if not 0 < request.reservation_id <= LARGEST_ID:
        raise CannotSend(f"reservation ids are 1 to {LARGEST_ID}: many charge points take 0 for none")
    expires_at = parse_timestamp(request.expiry_date)
    if expires_at is None:
        raise CannotSend(f"{request.expiry_date!r} is no time")
    if expires_at <= target.now:
        raise CannotSend(f"{request.expiry_date} is over already")
    status = target.site.authorization(request.id_tag, target.now)
    if target.site.id_tag(request.id_tag) is None and status != "Accepted":
        raise NotThere(f"idTag {request.id_tag} is not known here; add it with: csmsctl tag add {request.id_tag}")
    if status != "Accepted":
        return f"idTag {request.id_tag} is {status}; see: csmsctl tag show {request.id_tag}"
    return None


def _why(request: ReserveNowReq, confirmation: ReserveNowConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    if request.connector_id == 0:
        against = against_start_on_connector(None, request.id_tag, target)
        zero = "it may take none of connector 0 (C 5.13): name one with --connector"
        return against or (zero if confirmation.status == "Rejected" else None)
    against = against_start_on_connector(request.connector_id, request.id_tag, target)
    return against or connector_in_preparation(target.charge_point, request.connector_id)


def _reserve_now_terms(request: ReserveNowReq) -> Terms:
    return Terms(
        connector=request.connector_id,
        id_tag=request.id_tag,
        parent_id_tag=request.parent_id_tag,
        expires_at=parse_timestamp(request.expiry_date) or 0,
    )


def _intend(request: ReserveNowReq, target: Target) -> tuple[list[Change], list[Event]]:
    """Known from now on, so that a start that comes before the answer, or instead of it, finds its reservation."""
    book, charge_point = target.site.reservations, target.charge_point.id
    return [book.request(charge_point, request.reservation_id, _reserve_now_terms(request), target.now)], []


def _settle(request: ReserveNowReq, confirmation: ReserveNowConf, target: Target) -> tuple[list[Change], list[Event]]:
    book, charge_point, number = target.site.reservations, target.charge_point.id, request.reservation_id
    if confirmation.status == "Accepted":
        changes, events = book.accepted(charge_point, number, _reserve_now_terms(request), target.now)
    else:
        changes, events = book.refused(
            charge_point, number, _reserve_now_terms(request), confirmation.status, target.now
        )
    return [*changes], events


def _unconfirmed(request: ReserveNowReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    """After a timeout it may hold there. What was refused or never left does not."""
    book, charge_point, number = target.site.reservations, target.charge_point.id, request.reservation_id
    if outcome in ("timeout", "unknown"):
        return [*book.lost(charge_point, number, _reserve_now_terms(request))], []
    changes, events = book.refused(
        charge_point, number, _reserve_now_terms(request), outcome.replace("_", " "), target.now
    )
    return [*changes], events


OUTGOING = Outgoing(
    ReserveNowReq,
    ReserveNowConf,
    check=_check,
    settle=_settle,
    intend=_intend,
    unconfirmed=_unconfirmed,
    why=_why,
)


def _removed(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """What held there has failed."""
    ended, told = site.reservations.forget(event.charge_point or "", now)
    return [*ended], told


def _started_on_reserved(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """A transaction on the reservation of another card stays marked: it is billed, and somebody may ask."""
    number, state = event.data.get("transaction"), site.charge_point(event.charge_point or "")
    transaction = state.transactions.get(number) if state is not None and isinstance(number, int) else None
    others = list(foreign_uses_of(transaction, site)) if transaction is not None else []
    if transaction is None or not others:
        return [], []
    transaction.flag(*(f"reservation_of:{reservation.id_tag}" for reservation, _ in others))
    return [transaction], []


CONSEQUENCES = (Consequence("charge_point.removed", _removed), Consequence("transaction.started", _started_on_reserved))


def _reserved(sent: Sent[ReserveNowReq]) -> Observation:
    """The connector says Reserved. Which one that is stays open for connector 0: there the answer is all (C 5.13)."""
    state, number = sent.target.charge_point, sent.request.reservation_id
    known = sent.target.site.reservations.get(state.id, number)
    facts: Data = {"reservation": number, "connector": sent.request.connector_id}
    if known is None or known.state in ("failed", "expired", "cancelled"):
        reason = f"reservation {number} is {known.state if known is not None else 'not known'}"
        return Observation("unknown" if known is None else known.state, failed=reason, facts=facts)
    if sent.request.connector_id == 0 or known.state == "used":
        return Observation(known.state, reached=known.state != "requested", facts=facts)
    status = state.status_of(sent.request.connector_id)
    return Observation(status, reached=status == "Reserved", facts=facts)


class ReserveNow(Operation, kw_only=True):
    """Reserve a connector for an idTag until a given time.

    With --parent-tag every idTag of that group may use the reservation. An id that the charge point knows replaces
    that reservation.
    """

    command: ClassVar[str] = "reserve-now"
    example: ClassVar[str] = "csmsctl reserve-now CP1 --connector 1 --tag A1B2C3 --expires +30m"
    reception: ClassVar[bool] = True
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect(
            "reserved",
            _reserved,
            ("connector.status", "reservation.used", "reservation.failed", "reservation.expired"),
        ),
    )

    connector: Annotated[int, Meta(description="Connector; 0 is any connector", ge=0)]
    tag: Annotated[str, Meta(description="idTag to reserve for", max_length=20, extra={"complete": "tags"})]
    expires: Annotated[str, Meta(description="When the reservation ends", extra={"metavar": "WHEN"})]
    parent_tag: (
        Annotated[
            str,
            Meta(description="Parent idTag whose group may use it", max_length=20, extra={"complete": "tags"}),
        ]
        | None
    ) = None
    id: Annotated[int, Meta(description="Reservation id; left out, csms chooses one")] | None = None

    def steps(self, target: Target) -> Steps:
        expires_at = parse_timestamp(self.expires)
        if expires_at is None:
            raise CannotSend(f"{self.expires!r} is no time; write it as 2026-12-31T23:59:59Z.")
        if self.id is not None and abs(self.id) > LARGEST_INTEGER:
            raise CannotSend(f"{self.id} is larger than any integer of OCPP.")
        yield ReserveNowReq(
            connector_id=self.connector,
            expiry_date=format_timestamp(expires_at),
            id_tag=self.tag,
            parent_id_tag=self.parent_tag,
            reservation_id=self.id if self.id is not None else target.site.reservations.new_id(),
        )
