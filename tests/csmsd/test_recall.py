"""What memory has let go of is looked up as it was left, also when that is still on its way to the disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.core.transactions import Wanted
from csmsd.profiles.site import Site
from csmsd.recall import Recall
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.past import Past
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import NOON
from tests.csmsd.store.test_loader import transaction


class Remembering:
    """CP1 with transaction 7, which runs, on a file of its own."""

    def __init__(self, path: Path) -> None:
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOON, keep=lambda event: None)
        self.live = LiveSite(self.writer, bus, lambda: NOON, lambda: load_site(path, Site()))
        self.past = Past(path)
        self.recall = Recall(self.live, self.past)


@pytest.fixture
async def remembering(tmp_path: Path) -> AsyncIterator[Remembering]:
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = Remembering(path)
    await made.writer.open()
    await made.past.open()
    await made.live.keep([ChargePoint(id="CP1", registered_at=NOON), transaction(7)])
    await made.live.open()
    yield made
    await made.past.close()
    await made.writer.close()


async def test_what_is_on_its_way_to_the_disk_is_waited_for(remembering: Remembering) -> None:
    book = remembering.live.site.charge_points["cp1"].transactions
    running = book.get(7)
    assert running is not None
    running.state, running.meter_stop_wh = "stopped", 4321
    book.update(running)
    remembering.live.submit([running], lambda error: None)
    book.forget(7)
    assert book.get(7) is None

    await remembering.recall("CP1", Wanted(ids=(7,)))
    found = book.get(7)
    assert found is not None
    assert (found.state, found.meter_stop_wh) == ("stopped", 4321)


async def test_what_cannot_be_stored_cannot_be_looked_up(remembering: Remembering) -> None:
    """What memory would be told might never have happened."""
    await remembering.writer.close()
    with pytest.raises(NotStored):
        await remembering.recall("CP1", Wanted(ids=(7,)))
