"""Messages that are logged together, packed into a block and compressed: half the work of a row each, and a fraction
of the room.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.record import Milliseconds

Direction = Literal["in", "out"]
Entry = tuple[int, Milliseconds, str, Direction, bytes]  # id, time, charge point, direction, text

# How a block is stored. The names stand before the messages, so that those of other charge points are not read.
TABLE = """
CREATE TABLE IF NOT EXISTS block (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    charge_points TEXT NOT NULL,
    messages BLOB NOT NULL
) STRICT;
"""
INSERT = "INSERT INTO block VALUES (?,?,?,?,?,?)"
Row = tuple[int, int, Milliseconds, Milliseconds, str, bytes]

_ENTRIES = 200
_BYTES = 256 * 1024  # of texts; a longer one is alone
_TOGETHER_MS = 60_000
_MOST_NAMED = 100  # in a condition
_LEVEL = 1  # of compression: higher ones take much longer and save little
_END = "\n"  # of a name: there is none in an identity
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Entry]).decode


def blocks(entries: Sequence[Entry]) -> Iterator[Row]:
    """Rows of the table, for messages in the order of their ids. What a jump of the clock parts is in two of them."""
    first = size = 0
    for place, (_, time, _, _, text) in enumerate(entries):
        full = place - first == _ENTRIES or size + len(text) > _BYTES
        if place > first and (full or abs(time - entries[first][1]) > _TOGETHER_MS):
            yield _block(entries[first:place])
            first, size = place, 0
        size += len(text)
    if entries:
        yield _block(entries[first:])


def _block(entries: Sequence[Entry]) -> Row:
    times = [entry[1] for entry in entries]
    names = "".join(f"{name}{_END}" for name in sorted({fold(entry[2]) for entry in entries}))
    packed = zlib.compress(_pack(entries), _LEVEL)
    return entries[0][0], entries[-1][0], min(times), max(times), f"{_END}{names}", packed


def naming(charge_points: Sequence[str]) -> tuple[str, list[str]]:
    """A condition for the blocks that have messages of one of these, with its parameters."""
    if len(charge_points) > _MOST_NAMED:  # they are in nearly all of them
        return "TRUE", []
    condition = " OR ".join(["instr(charge_points, ?)"] * len(charge_points))
    return f"({condition or 'FALSE'})", [f"{_END}{fold(name)}{_END}" for name in charge_points]


def entries_of(packed: bytes) -> list[Entry] | None:
    """The messages of a block, the oldest first; None of one that a power cut has torn."""
    try:
        return _unpack(zlib.decompress(packed))
    except (zlib.error, msgspec.DecodeError, TypeError):
        return None


class Wanted:
    """Which messages somebody asks for."""

    def __init__(
        self,
        charge_points: Sequence[str] | None,
        since: Milliseconds | None,
        until: Milliseconds | None,
        before_id: int | None,
        after_id: int | None,
    ) -> None:
        self._charge_points = charge_points
        self._names = None if charge_points is None else frozenset(map(fold, charge_points))
        self._since, self._until = since, until
        self._before_id, self._after_id = before_id, after_id

    def of_blocks(self, seen: int | None, *, oldest: bool) -> tuple[str, list[int | str]]:
        """The condition for the blocks beyond the one that was seen that may hold some."""
        comparisons: dict[str, int | None] = {
            "last_time>=?": self._since,
            "first_time<?": self._until,
            "first<?": self._before_id,
            "last>?": self._after_id,
            ("first>?" if oldest else "? > first"): seen,
        }
        parts = [comparison for comparison, value in comparisons.items() if value is not None]
        parameters: list[int | str] = [value for value in comparisons.values() if value is not None]
        if self._charge_points is not None:
            condition, names = naming(self._charge_points)
            parts.append(condition)
            parameters += names
        return (f"WHERE {' AND '.join(parts)}" if parts else ""), parameters

    def among(self, packed: Sequence[bytes], *, oldest: bool) -> tuple[list[Entry], list[int]]:
        """Those that are in the blocks, in the order of the blocks: the oldest first, or the newest; and the places of
        those that cannot be read.
        """
        found: list[Entry] = []
        torn: list[int] = []
        for place, block in enumerate(packed):
            entries = entries_of(block)
            if entries is None:
                torn.append(place)
                continue
            here = [entry for entry in entries if self._has(entry)]
            found += here if oldest else here[::-1]
        return found, torn

    def _has(self, entry: Entry) -> bool:
        number, time, charge_point, *_ = entry
        return (
            (self._names is None or fold(charge_point) in self._names)
            and (self._since is None or time >= self._since)
            and (self._until is None or time < self._until)
            and (self._before_id is None or number < self._before_id)
            and (self._after_id is None or number > self._after_id)
        )
