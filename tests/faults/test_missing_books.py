"""A database that is not there, or is another one: said at once, and never taken for a first start."""

import shutil
import stat
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.support.site import Site

START = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}


@pytest.fixture
async def stopped(make_site: MakeSite) -> Site:
    """A site with a transaction on disk whose csmsd has ended."""
    site = await make_site()
    charge_point = await site.raw("CP1")
    await charge_point.ask("StartTransaction", START)
    assert await site.stop() == 0
    return site


def refused(site: Site) -> str:
    """Starts csmsd, which must not start, nor make anything; returns what it says."""
    (site.state / "csmsd.lock").touch(mode=0o600)
    before = sorted(path.name for path in site.state.iterdir())
    ended = site.run_to_end()
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err
    assert sorted(path.name for path in site.state.iterdir()) == before
    return ended.err


async def began_anew(site: Site) -> list[int]:
    """Starts csmsd with empty books; the ids of transactions that it gives then."""
    site.flags = ["--begin-anew"]
    await site.start()
    assert (await site.json("tx", "list"))["transactions"] == []
    charge_point = await site.raw("CP1")
    return [(await charge_point.ask("StartTransaction", START))[2]["transactionId"]]


@pytest.mark.parametrize("content", [None, b"", b"SQLite"], ids=["missing", "empty", "cut off"])
async def test_a_database_that_is_not_there_is_no_first_start(stopped: Site, content: bytes | None) -> None:
    stopped.database.unlink()
    if content is not None:
        stopped.database.write_bytes(content)
    text = refused(stopped)
    assert ("is not there" if content is None else "is empty") in text
    assert "log.db" in text
    assert "csmsd --begin-anew" in text
    if content is not None:
        stopped.database.write_bytes(b"")
    (number,) = await began_anew(stopped)
    assert number > 1_000_000, "charge points know the ids of the old books"


@pytest.mark.parametrize("trace", ["csmsd.seen", "log.db", "csms.db-wal", "csms.db.before-schema-3", "files"])
async def test_each_trace_of_an_earlier_csmsd_counts(stopped: Site, trace: str) -> None:
    for path in stopped.state.iterdir():
        if path.name != trace:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not (stopped.state / trace).exists():
        (stopped.state / trace).write_bytes(b"left behind")
    assert trace in refused(stopped)


async def test_a_first_start_beside_nothing_but_a_lock_needs_no_flag(make_site: MakeSite) -> None:
    site = await make_site(start=False)
    site.state.mkdir(mode=0o700)
    (site.state / "csmsd.lock").touch()
    site.database.touch()  # a first start that was cut short
    await site.start()


async def test_what_the_old_database_left_open_is_not_read_into_the_new_one(stopped: Site) -> None:
    stopped.database.unlink()
    left = stopped.database.with_name("csms.db-wal")
    left.write_bytes(b"not of this database")
    await began_anew(stopped)
    assert stopped.database.with_name("csms.db.before-wal").read_bytes() == b"not of this database"


async def test_the_books_of_another_site_are_refused(stopped: Site, make_site: MakeSite) -> None:
    other = await make_site()
    assert await other.stop() == 0
    shutil.copy(other.database, stopped.database)
    assert "these are other books" in refused(stopped)
    assert await began_anew(stopped) > [1_000_000]


# --- who may read it


async def test_modes_that_let_others_read_are_mended_and_named(stopped: Site) -> None:
    stored = stopped.state / "files" / "diagnostics" / "a"
    stored.write_bytes(b"")
    opened = [stopped.database, stopped.state / "log.db", stored]
    for path in opened:
        path.chmod(0o644)
    stopped.state.chmod(0o755)
    (stopped.state / "notes").touch(mode=0o644)
    await stopped.start()
    assert _mode(stopped.state) == 0o700
    assert [_mode(path) for path in opened[:2]] == [0o600] * 2
    assert _mode(stopped.state / "notes") == 0o644, "it is none of ours"
    for path in (stopped.state, *opened):
        assert f"{path} could be read by others" in stopped.errors()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
