"""A disk of which one csmsd alone is told what it wants to hear: writes fail, fsync is slow, and all is noted down."""

import mmap
import struct
from pathlib import Path

from tests.support.shim import built

_FAILING_IN, _TIMES, _ERROR, _FAILED, _DELAY, _NOTED = range(0, 48, 8)  # where they are in `struct orders`
FOR_EVER = -1


class WatchedDisk:
    """`variables` go into the environment of the csmsd whose state directory it is; with `journal` it notes down."""

    def __init__(self, directory: Path, state: Path, *, journal: bool = False) -> None:
        orders = directory / "disk_orders"
        orders.write_bytes(bytes(48))
        with orders.open("r+b") as file:
            self._orders = mmap.mmap(file.fileno(), 48)
        self.journal = directory / "disk_journal"
        self.variables = {
            "LD_PRELOAD": str(built("disk_shim", directory)),
            "DISK_ORDERS": str(orders),
            "DISK_DIRECTORY": str(state),
        }
        if journal:
            self.variables["DISK_JOURNAL"] = str(self.journal)

    def fail(self, number: int, error: int, *, times: int = 1) -> None:
        """The so-manieth writing operation on the database from now fails, and those after it: `times` in all."""
        self._set(_FAILING_IN, 0)  # while the others change
        self._set(_TIMES, times)
        self._set(_ERROR, error)
        self._set(_FAILING_IN, number)

    def heal(self) -> None:
        self._set(_FAILING_IN, 0)

    def slow_down(self, seconds: float) -> None:
        """Each fsync takes so much longer."""
        self._set(_DELAY, int(seconds * 1e6))

    @property
    def failed(self) -> int:
        """How many operations have failed by order."""
        return self._get(_FAILED)

    def noted(self) -> int:
        """How long the journal is: what is before it was done."""
        return self._get(_NOTED)

    def _get(self, place: int) -> int:
        return int(struct.unpack_from("=q", self._orders, place)[0])

    def _set(self, place: int, value: int) -> None:
        struct.pack_into("=q", self._orders, place, value)
