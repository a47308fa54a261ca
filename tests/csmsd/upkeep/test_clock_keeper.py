"""The last jump of the clock is kept with the site, and told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from csmsd.upkeep.clock_keeper import ClockKeeper
from tests.csmsd.runtime.clocks import HOUR, Clocks
from tests.csmsd.stored_site import StoredSite, new_file, opened


class Kept(StoredSite):
    """Its clocks are ours."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda: self.clocks.wall)
        self.clocks = Clocks()
        self.seen: list[tuple[int, bool]] = []  # the wall clock, and whether the jump was with the site by then
        self.keeper = ClockKeeper(self.clocks.watch, self.live, self.see)

    async def see(self) -> None:
        self.seen.append((self.clocks.wall, bool(self.told)))


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with opened(Kept(new_file(tmp_path))) as made:
        yield made


async def test_a_jump_is_kept_and_told_once(kept: Kept) -> None:
    await kept.keeper.keep_jump()
    assert kept.told == []
    kept.clocks.set(-2 * HOUR)
    await kept.keeper.keep_jump()
    await kept.keeper.keep_jump()
    assert [(event.type, event.data) for event in kept.told] == [("daemon.clock_jumped", {"by_s": -7200})]
    assert kept.seen == [(kept.clocks.wall, True)]
    await kept.live.open()
    assert kept.live.site.milestones["clock_jump"] == kept.clocks.watch.jump


async def test_a_jump_while_nothing_can_be_stored_is_kept_later(kept: Kept) -> None:
    kept.clocks.set(HOUR)
    kept.writer.accepting = False
    await kept.keeper.keep_jump()
    assert (kept.told, kept.seen) == ([], []), "killed now, the next csmsd finds out by itself"
    kept.writer.accepting = True
    await kept.keeper.keep_jump()
    assert [event.type for event in kept.told] == ["daemon.clock_jumped"]
