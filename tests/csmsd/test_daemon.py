"""The composition root: what runs beside everything, what is closed whatever happens, and what it says of itself."""

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from csmsd import __version__, daemon
from csmsd.ocpp.timestamps import parse_timestamp
from tests.conftest import MakeSite
from tests.support.site import Site


class Part:
    """Opens, or fails at it; closes, or never does."""

    def __init__(self, closed: list[str], name: str, *, fails: bool = False, hangs: bool = False) -> None:
        self._closed, self._name, self._fails, self._hangs = closed, name, fails, hangs

    async def open(self) -> None:
        if self._fails:
            raise OSError("no room")

    async def close(self) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        self._closed.append(self._name)


async def test_what_is_half_open_is_closed_and_what_was_opened_last_first() -> None:
    closed: list[str] = []

    async def begin() -> None:
        async with AsyncExitStack() as opened:
            await daemon._open(Part(closed, "store"), opened)
            await daemon._open(Part(closed, "listener"), opened)
            await daemon._open(Part(closed, "metrics", fails=True), opened)

    with pytest.raises(OSError, match="no room"):
        await begin()
    assert closed == ["metrics", "listener", "store"]


async def test_what_does_not_close_in_time_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []
    async with daemon._closing_within(0.05) as opened:
        await daemon._open(Part(closed, "first"), opened)
        await daemon._open(Part(closed, "second", hangs=True), opened)
    assert closed == ["first"], "the others are closed all the same"
    assert "some connections did not close in time" in caplog.text


async def test_what_closes_in_time_is_waited_for_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []
    async with daemon._closing_within(5) as opened:
        await daemon._open(Part(closed, "first"), opened)
    assert (closed, caplog.text) == (["first"], "")


async def test_a_mistake_in_one_round_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_AFTER_A_MISTAKE_SECONDS", 0)
    rounds = 0
    well = asyncio.Event()

    async def expiry() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise ValueError("a mistake")
        well.set()

    async with asyncio.timeout(30), daemon._background(expiry=expiry):
        await well.wait()
    assert rounds == 3
    assert [record.message for record in caplog.records] == ["expiry broke off; it begins anew"] * 2
    assert all(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


async def test_what_runs_in_the_background_ends_with_it() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def pruning() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(30), daemon._background(pruning=pruning):
        await begun.wait()
        assert "pruning" in {task.get_name() for task in asyncio.all_tasks()}
    assert ended.is_set()


# --- what it says of itself


async def test_what_it_says_of_itself(make_site: MakeSite) -> None:
    policies = {"unknown_charge_points": "accept", "unknown_id_tags": "Accepted"}
    site = await make_site({"ocpp": {"call_timeout": 7, **policies}})
    before = datetime.now(UTC).timestamp()
    about = await site.call("daemon.info")
    after = datetime.now(UTC).timestamp()
    assert site.process is not None
    assert about["version"] == __version__
    assert about["pid"] == site.process.pid
    assert (about["state_dir"], about["socket"]) == (str(site.state), str(site.socket))
    assert about["listen"] == [site.listen]
    assert about["call_timeout"] == 7
    assert about["policies"] == policies
    assert about["metrics"] is None
    assert about["messages_not_logged"] == 0
    started = parse_timestamp(about["started_at"])
    assert started is not None
    assert before - 1 <= started / 1000 + about["uptime_s"] <= after + 1


async def test_what_of_the_disk_there_is(site: Site) -> None:
    await site.register("CP1")
    storage = (await site.call("daemon.info"))["store"]
    disk = os.statvfs(site.state)
    assert storage["disk_bytes"] == disk.f_blocks * disk.f_frsize
    assert 0 < storage["disk_free_bytes"] < storage["disk_bytes"]
    log = [site.state / name for name in ("log.db", "log.db-wal")]
    assert 0 < storage["log_bytes"] <= sum(file.stat().st_size for file in log if file.exists())
    assert storage["last_commit_ms"] > 0


async def test_two_on_one_state_directory(site: Site, make_site: MakeSite) -> None:
    other = await make_site(state=site.state, start=False)
    ended = other.run_to_end()
    assert ended.code != 0
    assert f"another csmsd runs on {site.state}; name another --state-dir" in ended.err
    assert (await site.call("daemon.info"))["listen"] == [site.listen], "the first one is not disturbed"


async def test_a_start_and_a_stop_are_told(site: Site) -> None:
    watcher = await site.watch("daemon.stopping")
    log = await site.call("daemon.info")
    assert log["pid"]
    assert await site.stop() == 0
    assert (await watcher.event("daemon.stopping"))["charge_point"] is None


async def test_settings_that_cannot_be_used_are_named_and_change_nothing(site: Site) -> None:
    site.write_settings({"ocpp": {"call_timeout": -1}})
    code, text = await site.refused("daemon.reload")
    assert code == 1
    assert "call_timeout" in text
    assert (await site.call("daemon.info"))["call_timeout"] == 30
