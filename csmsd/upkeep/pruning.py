"""Lets go of what is older than the settings want it kept: in small commits, with pauses, so that nobody waits."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import get_args

import msgspec

from csmsd.live_site import LiveSite
from csmsd.ports.files import FileStore
from csmsd.ports.pruning import Prunable, PruneBatch, PruneKind, Shrinker
from csmsd.ports.store import NotStored, Removal
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Deleted, Milliseconds
from csmsd.settings.sections import Retention

log = logging.getLogger(__name__)

KINDS: tuple[PruneKind, ...] = get_args(PruneKind)

_DAY_MS = 86_400_000
_LONGEST_SLEEP_SECONDS = 5.0  # so that a clock that is set, and changed settings, are noticed
_REST = 3  # a pause is so many times as long as the work before it
_SHRUNK_AT_ONCE = 100  # pages: commits wait for some milliseconds
_KEPT_FREE = 10  # a tenth of the file stays free: it is written to again tomorrow


class Plan(msgspec.Struct):
    """What of a kind may go: rows that are older than `before`, and how many are kept since nobody has them yet."""

    kind: PruneKind
    before: Milliseconds
    rows: int
    kept_unexported: int = 0


class Pruner:
    """Prunes when it is asked to, and every night. One pass at a time."""

    def __init__(
        self,
        live: LiveSite,
        store: Shrinker,
        prunable: Prunable,
        files: FileStore,
        settings: Retention,
        patience: Callable[[], Milliseconds],
    ) -> None:
        """`patience`: for how many ms nothing may be pruned, since the clock has jumped."""
        self.patience = patience
        self._live = live
        self._store = store
        self._prunable = prunable
        self._files = files
        self._settings = settings  # a reload changes it in place
        self._lock = asyncio.Lock()
        self._left_off: dict[tuple[PruneKind, Milliseconds], int] = {}  # a pass whose time was up: behind which id

    @property
    def busy(self) -> bool:
        """Whether a pass is under way."""
        return self._lock.locked()

    # --- what there is to do

    def days(self, kind: PruneKind) -> int:
        """How long the settings want a kind kept; 0 is for ever."""
        return int(getattr(self._settings, f"{kind}_days"))

    async def plan(self, kind: PruneKind, days: int) -> Plan:
        """What would go if nothing but the last `days` days of a kind were kept."""
        now, exported = self._live.now(), self._exported()
        before = now - days * _DAY_MS
        last_booking = await self._last_booking_to_go(before)
        return Plan(kind, before, *await self._prunable.count(kind, before, exported, now, last_booking))

    def _exported(self) -> int:
        """The last booking that may go."""
        milestone = self._live.site.milestones.get("export")
        if not self._settings.keep_unexported:
            return 2**63 - 1
        return milestone.number if milestone is not None else 0

    # --- doing it

    async def prune(self, kind: PruneKind, before: Milliseconds, seconds: float | None) -> tuple[int, bool]:
        """Removes rows for about so long (None: to the end). Returns how many, and whether there may be more.

        It breaks off when the clock jumps: what comes then might look as old as what is to go. Raises NotStored.
        """
        # Where many are kept, a round after the other would look at the same ones and come no further.
        removed, after = 0, self._left_off.pop((kind, before), 0)
        async with self._lock:
            last_booking = await self._last_booking_to_go(before)
            begun = monotonic()
            while seconds is None or monotonic() - begun < seconds:
                now = self._live.now()  # before it is asked whether that can be relied on
                if self.patience():
                    break
                batch_begun = monotonic()
                if kind == "reservations":
                    count, last = await self._reservations(before)
                else:
                    count, last = await self._batch(kind, before, after, last_booking, now)
                if last is None:
                    return removed, False
                removed, after = removed + count, last
                await asyncio.sleep(_REST * (monotonic() - batch_begun))
            self._left_off = {(kind, before): after}
        return removed, True

    async def _last_booking_to_go(self, before: Milliseconds) -> int:
        """Of what is exported, all before the first that is new: what was booked later only bears a wrong time."""
        first = await self._prunable.first_booking_within(before, self._live.now())
        return self._exported() if first is None else min(self._exported(), first - 1)

    async def _batch(
        self, kind: PruneKind, before: Milliseconds, after: int, last_booking: int, now: Milliseconds
    ) -> tuple[int, int | None]:
        """(how many went, where to go on)."""
        # The readings of one that is new stay, whatever its charge point's clock told of them.
        exported = last_booking if kind in ("transactions", "meter_values") else self._exported()
        batch = await self._prunable.next(kind, before, exported, after, now)
        if batch is None:
            return 0, None
        if kind == "transactions":
            await self._transactions(batch)
        elif kind == "diagnostics":
            await self._diagnostics(batch)
        elif batch.ids:
            self._forget(kind, batch.ids)
            await self._live.remove([Removal(batch.kind, "id", batch.ids)])
        return len(batch.ids), batch.last

    async def _transactions(self, batch: PruneBatch) -> None:
        """Their meter values first, as many commits as it takes; then they themselves."""
        while readings := await self._prunable.readings_of(batch.ids):
            begun = monotonic()
            await self._live.remove([Removal(MeterReading, "id", readings)])
            await asyncio.sleep(_REST * (monotonic() - begun))
        # Nothing may be booked on them from here on: out of memory, and in the same breath off to the writer. What
        # came in a moment ago goes with them.
        self._live.require()
        self._forget_transactions(batch.ids)
        await self._live.remove(
            [Removal(MeterReading, "transaction_id", batch.ids), Removal(batch.kind, "id", batch.ids)]
        )
        self._forget_transactions(batch.ids)  # what was looked up a moment before it went

    def _forget_transactions(self, numbers: Sequence[int]) -> None:
        for state in self._live.site.charge_points.values():
            for number in numbers:
                state.transactions.forget(number)

    async def _diagnostics(self, batch: PruneBatch) -> None:
        """The files when their records are gone: one that is left over is removed at the next start."""
        uploads = self._live.site.firmware.uploads
        known = [upload for number in batch.ids if (upload := uploads.get(number)) is not None]
        stored = [upload.stored for upload in known if upload.stored is not None]
        self._forget("diagnostics", batch.ids)
        await self._live.remove([Removal(batch.kind, "id", batch.ids)])
        for name in stored:
            await asyncio.to_thread(self._files.remove, "diagnostics", name)

    async def _reservations(self, before: Milliseconds) -> tuple[int, int | None]:
        book = self._live.site.reservations
        found = await self._prunable.reservations(before)
        # An id may be in use again since it was looked for.
        gone = [old for old in found if (known := book.get(old.charge_point, old.id)) is None or not known.active]
        if not gone:
            return 0, None
        self._live.require()
        for reservation in gone:
            book.drop(reservation)
        await self._live.keep([Deleted(reservation) for reservation in gone])
        return len(gone), 0

    def _forget(self, kind: PruneKind, ids: list[int]) -> None:
        """What of them is in memory, in the same breath in which they go to the writer. Raises NotStored."""
        self._live.require()
        if kind == "quarantine":
            self._forget_orphans(set(ids))
        if kind == "security_events":
            self._live.site.security.events.forget(set(ids))
        firmware = self._live.site.firmware
        for number in ids:
            if kind == "firmware_updates" and (update := firmware.updates.get(number)) is not None:
                firmware.updates.forget(update)
            elif kind == "diagnostics" and (upload := firmware.uploads.get(number)) is not None:
                firmware.uploads.forget(upload)

    def _forget_orphans(self, gone: set[int]) -> None:
        for state in self._live.site.charge_points.values():
            for number in [orphan.number for orphan in state.orphans if orphan.number in gone]:
                state.orphans.settle(number)

    async def shrink(self, seconds: float | None) -> bool:
        """Gives free pages back to the disk for about so long. Returns whether there are more to give.

        Raises NotStored.
        """
        begun = monotonic()
        async with self._lock:
            while seconds is None or monotonic() - begun < seconds:
                free, pages = await self._prunable.free_pages()
                if free <= pages // _KEPT_FREE:
                    return False
                step_begun = monotonic()
                await self._store.shrink(min(_SHRUNK_AT_ONCE, free - pages // _KEPT_FREE))
                if (await self._prunable.free_pages())[0] >= free:
                    return False  # somebody reads the old pages
                await asyncio.sleep(_REST * (monotonic() - step_begun))
        return True

    async def note(self, removed: int, user: str | None) -> None:
        """Keeps when something was pruned, how much, and by whom. Raises NotStored."""
        self._live.require()
        milestone = Milestone(name="prune", at=self._live.now(), number=removed, user=user)
        self._live.site.milestones["prune"] = milestone
        await self._live.keep([milestone])

    # --- every night

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self._wait_for_the_night()
            try:
                await self.prune_all()
            except NotStored as error:
                log.error("pruning was broken off: %s", error)
            except Exception:  # one bad night must not end all others
                log.exception("pruning failed")

    async def prune_all(self) -> None:
        """What the settings want gone."""
        removed: dict[str, int] = {}
        for kind in KINDS:
            now = self._live.now()  # before it is asked whether that can be relied on
            if self.patience():
                log.warning("nothing is pruned: the clock has jumped within a day")
                break
            if days := self.days(kind):
                removed[kind], _ = await self.prune(kind, now - days * _DAY_MS, None)
        if not removed:
            return
        await self.shrink(None)
        await self.note(sum(removed.values()), None)
        log.info("pruned: %s", ", ".join(f"{count} {kind}" for kind, count in removed.items()))

    async def _wait_for_the_night(self) -> None:
        begun = datetime.fromtimestamp(self._live.now() / 1000)
        while True:
            now = datetime.fromtimestamp(self._live.now() / 1000)
            begun = min(begun, now)  # a clock that was put back must not have to come that far again
            hour, minute = map(int, self._settings.at.split(":"))
            due = begun.replace(hour=hour, minute=minute, second=0, microsecond=0)
            if due <= begun:
                due += timedelta(days=1)
            if now >= due:
                return
            await asyncio.sleep(min(_LONGEST_SLEEP_SECONDS, (due - now).total_seconds()))
