"""Keys that are guessed at: who guesses learns nothing, and the true charge point does not wait for them."""

import asyncio
import base64
import hashlib
import re
from time import thread_time

import pytest

from tests.bench.machine import cpu_seconds
from tests.support.site import Site

KEY = "0123456789abcdef"
GUESSERS = 60
PATIENCE_SECONDS = 60
_REQUEST = (
    "GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n{more}\r\n"
)


async def knock(site: Site, identity: str, user: str | None, key: str = "") -> bytes:
    """What the listener answers to a handshake, but for the time of day."""
    host, _, port = site.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    more = ""
    if user is not None:
        more = f"Authorization: Basic {base64.b64encode(f'{user}:{key}'.encode()).decode()}\r\n"
    writer.write(_REQUEST.format(identity=identity, more=more).encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
    if not answer.startswith(b"HTTP/1.1 101 "):
        answer += await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    writer.close()
    return re.sub(rb"Date: [^\r]*\r\n", b"", answer)


@pytest.fixture
async def guarded(site: Site) -> Site:
    """CHOSEN has a key of its operator's, MADE one of csmsd's."""
    await site.register("CHOSEN", password=KEY)
    await site.register("MADE", generate_password=True)
    return site


def slow_hash() -> float:
    """The processor time that one takes."""
    begun = thread_time()
    hashlib.scrypt(b"", salt=b"", n=2**14, r=8, p=1)
    return thread_time() - begun


WRONG = {
    "unknown": ("NOBODY", "NOBODY", KEY),
    "unknown, no key": ("NOBODY", None, ""),
    "no key": ("CHOSEN", None, ""),
    "wrong key": ("CHOSEN", "CHOSEN", "wrong" * 4),
    "wrong key for one that csmsd made": ("MADE", "MADE", "wrong" * 4),
    "no key for one that csmsd made": ("MADE", None, ""),
    "another user": ("CHOSEN", "MADE", KEY),
}


async def test_whatever_is_wrong_is_answered_alike(guarded: Site) -> None:
    answers = {what: await knock(guarded, *tried) for what, tried in WRONG.items()}
    assert len(set(answers.values())) == 1, answers
    assert answers["no key"].startswith(b"HTTP/1.1 401 ")

    # None has it easier by a slow hash. It is processor time that is counted, which other processes do not change.
    assert guarded.process is not None
    hash_seconds = min(slow_hash() for _ in range(3))
    for what, tried in WRONG.items():
        before = cpu_seconds(guarded.process.pid)
        for _ in range(2):
            await knock(guarded, *tried)
        assert cpu_seconds(guarded.process.pid) - before > hash_seconds / 2, what
    assert (await knock(guarded, "CHOSEN", "CHOSEN", KEY)).startswith(b"HTTP/1.1 101 ")


@pytest.mark.slow
async def test_the_true_one_does_not_wait_for_those_who_guess(guarded: Site) -> None:
    assert (await knock(guarded, "CHOSEN", "CHOSEN", KEY)).startswith(b"HTTP/1.1 101 ")
    answered = 0
    going = True
    flooding = asyncio.Event()

    async def guess(number: int) -> None:
        nonlocal answered
        tries = 0
        while going:
            tries += 1
            assert not (await knock(guarded, "CHOSEN", "CHOSEN", f"guess-{number}-{tries}")).startswith(b"HTTP/1.1 101")
            answered += 1
            if answered >= GUESSERS:
                flooding.set()

    guesses = [asyncio.create_task(guess(number)) for number in range(GUESSERS)]
    await asyncio.wait_for(flooding.wait(), PATIENCE_SECONDS)
    for _ in range(5):
        before = answered
        assert (await knock(guarded, "CHOSEN", "CHOSEN", KEY)).startswith(b"HTTP/1.1 101 ")
        assert answered - before < GUESSERS / 2, "it was served before most of those who came before it"
    # One that nobody remembers, at the same address: its identity has a budget of its own.
    await guarded.register("NEW", password=KEY[::-1])
    before = answered
    assert (await knock(guarded, "NEW", "NEW", KEY[::-1])).startswith(b"HTTP/1.1 101 ")
    assert answered - before < GUESSERS
    going = False
    await asyncio.gather(*guesses)
