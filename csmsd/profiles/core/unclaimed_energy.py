"""Energy that registers tell of and no transaction has: its start was lost, or never told. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from csmsd.profiles.core.energy.plain import UNKNOWN_CONNECTOR_W, plain_reach
from csmsd.profiles.record import Milliseconds

# What a charge point itself takes between two readings, and what rounding makes, is none.
LEAST_WH = 100.0


class Read(NamedTuple):
    """A register at the outlet, in Wh, that was read outside of every transaction."""

    charge_point: str
    connector: int
    time: Milliseconds
    wh: float


class Unclaimed(NamedTuple):
    """So many Wh flowed on a connector between two times."""

    charge_point: str
    connector: int
    since: Milliseconds
    until: Milliseconds
    energy_wh: int


Place = tuple[str, int]
Span = tuple[Milliseconds, Milliseconds]


def find_unclaimed_energy(readings: Iterable[Read], busy: Mapping[Place, Sequence[Span]]) -> list[Unclaimed]:
    """In the order of the readings, which are sorted by charge point, connector and time.

    Between two readings with a transaction in between (`busy`) the energy may be that transaction's. A register that
    goes back, or faster than any connector delivers, was set, and says nothing.
    """
    found: list[Unclaimed] = []
    before: Read | None = None
    begun: Read | None = None
    flowed = 0.0
    for read in readings:
        advance = _unclaimed_advance(before, read, busy)
        if before is not None and advance > 0:
            begun = begun or before
            flowed += advance
        elif begun is not None and before is not None:
            _add_unclaimed(found, begun, before, flowed)
            begun, flowed = None, 0.0
        before = read
    if begun is not None and before is not None:
        _add_unclaimed(found, begun, before, flowed)
    return found


def _unclaimed_advance(before: Read | None, read: Read, busy: Mapping[Place, Sequence[Span]]) -> float:
    if before is None or before[:2] != read[:2]:
        return 0.0
    if any(begin < read.time and end > before.time for begin, end in busy.get(read[:2], ())):
        return 0.0
    advance = read.wh - before.wh
    return advance if 0 < advance <= plain_reach(UNKNOWN_CONNECTOR_W, read.time - before.time) else 0.0


def _add_unclaimed(found: list[Unclaimed], begun: Read, ended: Read, flowed: float) -> None:
    if flowed >= LEAST_WH:
        found.append(Unclaimed(begun.charge_point, begun.connector, begun.time, ended.time, round(flowed)))
