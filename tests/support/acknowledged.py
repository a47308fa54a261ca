"""What csmsd acknowledged, against what is in the books afterwards: nothing may be lost, and nothing doubled."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Acknowledged(NamedTuple):
    """A message that was answered with a CALLRESULT; `moment` is when, in whatever unit the test goes by."""

    moment: int
    charge_point: str
    action: str
    transaction_id: int
    started: str  # the time of the StartTransaction: which transaction it is for its charge point
    payload: dict[str, Any]


class TransactionFound(NamedTuple):
    """A transaction as the books have it."""

    id: int
    charge_point: str
    started: str | None  # as its charge point wrote it; None where that is not told
    state: str
    meter_start: int
    meter_stop: int | None
    energy: float | None


@dataclass
class BooksFound:
    """What is there; `readings` (transaction, value) is None where nobody told them."""

    transactions: list[TransactionFound]
    readings: Counter[tuple[int | None, str]] | None

    @classmethod
    def on_disk(cls, database: Path) -> "BooksFound":
        """Read past csmsd. Raises sqlite3.Error."""
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("BEGIN")
            rows = connection.execute(
                "SELECT id, charge_point, start_text, state, meter_start_wh, meter_stop_wh, energy_wh FROM transactions"
            )
            transactions = [TransactionFound(*row) for row in rows]
            readings = connection.execute("SELECT transaction_id, json_extract(samples, '$[0]') FROM meter_value")
            return cls(transactions, Counter((row[0], row[1]) for row in readings))

    @classmethod
    def told(cls, listed: list[dict[str, Any]]) -> "BooksFound":
        """What `csmsctl --json tx list` says; a start by a clock that is not believed is shown as of its arrival."""
        keys = ("state", "meter_start_wh", "meter_stop_wh", "energy_wh")
        return cls(
            [
                TransactionFound(known["id"], known["charge_point"], None, *(known[key] for key in keys))
                for known in listed
            ],
            None,
        )


class Comparison(NamedTuple):
    """What was lost (not there, or there with another figure) and what was doubled, a line each."""

    lost: list[str]
    doubled: list[str]


def compared(acknowledged: Iterable[Acknowledged], found: BooksFound) -> Comparison:
    """Looks for each of them; what is doubled is looked for at their charge points."""
    acknowledged = list(acknowledged)
    charge_points = {one.charge_point for one in acknowledged}
    lost: list[str] = []
    by_id = {known.id: known for known in found.transactions}
    for one in acknowledged:
        known = by_id.get(one.transaction_id)
        if known is None or known.charge_point != one.charge_point or known.started not in (None, one.started):
            lost.append(f"{one.charge_point}: {one.action} of {one.transaction_id}: there is {known}")
        elif not _is_kept(one, known, found):
            lost.append(f"{one.charge_point}: {one.action} {one.payload}: there is {known}")
    theirs = [known for known in found.transactions if known.charge_point in charge_points]
    counted = Counter((known.charge_point, known.started) for known in theirs if known.started is not None)
    doubled = [f"{times} transactions of {place}" for place, times in counted.items() if times > 1]
    numbers = {known.id for known in theirs}
    for (number, value), times in (found.readings or {}).items():
        if times > 1 and number in numbers:
            doubled.append(f"{times} readings of {value} in {number}")
    return Comparison(lost, doubled)


def _is_kept(one: Acknowledged, known: TransactionFound, found: BooksFound) -> bool:
    if one.action == "StartTransaction":
        return known.meter_start == one.payload["meterStart"]
    if one.action == "MeterValues":
        values = [sample["value"] for reading in one.payload["meterValue"] for sample in reading["sampledValue"]]
        return found.readings is None or all(found.readings[known.id, value] for value in values)
    used = one.payload["meterStop"] - known.meter_start
    return (known.state, known.meter_stop, known.energy) == ("stopped", one.payload["meterStop"], used)
