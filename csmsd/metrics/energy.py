"""Energy as a counter: what was charged since csmsd started, never less than it was a moment ago."""

from collections.abc import Callable

from csmsd.events import NumberedEvent
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import EventType
from csmsd.profiles.site import Site

ENDS: tuple[EventType, ...] = ("transaction.stopped", "transaction.closed", "transaction.abandoned")


class EnergyCounter:
    """Wh by charge point. Running transactions are looked at when somebody asks, others once when they end."""

    def __init__(self, site: Callable[[], Site]) -> None:
        self._site = site
        self._counted: dict[int, int] = {}  # Wh by the transaction's id: all that may still have more to come
        self._totals: dict[str, int] = {}
        self._before = site().last_transaction_id
        self.begin()

    def begin(self) -> None:
        """Takes down where all stand that are measured as far as they had come before csmsd started."""
        for state in self._site().charge_points.values():
            for transaction in state.transactions.unfinished():
                if transaction.id not in state.transactions.unmeasured:
                    self._counted.setdefault(transaction.id, state.energy_wh(transaction))

    def told(self, event: NumberedEvent) -> None:
        """Takes the events that tell the end of a transaction."""
        state = self._site().charge_point(event.charge_point or "")
        number = event.data.get("transaction")
        transaction = state.transactions.get(number) if state is not None and isinstance(number, int) else None
        if state is None or transaction is None:
            return
        self._count(state, transaction)
        if transaction.state != "abandoned":  # which may be stopped yet
            self._counted.pop(transaction.id, None)

    def totals(self) -> dict[str, int]:
        """Wh by identity since the start; a charge point that was removed keeps what it had."""
        for state in self._site().charge_points.values():
            for transaction in state.transactions.active():
                if transaction.id not in state.transactions.unmeasured:
                    self._count(state, transaction)
        return self._totals

    def _count(self, state: ChargePointState, transaction: Transaction) -> None:
        energy = state.energy_wh(transaction)
        if transaction.id <= self._before:  # where it stood when csmsd started nobody has looked up
            self._counted.setdefault(transaction.id, energy)
        more = energy - self._counted.get(transaction.id, 0)
        if more > 0:  # a reading that was taken back is not: a counter cannot go down
            self._totals[state.id] = self._totals.get(state.id, 0) + more
            self._counted[transaction.id] = energy
