"""What was taken of the readings of a transaction, from the rows that were kept. This is most of what a start does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from csmsd.profiles.core.metering import MeterReading, Taken, metered_again
from csmsd.store.tables import SqlValue

# SQLite is not asked for the order of arrival: it would copy all of them to sort what nearly is in it.
_ROWS = "SELECT id, connector, time, text, shape, samples FROM meter_value WHERE transaction_id=?"
_SHAPE = "SELECT shape FROM meter_shape WHERE id=?"

Query = Callable[[str, Sequence[SqlValue]], Iterable[Sequence[Any]]]


def takings_of_transaction(query: Query, charge_point: str, transaction_id: int) -> Iterator[Taken]:
    """In the order of arrival."""
    shapes: dict[int, str | None] = {0: None}
    for _, connector, time, text, number, samples in sorted(query(_ROWS, (transaction_id,)), key=itemgetter(0)):
        if number not in shapes:
            (shapes[number],) = next(iter(query(_SHAPE, (number,))), (None,))
        row = MeterReading(
            charge_point=charge_point,
            connector=connector,
            transaction_id=transaction_id,
            time=time,
            text=text,
            shape=number,
            samples=samples,
        )
        yield metered_again(shapes[number], row)
