"""Reset (C 5.14): make a charge point restart."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target

ResetType = Literal["Hard", "Soft"]


class ResetReq(Message, kw_only=True):
    type: ResetType


class ResetConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]


def _why(request: ResetReq, confirmation: ResetConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    running = target.charge_point.transactions.active()
    update = target.site.firmware.updates.current(target.charge_point.id)
    if update is not None and not update.ended:
        return f"firmware update {update.id} is under way ({update.state})"
    if running:
        return f"transaction {running[0].id} runs: csmsctl remote-stop --transaction {running[0].id}, or --type hard"
    return None


# C 5.14: one that accepted it ends its transactions and restarts; some take it and never do.
OUTGOING = Outgoing(ResetReq, ResetConf, why=_why, restart_seconds=60)


def _rebooted_by_reset(sent: Sent[ResetReq]) -> Observation:
    """A BootNotification came since, and was accepted."""
    state = sent.target.charge_point
    if (state.record.booted_at or 0) <= sent.at:
        return Observation("not booted" if state.connected else "offline")
    if state.record.boot_status != "Accepted":
        return Observation(f"booted, registration {state.record.boot_status}")
    return Observation("rebooted", reached=True, facts={"firmware_version": state.record.firmware_version})


class Reset(Operation, kw_only=True):
    """Restart a charge point.

    Soft ends running transactions properly and restarts; Hard restarts at once.
    """

    command: ClassVar[str] = "reset"
    example: ClassVar[str] = "csmsctl reset CP1 --type soft"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("rebooted", _rebooted_by_reset, ("charge_point.booted", "charge_point.disconnected"), patience=300),
    )
    question: ClassVar[str | None] = "Resetting ends the transactions that run there. Reset {targets}?"

    type: Annotated[ResetType, Meta(description="Kind of reset")]

    def steps(self, target: Target) -> Steps:
        yield ResetReq(type=self.type)
