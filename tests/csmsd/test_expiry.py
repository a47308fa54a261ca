"""Reservations end when their time is over, also when that cannot be stored at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from csmsd import expiry, live_site
from csmsd.events import EventBus
from csmsd.expiry import Expiry
from csmsd.live_site import LiveSite
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.record import Event
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.site import Site
from csmsd.store.database import prepare
from csmsd.store.loader import load
from csmsd.store.writer import Writer

SOON, LATER = 1000, 2000


class Reserved:
    """Two reservations of a charge point, on disk and in memory; the clock stands at `now`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0
        self.told: list[tuple[str, object]] = []
        self.writer = Writer(path, recover=lambda: self.live.recover())
        self.bus = EventBus(last=0, clock=lambda: self.now, keep=lambda event: None)
        self.live = LiveSite(self.writer, self.bus, lambda: self.now, lambda: load(path, Site()))
        self.expiry = Expiry(self.live)

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=10)) as other:
            other.execute(statement)

    @property
    def states(self) -> list[str]:
        return [known.state for number in (1, 2) if (known := self.live.site.reservations.get("CP1", number))]


@pytest.fixture
async def reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reserved]:
    monkeypatch.setattr(live_site, "_RETRY_SECONDS", 0)
    prepare(tmp_path / "csms.db")
    made = Reserved(tmp_path / "csms.db")
    await made.live.open()
    await made.writer.open()
    await made.writer.commit(
        [
            ChargePoint(id="CP1", registered_at=0),
            *(
                Reservation(
                    id=number, charge_point="CP1", connector=number, id_tag="A", state="reserved",
                    created_at=0, expires_at=expires_at,
                )
                for number, expires_at in ((1, SOON), (2, LATER))
            ),
        ]
    )  # fmt: skip
    await made.live.recover()

    def note(event: Event) -> None:
        made.told.append((event.type, event.data["reservation"]))

    made.bus.subscribe(note)  # type: ignore[arg-type]
    yield made
    await made.writer.close()


async def test_a_reservation_ends_in_the_millisecond_in_which_its_time_is_over(reserved: Reserved) -> None:
    reserved.now = SOON - 1
    await reserved.expiry.expire()
    assert (reserved.states, reserved.told) == (["reserved", "reserved"], [])
    reserved.now = SOON
    await reserved.expiry.expire()
    assert reserved.states[-1] == "reserved"
    assert reserved.told == [("reservation.expired", 1)]


async def test_what_cannot_be_stored_is_told_to_nobody_and_found_again(
    reserved: Reserved, caplog: pytest.LogCaptureFixture
) -> None:
    reserved.execute("CREATE TRIGGER picky BEFORE INSERT ON reservation BEGIN SELECT RAISE(ABORT, 'not this one'); END")
    reserved.now = SOON
    await reserved.expiry.expire()
    assert "the end of reservations could not be stored: " in caplog.text
    assert reserved.told == []
    assert reserved.live.site.reservations.next_expiry() == SOON, "memory is as the disk is"

    reserved.execute("DROP TRIGGER picky")
    await reserved.expiry.expire()
    assert reserved.told == [("reservation.expired", 1)]
    assert reserved.live.site.reservations.next_expiry() == LATER


async def test_while_nothing_can_be_stored_nothing_ends(reserved: Reserved, caplog: pytest.LogCaptureFixture) -> None:
    reserved.writer.accepting = False
    reserved.now = LATER
    await reserved.expiry.expire()
    assert (reserved.states, reserved.told, caplog.text) == (["reserved", "reserved"], [], "")
    assert reserved.live.site.reservations.next_expiry() == SOON
    reserved.writer.accepting = True
    await reserved.expiry.expire()
    assert reserved.told == [("reservation.expired", 1), ("reservation.expired", 2)]


async def test_it_goes_on_by_itself(reserved: Reserved) -> None:
    """The next end is waited for, and no longer than until then."""
    running = asyncio.create_task(reserved.expiry.run())
    reserved.now = LATER
    ended = asyncio.Event()
    reserved.bus.subscribe(lambda event: ended.set())
    await asyncio.wait_for(ended.wait(), 30)
    await reserved.writer.flush()
    running.cancel()
    assert reserved.told == [("reservation.expired", 1), ("reservation.expired", 2)]


async def test_the_next_end_is_waited_for_and_no_longer(reserved: Reserved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_LONGEST_SLEEP_SECONDS", 3600.0)
    reserved.now = SOON - 50
    ended = asyncio.Event()
    reserved.bus.subscribe(lambda event: ended.set())
    running = asyncio.create_task(reserved.expiry.run())
    await asyncio.sleep(0)  # it has looked, and sleeps until there is something to end
    reserved.now = SOON
    await asyncio.wait_for(ended.wait(), 10)
    running.cancel()
    assert reserved.told == [("reservation.expired", 1)]
