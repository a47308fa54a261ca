"""The log of messages and events: capped, never in the way, no state."""

import asyncio
import os
import random
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp.identity import fold
from csmsd.store import message_blocks, message_log
from csmsd.store.message_log import MessageLog

DAY = 86_400_000


async def opened(
    path: Path, *, max_bytes: int = 10**9, max_age_days: int = 30, now: int | None = 9 * DAY
) -> MessageLog:
    log = MessageLog(path, max_bytes=max_bytes, max_age_days=max_age_days, to_forget_by=lambda: now)
    await log.open()
    return log


async def all_ids(log: MessageLog) -> list[int]:
    return [message.id for message in await log.messages(None, since=None, before_id=None, limit=0)]


async def trimmed(log: MessageLog, before: int) -> list[int]:
    """What is left once the log was trimmed, which it does by itself soon after it was opened."""
    async with asyncio.timeout(30):
        left = await all_ids(log)
        for _ in range(1000):
            if len(left) < before:
                break
            await asyncio.sleep(0.01)
            left = await all_ids(log)
    return left


async def test_messages_are_listed_as_they_came(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    for number in range(5):
        log.add_message(number, f"CP{number % 2}", "in", f"text {number}".encode())
    assert await all_ids(log) == [1, 2, 3, 4, 5]
    of_one = await log.messages(["cp1"], since=None, before_id=None, limit=0)
    assert [message.text for message in of_one] == ["text 1", "text 3"]
    newest = await log.messages(None, since=None, before_id=5, limit=2)
    assert [message.id for message in newest] == [3, 4]
    later = await log.messages(None, since=3, before_id=None, limit=0)
    assert [message.time for message in later] == [3, 4]
    await log.close()


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["CP1", "CP11", "cp2", "Größe"])), min_size=1, max_size=60),
    st.none() | st.lists(st.sampled_from(["cp1", "CP11", "CP2", "GRÖSSE", "CP3"]), max_size=3),
    *[st.none() | st.integers(-1, 61)] * 4,
    st.integers(0, 7),
    st.booleans(),
)
@example([(0, "CP1"), (1, "CP11")], ["CP1"], None, None, None, None, 1, False)
def test_whatever_is_asked_for_is_what_a_look_at_each_message_gives(
    came: list[tuple[int, str]],
    names: list[str] | None,
    since: int | None,
    until: int | None,
    before: int | None,
    after: int | None,
    limit: int,
    oldest: bool,
) -> None:
    async def asked() -> list[int]:
        with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
            patch.setattr(message_log, "_BLOCKS_AT_ONCE", 2)
            patch.setattr(message_blocks, "_ENTRIES", 3)
            log = await opened(Path(place) / "log.db", now=None)
            for time, name in came:
                log.add_message(time, name, "in", b"x")
            found = await log.messages(
                names, since=since, until=until, before_id=before, after_id=after, limit=limit, oldest=oldest
            )
            await log.close()
            return [message.id for message in found]

    wanted = None if names is None else set(map(fold, names))
    all_of_them = [
        number
        for number, (time, name) in enumerate(came, 1)
        if (wanted is None or fold(name) in wanted)
        and (since is None or time >= since)
        and (until is None or time < until)
        and (before is None or number < before)
        and (after is None or number > after)
    ]
    chosen = all_of_them if not limit else all_of_them[:limit] if oldest else all_of_them[-limit:]
    assert asyncio.run(asked()) == chosen


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


async def test_the_file_is_capped_by_size_and_the_oldest_go_first(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await opened(path)
    for number in range(4000):
        log.add_message(number, "CP1", "in", os.urandom(500))
    await log.close()
    assert path.stat().st_size > 2_000_000

    log = await opened(path, max_bytes=1_000_000)
    await trimmed(log, 4000)
    await log.close()  # which waits for the trimming to be done
    log = await opened(path)
    left = await all_ids(log)
    await log.close()
    assert left[-1] == 4000, "the newest stay"
    assert 500 < len(left) < 2000
    assert path.stat().st_size < 1_200_000, "what was given up is given back to the disk"


async def test_old_messages_and_events_go(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await opened(path)
    for day in range(10):
        log.add_message(day * DAY, "CP1", "in", str(day).encode())
        log.add_event(day + 1, day * DAY, "connector.status", "CP1", "{}")
    await log.close()
    log = await opened(path, max_age_days=3)
    assert len(await trimmed(log, 10)) == 4
    assert [event.number for event in await log.events(None, None)] == [7, 8, 9, 10]
    await log.close()


async def trimmed_on_opening(path: Path, *, now: int | None) -> tuple[list[int], list[int]]:
    """Messages and events that are left of the last three days."""
    log = await opened(path, max_age_days=3, now=now)
    await log.trim()
    left = await all_ids(log), [event.number for event in await log.events(None, None)]
    await log.close()
    return left


async def written(path: Path, *days: int) -> None:
    log = await opened(path, now=None)
    for number, day in enumerate(days, 1):
        log.add_message(day * DAY, "CP1", "in", b"x")
        log.add_event(number, day * DAY, "connector.status", "CP1", "{}")
    await log.close()


async def test_a_row_from_the_future_takes_none_with_it(tmp_path: Path) -> None:
    """A clock that was ahead for a while: what came before it, and after it, is as old as it is."""
    await written(tmp_path / "log.db", 8, 9, 9 + 730, 9 + 730, 9, 9)
    assert await trimmed_on_opening(tmp_path / "log.db", now=9 * DAY) == ([1, 2, 3, 4, 5, 6],) * 2
    assert await trimmed_on_opening(tmp_path / "log.db", now=12 * DAY) == ([2, 3, 4, 5, 6],) * 2


async def test_rows_of_a_clock_that_was_behind_are_no_older_than_those_before_them(tmp_path: Path) -> None:
    await written(tmp_path / "log.db", 1, 8, 0, 0, 9)
    assert await trimmed_on_opening(tmp_path / "log.db", now=9 * DAY) == ([2, 3, 4, 5],) * 2


async def test_nothing_is_old_where_the_clock_cannot_be_relied_on(tmp_path: Path) -> None:
    await written(tmp_path / "log.db", 1, 9)
    assert await trimmed_on_opening(tmp_path / "log.db", now=None) == ([1, 2],) * 2
    assert await trimmed_on_opening(tmp_path / "log.db", now=9 * DAY) == ([2],) * 2


async def test_a_message_that_cannot_be_written_takes_no_other_time(tmp_path: Path) -> None:
    """A lone surrogate is no text for SQLite: the batch is given up and counted, the log goes on."""
    log = await opened(tmp_path / "log.db")
    log.add_message(0, "\ud800", "in", b"x")
    assert await all_ids(log) == []
    assert log.dropped == 1
    log.add_message(0, "CP1", "in", b"fine")
    assert len(await all_ids(log)) == 1
    await log.close()


async def test_a_message_that_is_no_utf_8_is_kept_and_can_be_listed(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    log.add_message(0, "CP1", "in", b'[2,"1","X",{"a":"\xff\xc3\xbc"}]')
    (message,) = await log.messages(None, since=None, before_id=None, limit=0)
    assert message.text == '[2,"1","X",{"a":"\N{REPLACEMENT CHARACTER}ü"}]'
    await log.close()


async def test_a_buffer_that_is_full_drops_and_counts(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    for _ in range(50_000):
        log.add_message(0, "CP1", "in", b"")
    assert log.add_message(0, "CP1", "in", b"") is None
    assert log.dropped == 1
    assert len(await all_ids(log)) == 50_000
    await log.close()


async def test_a_buffer_holds_so_many_bytes_however_few_the_messages_are(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    text = b"x" * (1024 * 1024)
    taken = sum(log.add_message(0, "CP1", "in", text) is not None for _ in range(40))
    log.add_event(1, 0, "connector.status", "CP1", "{}")
    assert (taken, log.dropped) == (33, 7)
    assert (len(await all_ids(log)), await log.events(None, None)) == (33, [])
    assert log.add_message(0, "CP1", "in", text) is not None
    await log.close()


def on_disk(place: Path) -> int:
    return sum(file.stat().st_size for file in place.iterdir() if file.name != "log.db-shm")


async def test_a_flood_is_trimmed_while_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a minute: the file and its WAL stay near the size that they may have."""
    monkeypatch.setattr(message_log, "_FLUSH_SECONDS", 0.01)
    path = tmp_path / "log.db"
    most = 2 * 1024 * 1024
    log = await opened(path, max_bytes=most)
    largest = 0
    for _ in range(40):
        for _ in range(4):
            log.add_message(0, "CP1", "in", os.urandom(250_000))
        for _ in range(10_000):
            if not log.waiting:
                break
            await asyncio.sleep(0.001)
        largest = max(largest, on_disk(tmp_path))
    await log.close()
    assert largest < most + 6 * 1024 * 1024


async def test_events_by_number_type_and_charge_point(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    for number in range(1, 7):
        log.add_event(number, number, "transaction.started" if number % 2 else "connector.status", f"CP{number}", "{}")
    assert [event.number for event in await log.events(None, None, after=4)] == [5, 6]
    assert [event.number for event in await log.events(["cp3", "CP4"], None)] == [3, 4]
    assert [event.number for event in await log.events(None, ["connector.status"], limit=2)] == [4, 6]
    await log.close()


async def test_while_somebody_has_it_locked_rows_wait_in_their_order_and_never_take_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_log, "_LOCKED_SECONDS", 0.01)
    monkeypatch.setattr(message_log, "_FLUSH_SECONDS", 3600.0)
    monkeypatch.setattr(message_log, "_MAX_BUFFERED_BYTES", 5)
    log = await opened(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for time, text in ((1, b"aaa"), (2, b"bbb")):
            log.add_message(time, "CP1", "in", text)
        flushing = asyncio.create_task(log.flush())
        await asyncio.sleep(0)  # it is at it
        for time, text in ((3, b"c"), (4, b"d")):
            log.add_message(time, "CP1", "in", text)
        await flushing
        assert log.waiting == 4
        assert log.add_message(5, "CP1", "in", b"e") is None, "those that wait are too many already"
        assert log.dropped == 1
        other.execute("COMMIT")
    await log.flush()
    assert await all_ids(log) == [1, 2, 3, 4]
    assert log.add_message(6, "CP1", "in", b"f") == 5
    await log.close()


async def test_it_is_trimmed_while_it_is_written_and_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = await opened(tmp_path / "log.db")
    for round_ in range(1, 20):
        for number in range(100):
            log.add_event(100 * round_ + number, 8 * DAY, "charge_point.connected", "CP1", '{"address":"x"}')
            log.add_message(8 * DAY, "CP1", "in", b"x")
        reading = log.events(None, None, most_text=10**9)
        await asyncio.gather(log.flush(), reading, log.trim())
    assert len(await all_ids(log)) == 1900
    assert caplog.messages == []
    await log.close()


# --- a file that a power cut has left: nothing is synced, so anything may be missing from it


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
