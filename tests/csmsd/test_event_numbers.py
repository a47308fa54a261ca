"""No event number is given twice, whatever became of the log of events, of csmsd, or of the books."""

from pathlib import Path

import pytest

from csmsd.event_numbers import EventNumbers
from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.profiles.record import Event
from csmsd.profiles.site import Site
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import NOON


class Run:
    """From a start of csmsd to its end."""

    def __init__(self, path: Path) -> None:
        self.bus = EventBus(last=0, clock=lambda: NOON, keep=lambda event: None)
        self.writer = Writer(path, recover=lambda: self.live.recover())
        self.live = LiveSite(self.writer, self.bus, lambda: NOON, lambda: load_site(path, Site()))
        self.numbers = EventNumbers(self.bus, self.live)

    async def begin(self, last_logged: int, *, put_back: bool = False) -> int:
        """The number of its first event."""
        await self.live.open()
        await self.writer.open()
        await self.numbers.begin(last_logged, put_back=put_back)
        return self.tell()

    def tell(self, events: int = 1) -> int:
        for _ in range(events):
            self.bus.publish(Event("tag.changed", None, {}))
        return self.bus.last

    async def end(self, *, cleanly: bool = True) -> None:
        if cleanly:
            await self.numbers.end()
        await self.writer.close()


@pytest.fixture
def books(tmp_path: Path) -> Path:
    path = tmp_path / "csms.db"
    prepare_database(path)
    return path


async def test_after_a_clean_stop_they_go_on_where_they_were(books: Path) -> None:
    run = Run(books)
    assert await run.begin(0) == 1
    last = run.tell(41)
    await run.end()

    run = Run(books)
    assert await run.begin(last) == last + 1
    await run.end()


@pytest.mark.parametrize("logged", [0, 30])
async def test_what_the_log_lost_is_not_told_under_the_same_number(books: Path, logged: int) -> None:
    run = Run(books)
    await run.begin(0)
    last = run.tell(40_000)
    await run.end(cleanly=False)

    run = Run(books)
    assert await run.begin(logged) > last
    await run.end()


async def test_the_mark_is_moved_before_it_is_reached(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csmsd.event_numbers._AHEAD", 100)
    run = Run(books)
    await run.begin(0)
    for _ in range(10):
        last = run.tell(40)
        await run.numbers.look()
    await run.end(cleanly=False)

    run = Run(books)
    assert await run.begin(0) > last
    await run.end()


async def test_an_older_csmsd_has_left_no_mark(books: Path) -> None:
    run = Run(books)
    assert await run.begin(5_000) > 15_000
    await run.end()


async def test_books_that_were_put_back_go_on_far_beyond_their_mark(books: Path) -> None:
    run = Run(books)
    await run.begin(0)
    await run.end()

    run = Run(books)
    assert await run.begin(0, put_back=True) > 10**11
    await run.end()
    assert run.bus.last < 2**53
