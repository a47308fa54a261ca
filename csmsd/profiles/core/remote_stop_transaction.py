"""RemoteStopTransaction (C 5.12): ask a charge point to stop a transaction."""

from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.types import Integer, Message, RemoteStartStopStatus
from csmsd.profiles.action import Effect, Observation, Operation, Outgoing, Sent, Steps, Target
from csmsd.profiles.record import Data
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.site import Site


class RemoteStopTransactionReq(Message, kw_only=True):
    transaction_id: Integer


class RemoteStopTransactionConf(Message, kw_only=True):
    status: RemoteStartStopStatus


def _check(request: RemoteStopTransactionReq, target: Target) -> str | None:
    if target.charge_point.record.boot_status == "Pending":
        return "a charge point whose registration is Pending must not be sent RemoteStopTransaction (C 4.2)"
    transaction = target.charge_point.transactions.get(request.transaction_id)
    if transaction is None:
        raise NotThere(f"transaction {request.transaction_id} is not known on {target.charge_point.id}")
    if transaction.state != "active":
        return f"transaction {request.transaction_id} is {transaction.state} already"
    return None


def _why(request: RemoteStopTransactionReq, confirmation: RemoteStopTransactionConf, target: Target) -> str | None:
    """Only what runs can be stopped, and only by the charge point that it runs on (C 5.12)."""
    if confirmation.status == "Accepted":
        return None
    known = target.charge_point.transactions.get(request.transaction_id)
    if known is None:
        return f"transaction {request.transaction_id} is not known on {target.charge_point.id}"
    if known.state != "active":
        return _check(request, target)
    connector = target.charge_point.connectors.get(known.connector)
    if connector is not None and connector.status == "Available":
        return (
            f"connector {known.connector} is Available, so nothing runs there any more: "
            f"csmsctl tx close {known.id} --reason TEXT"
        )
    return None


def _remote_stopped(sent: Sent[RemoteStopTransactionReq]) -> Observation:
    """StopTransaction came. One that was given up for another is ended by it, too; books that are closed are not."""
    number = sent.request.transaction_id
    known = sent.target.charge_point.transactions.get(number)
    if known is None:
        return Observation("unknown", failed=f"transaction {number} is not known on {sent.target.charge_point.id}")
    facts: Data = {"transaction": known.id, "connector": known.connector}
    closed = f"transaction {known.id} was closed by an operator" if known.state == "closed" else None
    return Observation(known.state, reached=known.state == "stopped", failed=closed, facts=facts)


OUTGOING = Outgoing(RemoteStopTransactionReq, RemoteStopTransactionConf, check=_check, why=_why)


class RemoteStop(Operation, kw_only=True):
    """Stop a transaction: the one that runs on a charge point, or the one with the given id."""

    command: ClassVar[str] = "remote-stop"
    example: ClassVar[str] = "csmsctl remote-stop CP1 --connector 1"
    reception: ClassVar[bool] = True
    target_optional: ClassVar[bool] = True
    question: ClassVar[str | None] = "Whoever is charging there is stopped. Stop {targets}?"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("stopped", _remote_stopped, ("transaction.stopped", "transaction.abandoned", "transaction.closed")),
    )

    transaction: (
        Annotated[int, Meta(description="Transaction id", extra={"complete": "active_transactions"})] | None
    ) = None
    connector: Annotated[int, Meta(description="Connector whose transaction is meant", ge=1)] | None = None

    def steps(self, target: Target) -> Steps:
        yield RemoteStopTransactionReq(transaction_id=self._transaction_id(target))

    def _transaction_id(self, target: Target) -> int:
        if self.transaction is not None:
            return self.transaction
        running = [
            transaction
            for transaction in target.charge_point.transactions.active()
            if self.connector in (None, transaction.connector)
        ]
        place = (
            target.charge_point.id
            if self.connector is None
            else f"connector {self.connector} of {target.charge_point.id}"
        )
        if not running:
            raise NotThere(
                f"No transaction runs on {place}; see: csmsctl tx list --charge-point {target.charge_point.id}"
            )
        if len(running) > 1:
            choices = ", ".join(f"{known.id} (connector {known.connector})" for known in running)
            raise CannotSend(f"Several transactions run on {place}: {choices}. Say --connector N or --transaction ID.")
        return running[0].id

    def implied_target(self, site: Site) -> str:
        if self.transaction is None:
            raise CannotSend("Name the charge point, or the transaction with --transaction ID.")
        transaction = site.find_transaction(self.transaction)
        if transaction is None:
            raise NotThere(f"No transaction {self.transaction}; name the charge point as well to send it all the same.")
        return transaction.charge_point
