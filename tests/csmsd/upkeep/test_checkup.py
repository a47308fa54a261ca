"""The nightly look through the database: when it is due, and what becomes of what it finds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from csmsd.control.problems.site import problems_of_site
from csmsd.settings.sections import Retention
from csmsd.store.database import damage, prepare_database
from csmsd.upkeep import checkup
from csmsd.upkeep.checkup import Checkup
from tests.csmsd.stored_site import StoredSite, new_file, opened


class Looked(StoredSite):
    """The clock stands at `now`; `found` is what is damaged in the database."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda: self.now)
        self.at(3, 30)
        self.found: str | None = None
        self.looks = 0
        self.checkup = Checkup(self.live, self._look, Retention(at="03:30"))

    def _look(self) -> str | None:
        self.looks += 1
        return self.found

    def at(self, hour: int, minute: int, day: int = 2) -> None:
        self.now = int(datetime(2026, 3, day, hour, minute).timestamp() * 1000)

    @property
    def problems(self) -> list[str]:
        return [problem.kind for problem in problems_of_site(self.live.site, None, self.now)]


@pytest.fixture
async def looked(tmp_path: Path) -> AsyncIterator[Looked]:
    async with opened(Looked(new_file(tmp_path))) as made:
        yield made


async def test_it_is_due_once_a_night(looked: Looked) -> None:
    due = {}
    for hour, minute in ((3, 29), (3, 30), (4, 29), (4, 30), (15, 30)):
        looked.at(hour, minute)
        due[hour, minute] = looked.checkup.is_due()
    assert due == {(3, 29): False, (3, 30): True, (4, 29): True, (4, 30): False, (15, 30): False}
    looked.at(3, 45)
    await looked.checkup.look()
    assert not looked.checkup.is_due()
    looked.at(3, 45, day=3)
    assert looked.checkup.is_due()


async def test_damage_is_told_and_a_problem_until_a_night_finds_none(looked: Looked) -> None:
    await looked.checkup.look()
    assert (looked.told, looked.problems) == ([], [])
    looked.found = "row 7 missing from index"
    await looked.checkup.look()
    assert [(event.type, event.data) for event in looked.told] == [("store.damaged", {"error": looked.found})]
    await looked.live.open()
    assert looked.problems == ["store_damaged"]
    looked.found = None
    await looked.checkup.look()
    assert looked.problems == []


async def test_it_looks_by_itself_once_a_night(looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_ROUND_SECONDS", 0.0)
    running = asyncio.create_task(looked.checkup.run())
    for night in (2, 3):
        found = asyncio.Event()
        end = looked.bus.subscribe(lambda event, found=found: found.set())  # type: ignore[misc]
        looked.found = f"page {night}"
        looked.at(3, 45, day=night)
        await asyncio.wait_for(found.wait(), 10)
        end()
    running.cancel()
    assert [event.data for event in looked.told] == [{"error": "page 2"}, {"error": "page 3"}]
    assert looked.looks == 2


async def test_it_does_not_look_while_nothing_can_be_stored(looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "_ROUND_SECONDS", 0.0)
    looked.writer.accepting = False
    running = asyncio.create_task(looked.checkup.run())
    for _ in range(10):  # rounds
        await asyncio.sleep(0)
    looked.writer.accepting = True
    found = asyncio.Event()
    looked.found = "row 7"
    looked.bus.subscribe(lambda event: found.set())
    await asyncio.wait_for(found.wait(), 10)
    running.cancel()
    assert looked.looks == 1


async def test_what_a_start_owes_is_looked_at_soon_whatever_the_time(
    looked: Looked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "_AFTER_THE_START_SECONDS", 0.0)
    monkeypatch.setattr(checkup, "_ROUND_SECONDS", 3600.0)
    owed = ["a look"]

    def look() -> str:
        owed.clear()
        return "row 7"

    looked.at(15, 30)
    found = asyncio.Event()
    looked.bus.subscribe(lambda event: found.set())
    running = asyncio.create_task(Checkup(looked.live, look, Retention(at="03:30"), lambda: bool(owed)).run())
    await asyncio.wait_for(found.wait(), 10)
    running.cancel()
    assert [event.data for event in looked.told] == [{"error": "row 7"}]


def test_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)
    assert damage(path) is None
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = bytes(200)
    path.write_bytes(content)
    assert damage(path) is not None
