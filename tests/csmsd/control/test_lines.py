"""Lines of a client, however they come."""

import asyncio

import pytest

from csmsd.control.lines import Lines, TooLong, TooSlow

LONGEST = 10
SECONDS = 0.05


def lines(*parts: bytes, end: bool = True) -> Lines:
    """What comes in these parts."""
    reader = asyncio.StreamReader()
    for part in parts:
        reader.feed_data(part)
    if end:
        reader.feed_eof()
    return Lines(reader, LONGEST, SECONDS)


async def test_lines_come_one_by_one_and_what_is_left_at_the_end_as_well() -> None:
    found = lines(b"a\nb", b"c\n\n", b"rest")
    assert [await found.next() for _ in range(5)] == [b"a\n", b"bc\n", b"\n", b"rest", b""]


async def test_the_length_of_a_line_with_its_end() -> None:
    assert await lines(b"123456789\n").next() == b"123456789\n"
    for text in (b"1234567890\n", b"1234567890", b"12345678901\n"):
        with pytest.raises(TooLong):
            await lines(text).next()


async def test_half_a_line_ends_after_a_while_however_it_drips() -> None:
    reader = asyncio.StreamReader()
    found = Lines(reader, 1_000_000, SECONDS)

    async def drip() -> None:
        while True:
            reader.feed_data(b"x")
            await asyncio.sleep(SECONDS / 20)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(30):
            with pytest.raises(TooSlow):
                await found.next()
    finally:
        dripping.cancel()


async def test_nobody_is_too_slow_who_has_begun_no_line() -> None:
    reader = asyncio.StreamReader()
    found = Lines(reader, LONGEST, 0.001)
    reader.feed_data(b"a\n")
    assert await found.next() == b"a\n"
    asyncio.get_running_loop().call_later(0.05, reader.feed_data, b"b\n")
    assert await found.next() == b"b\n"
