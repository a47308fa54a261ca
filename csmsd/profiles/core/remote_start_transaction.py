"""RemoteStartTransaction (C 5.11): ask a charge point to start a transaction for an idTag."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from csmsd.ocpp.types import ChargingProfile, IdToken, Message, PositiveConnectorId, RemoteStartStopStatus
from csmsd.profiles.core.id_tags import authorization_status
from csmsd.profiles.record import Change, Event
from csmsd.profiles.slice import Operation, Outgoing, Steps, Target


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
    status = authorization_status(tag, target.now, unknown=target.site.policies.unknown_id_tags)
    if tag is None and status != "Accepted":
        return f"idTag {request.id_tag} is not known here; add it with: csmsctl tag add {request.id_tag}"
    if status != "Accepted":
        return f"idTag {request.id_tag} is {status}; see: csmsctl tag show {request.id_tag}"
    if request.charging_profile is not None:
        return target.site.charging_profiles.objection_to_start(request.charging_profile, request.connector_id, target)
    return None


def _settle(
    request: RemoteStartTransactionReq, confirmation: RemoteStartTransactionConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """A profile that was accepted waits for the transaction that it is for."""
    if request.charging_profile is None or confirmation.status != "Accepted":
        return [], []
    return target.site.charging_profiles.started_with(
        request.charging_profile, request.connector_id, request.id_tag, target
    ), []


OUTGOING = Outgoing(RemoteStartTransactionReq, RemoteStartTransactionConf, check=_check, settle=_settle)


class RemoteStart(Operation, kw_only=True):
    """Start a transaction for an idTag.

    Accepted means that the charge point will try; that the transaction runs is another fact (see `csmsctl tx list`).
    """

    command: ClassVar[str] = "remote-start"
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
            profile = target.site.charging_profiles.for_start(self.profile, self.connector, target.now)
        yield RemoteStartTransactionReq(connector_id=self.connector, id_tag=self.tag, charging_profile=profile)
