"""DataTransfer (C 4.3, 5.6): vendor-specific data, in both directions."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import CiString50, CiString255, Message
from csmsd.profiles.slice import Context, Incoming, Operation, Outgoing, Reply, Steps, Target


class DataTransferReq(Message, kw_only=True):
    vendor_id: CiString255
    message_id: CiString50 | None = None
    data: str | None = None


class DataTransferConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
    data: str | None = None


def data_transfer(request: DataTransferReq, at: Context) -> Reply[DataTransferConf]:
    """C 4.3: no vendor's messages are implemented here, so every vendorId is unknown."""
    return Reply(DataTransferConf(status="UnknownVendorId"))


INCOMING = Incoming(DataTransferReq, DataTransferConf, data_transfer, writes=False)
OUTGOING = Outgoing(DataTransferReq, DataTransferConf)


class DataTransfer(Operation, kw_only=True):
    """Send vendor-specific data to a charge point."""

    command: ClassVar[str] = "data-transfer"
    example: ClassVar[str] = "csmsctl data-transfer CP1 --vendor com.example --message-id Hello --data World"

    vendor: Annotated[str, Meta(description="vendorId, usually a reversed domain name", max_length=255)]
    message_id: Annotated[str, Meta(description="messageId", max_length=50)] | None = None
    data: Annotated[str, Meta(description="The data, as text")] | None = None

    def steps(self, target: Target) -> Steps:
        yield DataTransferReq(vendor_id=self.vendor, message_id=self.message_id, data=self.data)
