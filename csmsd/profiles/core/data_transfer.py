"""DataTransfer (C 4.3, 5.6): vendor-specific data, in both directions."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from csmsd.ocpp.types import CiString50, CiString255, JsonText, Message
from csmsd.profiles.action import Ask, Context, Incoming, Operation, Outgoing, Reply, Steps, Target
from csmsd.profiles.record import Event


class DataTransferReq(Message, kw_only=True):
    vendor_id: CiString255
    message_id: CiString50 | None = None
    data: JsonText | None = None


class DataTransferConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: JsonText | None = None


class _Said(msgspec.Struct):
    """What a hook writes: the confirmation, as JSON."""

    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: str | None = None


def data_transfer(request: DataTransferReq, at: Context) -> Reply[DataTransferConf]:
    """C 4.3: a vendor without hooks is unknown, and of a vendor with hooks every message that none of them takes."""
    vendor = request.vendor_id.casefold()
    hooks = [hook for hook in at.site.data_transfer.hooks if hook.vendor_id.casefold() == vendor]
    if not hooks:
        return Reply(DataTransferConf(status="UnknownVendorId"))
    message_id = (request.message_id or "").casefold()
    # A hook for this very message goes before one for all messages of the vendor.
    taking = [hook for hook in hooks if hook.message_id is not None and hook.message_id.casefold() == message_id]
    taking += [hook for hook in hooks if hook.message_id is None]
    if not taking:
        return Reply(DataTransferConf(status="UnknownMessageId"))
    question = {
        "chargePoint": at.charge_point.id,
        "vendorId": request.vendor_id,
        "messageId": request.message_id,
        "data": request.data,
    }
    identity, command = at.charge_point.id, taking[0].command

    def conclude(said: bytes | str) -> Reply[DataTransferConf]:
        return _concluded_data_transfer(said, identity, command)

    # Should the hook fail it is Rejected: the vendor and the message are known.
    return Reply(DataTransferConf(status="Rejected"), later=Ask(command, msgspec.json.encode(question), conclude))


def _concluded_data_transfer(said: bytes | str, identity: str, command: str) -> Reply[DataTransferConf]:
    reason = said
    if isinstance(said, bytes):
        try:
            confirmation = msgspec.json.decode(said, type=_Said)
            return Reply(DataTransferConf(status=confirmation.status, data=confirmation.data))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reason = f"its output cannot be read: {error}"
    failed = Event("hook.failed", identity, {"command": command, "reason": reason})
    return Reply(DataTransferConf(status="Rejected"), [], [failed])


INCOMING = Incoming(DataTransferReq, DataTransferConf, data_transfer, writes=False)
OUTGOING = Outgoing(DataTransferReq, DataTransferConf)


class DataTransfer(Operation, kw_only=True):
    """Send vendor-specific data to a charge point."""

    command: ClassVar[str] = "data-transfer"
    example: ClassVar[str] = "csmsctl data-transfer CP1 --vendor org.example.csms --message-id Echo --data hello"

    vendor: Annotated[str, Meta(description="vendorId, usually a reversed domain name", max_length=255)]
    message_id: Annotated[str, Meta(description="messageId", max_length=50)] | None = None
    data: Annotated[str, Meta(description="The data, as text")] | None = None

    def steps(self, target: Target) -> Steps:
        yield DataTransferReq(vendor_id=self.vendor, message_id=self.message_id, data=self.data)
