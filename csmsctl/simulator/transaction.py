"""Transactions as the charge point keeps them, and the queue of messages that must reach the Central System (C 3.7)."""

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from csmsd.ocpp.types import MeterValue
from csmsd.profiles.core.meter_values import MeterValuesReq
from csmsd.profiles.core.start_transaction import StartTransactionConf, StartTransactionReq
from csmsd.profiles.core.stop_transaction import StopTransactionConf, StopTransactionReq

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint

UNKNOWN_ID = -1  # CE 3.18: what stands for the id that never came
MOST_QUEUED = 1000  # beyond it meter values are dropped, starts and stops never
MOST_TRANSACTION_DATA = 100

TransactionRequest = StartTransactionReq | MeterValuesReq | StopTransactionReq


class Transaction(msgspec.Struct, kw_only=True, eq=False):
    """One transaction, from its start to the confirmation of its stop. `id` is None until the start is answered."""

    connector: int
    id_tag: str
    started_at: int
    id: int | None = None
    parent_id_tag: str | None = None
    stopped: bool = False
    deauthorized: bool = False  # it goes on, without energy (CE 3.17)
    data: list[MeterValue] = []

    def record(self, value: MeterValue) -> None:
        """Keeps a reading for StopTransaction; the first ones give way in the middle, never at the ends (CE 3.89)."""
        if not value.sampled_value:
            return
        self.data.append(value)
        if len(self.data) > MOST_TRANSACTION_DATA:
            del self.data[1]


class _Queued(msgspec.Struct, eq=False):
    request: TransactionRequest
    transaction: Transaction
    failures: int = 0


class TransactionQueue:
    """Delivers transaction-related messages one by one, in order, each until it is confirmed or given up."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._charge_point = charge_point
        self._queue: deque[_Queued] = deque()
        self._under_way = False

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, request: TransactionRequest, transaction: Transaction) -> None:
        if isinstance(request, MeterValuesReq) and len(self._queue) >= MOST_QUEUED:
            return
        self._queue.append(_Queued(request, transaction))
        if not self._charge_point.online:
            self._charge_point.tell(
                "queued", transaction.connector, action=_action_of_transaction(request), queue=len(self)
            )
        if "retry" not in self._charge_point.timers:
            self.deliver()

    def deliver(self) -> None:
        """Sends the first message, unless one is under way or the charge point may not send."""
        charge_point = self._charge_point
        charge_point.timers.cancel("retry")
        if self._under_way or not self._queue or not charge_point.may_send:
            return
        first = self._queue[0]
        request = first.request
        if not isinstance(request, StartTransactionReq):
            # The start has been settled before, since it was further in front.
            request.transaction_id = UNKNOWN_ID if first.transaction.id is None else first.transaction.id
        self._under_way = True
        charge_point.call(request, self._confirmed, self._failed)

    def _confirmed(self, confirmation: object) -> None:
        first = self._queue.popleft()
        self._under_way = False
        connector = self._charge_point.connectors[first.transaction.connector]
        if isinstance(confirmation, StartTransactionConf):
            first.transaction.id = self._charge_point.faults.transaction_id(confirmation.transaction_id)
            connector.start_confirmed(first.transaction, confirmation)
        elif isinstance(confirmation, StopTransactionConf) and isinstance(first.request, StopTransactionReq):
            connector.stop_confirmed(first.transaction, first.request.id_tag, confirmation)
        self._next()

    def _failed(self, reason: str) -> None:
        """C 3.7.1: only a failure to process counts as an attempt; a lost connection does not."""
        self._under_way = False
        charge_point = self._charge_point
        if not charge_point.online:
            return
        first = self._queue[0]
        first.failures += 1
        if first.failures >= charge_point.configuration.integer("TransactionMessageAttempts"):
            self._queue.popleft()
            if isinstance(first.request, StartTransactionReq):
                first.transaction.id = UNKNOWN_ID
            charge_point.tell(
                "given_up", first.transaction.connector, action=_action_of_transaction(first.request), reason=reason
            )
            self._next()
            return
        wait = charge_point.configuration.integer("TransactionMessageRetryInterval") * first.failures
        charge_point.tell(
            "retries_later",
            first.transaction.connector,
            action=_action_of_transaction(first.request),
            seconds=wait,
            reason=reason,
        )
        charge_point.timers.at("retry", charge_point.now + wait * 1000, self.deliver)
        charge_point.backlog_settled()

    def _next(self) -> None:
        if self._queue:
            self.deliver()
        else:
            self._charge_point.backlog_settled()


def _action_of_transaction(request: TransactionRequest) -> str:
    return type(request).__name__.removesuffix("Req")
