"""The file of the log. A power cut may leave anything in it, for nothing is synced."""

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.csmsd.store.message_log.logs import all_ids, opened


async def test_a_log_from_before_there_were_blocks_is_packed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute(
            "CREATE TABLE message (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, charge_point TEXT NOT NULL COLLATE"
            " NOCASE, direction TEXT NOT NULL, text TEXT NOT NULL) STRICT"
        )
        old.executemany(
            "INSERT INTO message VALUES (?, ?, ?, 'in', CAST(? AS TEXT))",
            [(number, number, f"CP{number % 2}", b"text %d \xff" % number) for number in range(7, 12_007)],
        )
        old.commit()
    log = await opened(path)
    assert await all_ids(log) == list(range(7, 12_007))
    (last,) = await log.messages(["cp1"], since=None, before_id=10, limit=1)
    assert (last.id, last.time, last.charge_point, last.direction, last.text) == (9, 9, "CP1", "in", "text 9 \ufffd")
    assert log.add_message(0, "CP1", "in", b"y") == 12_007
    await log.close()
    with closing(sqlite3.connect(path)) as packed:
        names = [name for (name,) in packed.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert "message" not in names


async def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    log.add_message(0, "CP1", "in", b"x")
    log.add_event(17, 0, "daemon.started", None, "{}")
    await log.close()
    log = await opened(tmp_path / "log.db")
    assert log.last_event == 17
    assert log.add_message(0, "CP1", "in", b"y") == 2
    await log.close()


def _zeros(content: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(len(content) // 512) * 512
    end = min(len(content), begin + 512 * chance.randint(1, 40))
    content[begin:end] = bytes(end - begin)


def _noise(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 200)):
        content[chance.randrange(100, len(content))] = chance.randrange(256)


def _older_pages(content: bytearray, chance: random.Random) -> None:
    pages = len(content) // 4096
    for _ in range(chance.randint(1, 5)):
        one, other = chance.randrange(1, pages), chance.randrange(1, pages)
        content[one * 4096 : (one + 1) * 4096] = content[other * 4096 : (other + 1) * 4096]


def _cut_off(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A log of a thousand messages and as many events, without its WAL."""
    path = tmp_path_factory.mktemp("log") / "log.db"

    async def write() -> None:
        log = await opened(path)
        for number in range(1, 1001):
            log.add_message(number, f"CP{number % 7}", "in", os.urandom(200))
            log.add_event(number, number, "tag.authorized", "CP1", '{"a":1}')
            if number % 50 == 0:
                await log.flush()
        await log.close()

    asyncio.run(write())
    return path.read_bytes()


@pytest.mark.parametrize("damage", [_zeros, _noise, _older_pages, _cut_off])
@pytest.mark.parametrize("seed", range(12))
async def test_no_damage_keeps_it_from_logging(
    thousand: bytes, tmp_path: Path, damage: Callable[[bytearray, random.Random], None], seed: int
) -> None:
    content = bytearray(thousand)
    damage(content, random.Random(seed))
    path = tmp_path / "log.db"
    path.write_bytes(content)
    log = await opened(path)
    try:
        for _ in range(2):
            for kind in (True, False):
                await log.messages(None, since=None, before_id=None, limit=0, oldest=kind)
                await log.messages(["CP3"], since=5, before_id=900, limit=10, oldest=kind)
                assert all(event.data for event in await log.events(None, None, oldest=kind))
            await log.first_event_time()
            await log.trim()
            for text in (b"new 1", b"new 2"):
                log.add_message(2000, "CP9", "in", text)
            log.add_event(log.last_event + 5000, 2000, "tag.authorized", None, '"new"')
            await log.flush()
        newest = [message.text for message in await log.messages(["CP9"], since=None, before_id=None, limit=2)]
        assert newest == ["new 1", "new 2"]
        assert [event.data for event in await log.events(None, None, limit=1)] == ['"new"']
    finally:
        await log.close()


async def test_numbers_go_on_when_a_new_one_is_begun(thousand: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(thousand)
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'block'").fetchone()
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    log = await opened(path)
    assert (tmp_path / "log.damaged").exists()
    assert log.last_event == 1000
    await log.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_gone_is_missed_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, replaced: bool
) -> None:
    """It could be written to for ever, and nobody would find it again."""
    log = await opened(tmp_path / "log.db")
    log.add_message(1, "CP1", "in", b"before")
    assert await all_ids(log) == [1]
    assert caplog.messages == []
    (tmp_path / "log.db").rename(tmp_path / "moved.db")
    if replaced:
        (tmp_path / "log.db").touch()
    for number in (2, 3):
        log.add_message(number, "CP1", "in", b"into the void")
        await log.flush()
    assert [text for text in caplog.messages if "was removed or replaced" in text] == caplog.messages[:1] != []
    await log.close()
