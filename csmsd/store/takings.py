"""What was taken of the readings of a transaction, from the rows that were kept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from csmsd.profiles.core.metering import MeterReading, Taken, metered_again
from csmsd.store.tables import table

_KIND = table(MeterReading)
# Of a transaction, in the order of arrival.
SELECT = (
    f"SELECT s.shape, {','.join(f'v.{name}' for name in _KIND.columns)} FROM meter_value v "
    "LEFT JOIN meter_shape s ON s.id = v.shape WHERE v.transaction_id=? ORDER BY v.id"
)


def takings_of_rows(rows: Iterable[Sequence[Any]]) -> Iterator[Taken]:
    """Of the rows that SELECT finds."""
    return (metered_again(shape, _KIND.record(row)) for shape, *row in rows)
