"""RemoteStartTransaction (C 5.11): ask a charge point to start a transaction for an idTag."""

from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.types import ChargingProfile, IdToken, Message, PositiveConnectorId, RemoteStartStopStatus
from csmsd.profiles.core.id_tags import authorization_status
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
    profile = request.charging_profile
    if profile is not None and profile.charging_profile_purpose != "TxProfile":
        return "a charging profile in RemoteStartTransaction must be a TxProfile (C 5.16.2)"
    if profile is not None and profile.transaction_id is not None:
        return "a charging profile in RemoteStartTransaction must not have a transactionId (C 5.16.2)"
    return None


OUTGOING = Outgoing(RemoteStartTransactionReq, RemoteStartTransactionConf, check=_check)


class RemoteStart(Operation, kw_only=True):
    """Start a transaction for an idTag.

    Accepted means that the charge point will try; that the transaction runs is another fact (see `csmsctl tx list`).
    """

    command: ClassVar[str] = "remote-start"
    example: ClassVar[str] = "csmsctl remote-start CP1 --tag A1B2C3 --connector 1"

    tag: Annotated[str, Meta(description="idTag to start with", max_length=20, extra={"complete": "tags"})]
    connector: Annotated[int, Meta(description="Connector; left out, the charge point chooses", ge=1)] | None = None

    def steps(self, target: Target) -> Steps:
        yield RemoteStartTransactionReq(connector_id=self.connector, id_tag=self.tag)
