"""A database that is not there, or is another one: said at once, and never taken for a first start."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.faults.conftest import START
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


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


# --- while csmsd runs


async def told_and_nothing_taken(site: Site, change: Callable[[], object], text: str) -> RawChargePoint:
    """What must hold when something has happened to the file; the charge point and what it sends go on."""
    charge_point = await site.raw("CP1")
    number = (await charge_point.ask("StartTransaction", START))[2]["transactionId"]
    watcher = await site.watch("store.failed")
    change()
    stop = {"transactionId": number, "meterStop": 500, "timestamp": "2026-03-01T13:00:00.000Z"}
    answer = await charge_point.ask("StopTransaction", stop)
    assert answer[:1] + answer[2:3] == [4, "InternalError"], "not even the first one goes into the void"
    assert text in (await watcher.event("store.failed"))["data"]["error"]
    answer = await charge_point.ask("StopTransaction", stop)
    assert answer[:1] + answer[2:3] == [4, "InternalError"]
    assert (await charge_point.heartbeat())[0] == 3
    (problem,) = [
        one for one in (await site.json("status", "--problems"))["problems"] if one["kind"] == "store_failing"
    ]
    assert text in problem["text"]
    assert (await site.csmsctl("check")).code == 2
    return charge_point


async def test_a_database_that_is_moved_away_is_missed_and_welcome_again(site: Site) -> None:
    aside = site.directory / "aside.db"
    charge_point = await told_and_nothing_taken(site, lambda: site.database.rename(aside), "was removed")
    watcher = await site.watch("store.recovered")
    aside.rename(site.database)
    await watcher.event("store.recovered")
    assert (await charge_point.ask("StartTransaction", {**START, "connectorId": 2}))[0] == 3
    assert (await site.json("status"))["daemon"]["store"] == "ok"


async def test_what_a_deleted_database_held_is_saved_and_can_be_put_back(site: Site) -> None:
    def delete() -> None:
        for path in site.state.glob("csms.db*"):
            path.unlink()

    await told_and_nothing_taken(site, delete, "was removed")
    rescued = site.state / "csms.db.rescued"
    assert await site.stop() == 0
    assert f"what was in {site.database} is in {rescued}" in site.errors()
    assert "is not there" in refused(site)
    rescued.rename(site.database)
    await site.start()
    (known,) = (await site.json("tx", "list"))["transactions"]
    assert known["id"] == 1
    charge_point = await site.raw("CP1", register=False)
    assert (await charge_point.ask("StartTransaction", {**START, "connectorId": 2}))[2]["transactionId"] > 1_000_000


async def test_a_database_that_is_deleted_is_missed_without_a_message(site: Site) -> None:
    watcher = await site.watch("store.failed")
    site.database.unlink()
    assert "was removed" in (await watcher.event("store.failed"))["data"]["error"]


async def test_a_database_that_is_replaced_by_another_is_not_written_to(site: Site) -> None:
    other = site.directory / "other.db"

    def replace() -> None:
        shutil.copy(site.database, other)
        other.replace(site.database)

    await told_and_nothing_taken(site, replace, "was replaced")


async def test_a_database_that_is_emptied_is_missed_for_good(site: Site) -> None:
    await told_and_nothing_taken(site, lambda: os.truncate(site.database, 0), "was emptied")
    site.database.write_bytes(b"x" * 8192)
    assert (await site.json("status"))["daemon"]["store"] == "failing"
    assert await site.stop() == 0


async def test_the_log_of_commits_is_missed_as_well_and_what_it_held_is_in_the_database(site: Site) -> None:
    await told_and_nothing_taken(site, site.database.with_name("csms.db-wal").unlink, "csms.db-wal was removed")
    await site.kill()
    await site.start()
    assert len((await site.json("tx", "list"))["transactions"]) == 1
    assert (await site.json("status"))["daemon"]["store"] == "ok"


# --- who may read it


async def test_modes_that_let_others_read_are_mended_and_named(stopped: Site) -> None:
    stored = stopped.state / "files" / "diagnostics" / "a"
    stored.write_bytes(b"")
    opened = [stopped.database, stopped.state / "log.db", stored]
    for path in opened:
        path.chmod(0o644)
    stopped.state.chmod(0o755)
    (stopped.state / "notes").touch()
    (stopped.state / "notes").chmod(0o644)
    await stopped.start()
    assert _mode(stopped.state) == 0o700
    assert [_mode(path) for path in opened[:2]] == [0o600] * 2
    assert _mode(stopped.state / "notes") == 0o644, "it is none of ours"
    for path in (stopped.state, *opened):
        assert f"{path} could be read by others" in stopped.errors()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
