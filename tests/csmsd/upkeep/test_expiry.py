"""Reservations end when their time is over, also when that cannot be stored at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from csmsd import live_site
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.upkeep import expiry
from csmsd.upkeep.expiry import Expiry
from tests.csmsd.stored_site import StoredSite, new_file, opened

SOON, LATER = 1000, 2000


class Reserved(StoredSite):
    """Two reservations of a charge point, on disk and in memory; the clock stands at `now`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda: self.now)
        self.now = 0
        self.expiry = Expiry(self.live)

    @property
    def ends(self) -> list[tuple[str, object]]:
        """What was told."""
        return [(event.type, event.data["reservation"]) for event in self.told]

    @property
    def states(self) -> list[str]:
        return [known.state for number in (1, 2) if (known := self.live.site.reservations.get("CP1", number))]


@pytest.fixture
async def reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reserved]:
    monkeypatch.setattr(live_site, "_RETRY_SECONDS", 0)
    async with opened(Reserved(new_file(tmp_path))) as made:
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
        yield made


async def test_a_reservation_ends_in_the_millisecond_in_which_its_time_is_over(reserved: Reserved) -> None:
    reserved.now = SOON - 1
    await reserved.expiry.expire()
    assert (reserved.states, reserved.ends) == (["reserved", "reserved"], [])
    reserved.now = SOON
    await reserved.expiry.expire()
    assert reserved.states[-1] == "reserved"
    assert reserved.ends == [("reservation.expired", 1)]


async def test_what_cannot_be_stored_is_told_to_nobody_and_found_again(
    reserved: Reserved, caplog: pytest.LogCaptureFixture
) -> None:
    reserved.execute("CREATE TRIGGER picky BEFORE INSERT ON reservation BEGIN SELECT RAISE(ABORT, 'not this one'); END")
    reserved.now = SOON
    await reserved.expiry.expire()
    assert "the end of reservations could not be stored: " in caplog.text
    assert reserved.ends == []
    assert reserved.live.site.reservations.next_expiry() == SOON, "memory is as the disk is"

    reserved.execute("DROP TRIGGER picky")
    await reserved.expiry.expire()
    assert reserved.ends == [("reservation.expired", 1)]
    assert reserved.live.site.reservations.next_expiry() == LATER


async def test_while_nothing_can_be_stored_nothing_ends(reserved: Reserved, caplog: pytest.LogCaptureFixture) -> None:
    reserved.writer.accepting = False
    reserved.now = LATER
    await reserved.expiry.expire()
    assert (reserved.states, reserved.ends, caplog.text) == (["reserved", "reserved"], [], "")
    assert reserved.live.site.reservations.next_expiry() == SOON
    reserved.writer.accepting = True
    await reserved.expiry.expire()
    assert reserved.ends == [("reservation.expired", 1), ("reservation.expired", 2)]


async def test_it_goes_on_by_itself(reserved: Reserved) -> None:
    """The next end is waited for, and no longer than until then."""
    running = asyncio.create_task(reserved.expiry.run())
    reserved.now = LATER
    ended = asyncio.Event()
    reserved.bus.subscribe(lambda event: ended.set())
    await asyncio.wait_for(ended.wait(), 30)
    await reserved.writer.flush()
    running.cancel()
    assert reserved.ends == [("reservation.expired", 1), ("reservation.expired", 2)]


async def test_the_next_end_is_waited_for_and_no_longer(reserved: Reserved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_LONGEST_SLEEP_SECONDS", 3600.0)
    far = 10_000_000
    await reserved.writer.commit(
        [Reservation(id=3, charge_point="CP1", connector=3, id_tag="A", state="reserved", created_at=0, expires_at=far)]
    )
    await reserved.live.recover()
    reserved.now = LATER
    await reserved.expiry.expire()
    reserved.now = far - 50
    ended = asyncio.Event()
    reserved.bus.subscribe(lambda event: ended.set())
    running = asyncio.create_task(reserved.expiry.run())
    await asyncio.sleep(0)  # it has looked, and sleeps until there is something to end
    reserved.now = far
    await asyncio.wait_for(ended.wait(), 30)
    running.cancel()
    assert reserved.ends[-1] == ("reservation.expired", 3)
