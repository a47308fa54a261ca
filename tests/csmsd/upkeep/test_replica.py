"""How far the copy off the box lies behind: what is missing in it, and since when."""

import os
from pathlib import Path

import pytest

from csmsd.control.problems.site import problems_of_site
from csmsd.profiles.site import Site
from csmsd.upkeep.replica import ReplicaWatch

MINUTE = 60_000
HOUR = 60 * MINUTE


class Box:
    """A database that was committed to, and a copy that was written to, at times that the test says."""

    def __init__(self, directory: Path) -> None:
        self.now = 1_772_366_400_000
        self.database = directory / "csms.db"
        self.wal = directory / "csms.db-wal"
        self.copy = directory / "replica"
        self.segments = 0
        for path in (self.database, self.wal):
            path.touch()
        self.commit()
        self.watch = ReplicaWatch(self.copy, self.database, lambda: self.now)

    def commit(self) -> None:
        self._at_this_moment(self.wal)

    def write(self) -> None:
        """The next piece of the log of commits, as Litestream names them."""
        directory = self.copy / "generations" / "0123456789abcdef" / "wal"
        directory.mkdir(parents=True, exist_ok=True)
        self.segments += 1
        segment = directory / f"00000000_{self.segments:08x}.wal.lz4"
        segment.touch()
        self._at_this_moment(segment)

    def _at_this_moment(self, path: Path) -> None:
        os.utime(path, ns=(self.now * 1_000_000, self.now * 1_000_000))

    def age(self) -> int | None:
        self.watch.look()
        return self.watch.age_ms


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_copy_that_is_not_there_has_no_age(box: Box) -> None:
    assert box.age() is None


def test_nothing_is_missing_however_long_the_site_rests(box: Box) -> None:
    box.write()
    box.now += 10 * HOUR
    assert box.age() == 0


def test_what_was_committed_a_moment_ago_is_still_on_its_way(box: Box) -> None:
    box.write()
    box.age()
    box.now += 10 * HOUR
    assert box.age() == 0
    box.now += 5_000
    box.commit()
    assert box.age() == 5_000, "since it was last seen to be whole, not since it was last written to"
    box.now += 5_000
    box.write()
    assert box.age() == 0


def test_a_copy_that_is_written_no_more_grows_old(box: Box) -> None:
    box.write()
    assert box.age() == 0
    for _ in range(12):
        box.now += 5_000
        box.commit()
        age = box.age()
    assert age == MINUTE


def test_after_a_start_the_copy_is_as_old_as_its_last_piece(box: Box) -> None:
    box.write()
    box.now += HOUR
    box.commit()
    assert box.age() == HOUR


def test_a_copy_that_cannot_be_looked_at_any_more_grows_old(box: Box) -> None:
    """A network file system hangs: nobody comes back with an answer."""
    box.write()
    assert box.age() == 0
    box.now += 2 * MINUTE
    assert box.watch.age_ms == 2 * MINUTE


def test_what_is_missing_for_minutes_is_a_problem(box: Box) -> None:
    def told() -> list[str]:
        box.watch.look()
        return [problem.text for problem in problems_of_site(Site(), None, box.now, box.watch)]

    assert told() == [], "there was no time for a copy yet"
    box.now += 4 * MINUTE
    assert told() == []
    box.now += MINUTE
    assert [text.partition(":")[0] for text in told()] == [f"there is no copy of the database in {box.copy}"]
    box.write()
    assert told() == []
    box.now += 4 * MINUTE
    box.commit()
    assert told() == []
    box.now += 2 * MINUTE
    assert [text.partition(":")[0] for text in told()] == [
        f"the copy of the database in {box.copy} is 6 minutes behind"
    ]


def test_a_file_that_is_touched_stands_for_a_copy_elsewhere(box: Box) -> None:
    box.copy.touch()
    box._at_this_moment(box.copy)
    assert box.age() == 0
    box.now += HOUR
    box.commit()
    assert box.age() == HOUR
