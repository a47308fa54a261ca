"""RemoteStartTransaction (C 5.11): ask a charge point to start a transaction for an idTag."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import ChargingProfile, IdToken, Message, PositiveConnectorId, RemoteStartStopStatus
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.core.connectors import against_start_on_connector, connector_in_preparation, connector_numbers
from csmsd.profiles.core.id_tags import authorization_status_of_id_tag
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Data, Event
from csmsd.profiles.refusal import NotThere


class RemoteStartTransactionReq(Message, kw_only=True):
    connector_id: PositiveConnectorId | None = None
    id_tag: IdToken
    charging_profile: ChargingProfile | None = None


class RemoteStartTransactionConf(Message, kw_only=True):
    status: RemoteStartStopStatus


def _check(request: RemoteStartTransactionReq, target: Target) -> str | None:
    if target.charge_point.record.boot_status == "Pending":
        return "a charge point whose registration is Pending must not be sent RemoteStartTransaction (C 4.2)"
    tag = target.site.id_tag(request.id_tag)
    status = authorization_status_of_id_tag(tag, target.now, unknown=target.site.policies.unknown_id_tags)
    if tag is None and status != "Accepted":
        raise NotThere(f"idTag {request.id_tag} is not known here; add it with: csmsctl tag add {request.id_tag}")
    if status != "Accepted":
        return f"idTag {request.id_tag} is {status}; see: csmsctl tag show {request.id_tag}"
    limit = tag.max_transactions if tag is not None else None
    running = target.site.active_transactions_of(request.id_tag)
    if limit is not None and running >= limit:
        return (
            f"idTag {request.id_tag} has {running} of {limit} transactions running, so the start would be answered "
            f"ConcurrentTx (C 7.2); see: csmsctl tx list --tag {request.id_tag} --state active"
        )
    if request.charging_profile is None:
        return None
    return target.site.smart_charging.library.objection_to_start(
        request.charging_profile,
        request.connector_id,
        target.charge_point,
        target.site.smart_charging.installed,
        target.now,
    )


def _forbids(payload: Data, target: Target) -> str | None:
    """C 5.16.2: its profile would hold before load management can cap it."""
    if payload.get("chargingProfile") is None:
        return None
    connector = payload.get("connectorId")
    on = target.site.smart_charging.load.member_of_start(
        target.charge_point, connector if isinstance(connector, int) else None
    )
    if on is None:
        return None
    return (
        f"connector {on.connector} hangs on circuit {on.circuit}, and the profile of a remote start would stand above "
        "its limit (C 5.16.2); start it without, and give it the profile when it charges: "
        f"csmsctl set-charging-profile {target.charge_point.id} --connector {on.connector} --profile NAME"
    )


def _settle(
    request: RemoteStartTransactionReq, confirmation: RemoteStartTransactionConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """A profile that was accepted waits for the transaction that it is for."""
    if request.charging_profile is None or confirmation.status != "Accepted":
        return [], []
    return target.site.smart_charging.library.started_with(
        request.charging_profile,
        request.connector_id,
        request.id_tag,
        target.charge_point,
        target.site.smart_charging.installed,
        target.now,
    ), []


def _why(request: RemoteStartTransactionReq, confirmation: RemoteStartTransactionConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    against = against_start_on_connector(request.connector_id, request.id_tag, target)
    if against is None and request.connector_id is None:
        known = connector_numbers(target.charge_point) or [1]
        return f"it may want a connector to be named: --connector {known[0]}"
    return against or connector_in_preparation(target.charge_point, request.connector_id)


def _remote_start_began(sent: Sent[RemoteStartTransactionReq]) -> Transaction | None:
    """The one that it began: the first that was told of since, with its idTag and on its connector."""
    request, book = sent.request, sent.target.charge_point.transactions
    return next(
        (
            known
            for known in reversed(book.told_since(sent.at))
            if fold(known.id_tag) == fold(request.id_tag) and request.connector_id in (None, known.connector)
        ),
        None,
    )


def _other_than_remote_start(sent: Sent[RemoteStartTransactionReq]) -> Transaction | None:
    """One that began on its connector since, with another idTag: then the one that was asked for does not come."""
    request, state = sent.request, sent.target.charge_point
    connectors = [number for number in state.connectors if number > 0]
    wanted = request.connector_id or (connectors[0] if len(connectors) == 1 else None)
    if wanted is None:
        return None
    return next((known for known in state.transactions.told_since(sent.at) if known.connector == wanted), None)


def _remote_start_not_begun(sent: Sent[RemoteStartTransactionReq]) -> Observation:
    status = sent.target.charge_point.status_of(sent.request.connector_id or 0)
    other = _other_than_remote_start(sent)
    if other is None:
        return Observation(status)
    why = (
        f"transaction {other.id} began on connector {other.connector} with idTag {other.id_tag}, "
        f"not with {sent.request.id_tag}"
    )
    return Observation(status, failed=why, facts={"transaction": other.id, "connector": other.connector})


def _refused_remote_start(begun: Transaction) -> str | None:
    """C 4.8: with any other status than Accepted it delivers nothing, or is ended."""
    if begun.id_tag_status == "Accepted":
        return None
    return f"transaction {begun.id} began, and its idTag {begun.id_tag} was answered {begun.id_tag_status}"


def _remote_started(sent: Sent[RemoteStartTransactionReq]) -> Observation:
    """A transaction exists: the charge point's own word."""
    begun = _remote_start_began(sent)
    if begun is None:
        return _remote_start_not_begun(sent)
    refused = _refused_remote_start(begun)
    facts: Data = {"transaction": begun.id, "connector": begun.connector}
    return Observation("started", reached=refused is None, failed=refused, facts=facts)


def _charging_by_remote_start(sent: Sent[RemoteStartTransactionReq]) -> Observation:
    """Energy flows in that transaction, by the connector's status or by its meter."""
    begun = _remote_start_began(sent)
    if begun is None:
        return _remote_start_not_begun(sent)
    state = sent.target.charge_point
    facts: Data = {"transaction": begun.id, "connector": begun.connector}
    refused = _refused_remote_start(begun)
    if refused is not None:
        return Observation(state.status_of(begun.connector), failed=refused, facts=facts)
    connector = state.connectors.get(begun.connector)
    if begun.state != "active":
        reached = begun.energy_wh > 0
        reason = None if reached else f"transaction {begun.id} is {begun.state} ({begun.stop_reason or 'no reason'})"
        return Observation(begun.state, reached=reached, failed=reason, facts=facts)
    says_so = connector is not None and connector.status == "Charging" and connector.received_at >= sent.at
    measured = state.energy_wh(begun) > 0 or (
        (state.power_w(begun.connector) or 0) > 0 and state.samples[begun.connector].received_at >= sent.at
    )
    return Observation(state.status_of(begun.connector), reached=says_so or measured, facts=facts)


OUTGOING = Outgoing(
    RemoteStartTransactionReq, RemoteStartTransactionConf, check=_check, forbids=_forbids, settle=_settle, why=_why
)


class RemoteStart(Operation, kw_only=True):
    """Start a transaction for an idTag.

    Accepted means that the charge point will try; that the transaction runs is another fact: --wait.
    """

    command: ClassVar[str] = "remote-start"
    reception: ClassVar[bool] = True
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect(
            "charging",
            _charging_by_remote_start,
            ("transaction.started", "connector.status", "meter_values", "transaction.stopped", "transaction.abandoned"),
        ),
        Effect("started", _remote_started, ("transaction.started",)),
    )
    example: ClassVar[str] = "csmsctl remote-start CP1 --tag A1B2C3 --connector 1"

    tag: Annotated[str, Meta(description="idTag to start with", max_length=20, extra={"complete": "tags"})]
    connector: Annotated[int, Meta(description="Connector; left out, the charge point chooses", ge=1)] | None = None
    profile: (
        Annotated[
            str | dict[str, Any],
            Meta(
                description="TxProfile for the transaction: name in the library, its JSON, or a file with it",
                extra={"json_or_name": True, "complete": "profiles", "metavar": "NAME|FILE|JSON"},
            ),
        ]
        | None
    ) = None

    def steps(self, target: Target) -> Steps:
        profile = None
        if self.profile is not None:
            profile = target.site.smart_charging.library.for_start(self.profile, self.connector, target.now)
        yield RemoteStartTransactionReq(connector_id=self.connector, id_tag=self.tag, charging_profile=profile)
