"""What a campaign found: its last lines, and whether anything was lost."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from tests.support.acknowledged import Acknowledged, BooksFound, compared
from tests.support.books import Fleet
from tests.support.site import Site

_SHOWN = 20  # of what was lost, in full


@dataclass
class Campaign:
    """Faults are tried, and after each the books are compared; `chance` is what makes a run repeatable."""

    chance: random.Random
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # of every csmsd
    source: Path | None = None  # of a csmsd other than this one
    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # promises other than these two
    measured: list[str] = field(default_factory=list)
    loaded_seconds: float = 0  # in which charge points sent as fast as they were answered, starts of csmsd included
    loaded: int = 0  # acknowledged messages in that time

    @asynccontextmanager
    async def site(self, settings: dict[str, dict[str, Any]] | None = None, **attributes: Any) -> AsyncIterator[Site]:
        """A running csmsd on an empty directory."""
        made = Site(self.settings | (settings or {}))
        made.source = self.source or made.source
        for name, value in attributes.items():
            setattr(made, name, value)
        try:
            yield made
        finally:
            said: list[str] = []
            made.tell = said.append  # it is of interest where something is wrong
            try:
                await made.close()
            except BaseException:
                print(*said, flush=True)
                raise

    @asynccontextmanager
    async def fleet(self, site: Site, charge_points: int, *, pause: float = 0, **options: Any) -> AsyncIterator[Fleet]:
        """Charge points that load it; what was acknowledged to them in the end is counted."""
        fleet = Fleet(site, charge_points, pause=pause, **options)
        await fleet.join()
        begun = monotonic()
        try:
            yield fleet
        finally:
            await fleet.give_up()
            self.acknowledged += len(fleet.acknowledged)
            if not pause:
                self.loaded_seconds += monotonic() - begun
                self.loaded += len(fleet.acknowledged)
            for charge_point in fleet.charge_points:
                self.broken += charge_point.violations

    def compare(self, fault: str, acknowledged: Iterable[Acknowledged], found: BooksFound) -> None:
        """Notes what is not as it was acknowledged, under the name of the fault that it was after."""
        comparison = compared(acknowledged, found)
        self.lost += [f"after {fault}: {line}" for line in comparison.lost]
        self.doubled += [f"after {fault}: {line}" for line in comparison.doubled]

    async def compare_with_csmsctl(self, fault: str, acknowledged: list[Acknowledged], site: Site) -> None:
        """The same, by what operators are told."""
        listed = await site.json("tx", "list", "--limit", "0")
        self.compare(f"{fault}, by csmsctl", acknowledged, BooksFound.told(listed["transactions"]))

    def compare_with_disk(self, fault: str, fleet: Fleet, site: Site) -> None:
        acknowledged = fleet.acknowledged  # before the disk: what comes meanwhile is not looked for
        self.compare(fault, acknowledged, BooksFound.on_disk(site.database))

    def must(self, holds: bool, text: str) -> None:
        """Something else that was promised."""
        if not holds:
            self.broken.append(text)

    def lines(self) -> list[str]:
        """What to print at the end."""
        rate = self.loaded / self.loaded_seconds if self.loaded_seconds else 0
        found = []
        for title, lines in (("lost", self.lost), ("doubled", self.doubled), ("broken", self.broken)):
            found += [f"{title}: {line}" for line in lines[:_SHOWN]]
            found += [f"{title}: … and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        tried = ", ".join(f"{times} {name}" for name, times in self.faults.items())
        return [
            *found,
            *self.measured,
            f"load held: {rate:.0f} acknowledged messages a second, over {self.loaded_seconds:.0f} s",
            f"faults tried: {self.faults.total()} ({tried})",
            f"acknowledged: {self.acknowledged}",
            f"lost: {len(self.lost)}",
            f"doubled: {len(self.doubled)}",
            f"other promises broken: {len(self.broken)}",
        ]

    @property
    def exit_code(self) -> int:
        return 1 if self.lost or self.doubled or self.broken else 0
