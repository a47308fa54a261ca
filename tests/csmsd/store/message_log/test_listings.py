"""What the log is asked for."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp.identity import fold
from csmsd.ports.listings import Torn
from csmsd.store.message_log import blocks, listings
from tests.csmsd.store.message_log.logs import all_ids, opened


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
            patch.setattr(listings, "_BLOCKS_AT_ONCE", 2)
            patch.setattr(blocks, "_ENTRIES", 3)
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


async def test_what_cannot_be_read_is_told_and_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_ENTRIES", 3)
    log = await opened(tmp_path / "log.db")
    for number in range(9):
        log.add_message(number, "CP1", "in", b"x" * 100)
    await log.flush()
    with closing(sqlite3.connect(tmp_path / "log.db")) as other:
        (packed,) = other.execute("SELECT messages FROM block WHERE first = 4").fetchone()
        flipped = bytes([*packed[:-1], packed[-1] ^ 1])
        other.execute("UPDATE block SET messages = ? WHERE first = 4", (flipped,))
        other.commit()
    for oldest in (False, True):
        found = await log.messages(None, since=None, before_id=None, limit=0, oldest=oldest)
        assert [message.id for message in found] == [1, 2, 3, 7, 8, 9]
        assert found.torn == [Torn(first=4, last=6, since=3, until=5)]
    assert not (await log.messages(None, since=6, before_id=None, limit=0)).torn, "it is not on the way"
    await log.close()


async def test_a_message_that_is_no_utf_8_is_kept_and_can_be_listed(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    log.add_message(0, "CP1", "in", b'[2,"1","X",{"a":"\xff\xc3\xbc"}]')
    (message,) = await log.messages(None, since=None, before_id=None, limit=0)
    assert message.text == '[2,"1","X",{"a":"\N{REPLACEMENT CHARACTER}ü"}]'
    await log.close()


async def test_events_by_number_type_and_charge_point(tmp_path: Path) -> None:
    log = await opened(tmp_path / "log.db")
    for number in range(1, 7):
        log.add_event(number, number, "transaction.started" if number % 2 else "connector.status", f"CP{number}", "{}")
    assert [event.number for event in await log.events(None, None, after=4)] == [5, 6]
    assert [event.number for event in await log.events(["cp3", "CP4"], None)] == [3, 4]
    assert [event.number for event in await log.events(None, ["connector.status"], limit=2)] == [4, 6]
    await log.close()
