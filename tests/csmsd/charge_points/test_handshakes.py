"""Handshakes of many at once: whose turn it is, how much of a pass they take, and who has to go."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from csmsd.charge_points.handshakes import Handshakes
from csmsd.charge_points.tls_transport import TlsTransport
from csmsd.settings.sections import Tls
from tests.support.certificates import client_context
from tests.support.tls_door import WITHIN_SECONDS, Door, hello

ON_BOTH_LOOPS = True


async def test_of_too_many_handshakes_the_oldest_silent_one_goes(door: Door, tmp_path: Path) -> None:
    door.limits.max_handshakes_per_address = 2
    first, second = [await door.raw() for _ in range(2)]
    for _, writer in (first, second):
        writer.write(hello(client_context(tmp_path)))
    for reader, _ in (first, second):
        await reader.readexactly(1)
    async with await door.connect(client_context(tmp_path)):
        assert await door.refusal() == ("tls", "too many handshakes are under way")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await first[0].readexactly(100_000)
        assert len(door.handshakes) == 1
    first[1].close()
    second[1].transport.abort()
    door.limits.max_handshakes_per_address, door.limits.max_handshakes = 100, 1
    (reader, one), (_, other) = [await door.raw() for _ in range(2)]
    one.write(hello(client_context(tmp_path)))
    await reader.readexactly(1)
    other.write(b"\x16")
    assert await door.refusal() == ("tls", "it left before the handshake was over")
    assert await door.refusal() == ("tls", "too many handshakes are under way")
    one.close()
    other.transport.abort()


async def test_an_honest_one_does_not_wait_for_those_who_are_silent(door: Door, tmp_path: Path) -> None:
    """They are over by the deadline alone, which is long; until then none of them takes a turn."""
    begun = hello(client_context(tmp_path))
    silent = [await door.raw() for _ in range(60)]
    for number, (reader, writer) in enumerate(silent):
        writer.write((b"\x16", begun[:100], begun)[number % 3])
        if number % 3 == 2:
            await reader.readexactly(1)  # it is answered, and says nothing to that
    async with await door.connect(client_context(tmp_path)) as honest:
        await honest.send("1")
        assert await door.texts.get() == b"1"
        assert len(door.handshakes) == len(silent)
    for _, writer in silent:
        writer.transport.abort()


async def test_addresses_take_turns_and_a_mistake_in_one_handshake_keeps_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As many as one address begins, another one waits for one of them."""
    handshakes = Handshakes(Tls())
    order: list[str] = []
    done = asyncio.Event()

    class One:
        def __init__(self, origin: str) -> None:
            self.origin = origin

        def step(self) -> None:
            order.append(self.origin)
            if len(order) == 5:
                done.set()
            if self.origin == "bad":
                raise RuntimeError

        def abort(self) -> None:
            order.append("aborted")

    many: list[Any] = [One("a"), One("a"), One("a"), One("bad"), One("b")]
    for one in many:
        handshakes.begin(one)
        handshakes.step_soon(one)
    await asyncio.wait_for(done.wait(), WITHIN_SECONDS)
    await asyncio.sleep(0)
    assert order == ["a", "bad", "aborted", "b", "a", "a"]
    for one in many:
        handshakes.over(one)
    assert (len(handshakes), handshakes._at, handshakes._turns) == (0, {}, {})


async def test_handshakes_have_their_share_of_a_pass_and_no_more(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step takes 4 ms here; what else there is to do comes after three of them."""
    from csmsd.charge_points import handshakes as module

    now = 0.0
    passes: list[int] = [0]
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(module, "monotonic", lambda: now)
    real = TlsTransport.step

    def step(self: TlsTransport) -> None:
        nonlocal now
        now += 0.004
        passes[-1] += 1
        real(self)

    def tick() -> None:
        passes.append(0)
        if sum(passes) < 60:
            loop.call_soon(tick)

    monkeypatch.setattr(TlsTransport, "step", step)
    loop.call_soon(tick)
    context = client_context(tmp_path)
    points = await asyncio.gather(*(door.connect(context) for _ in range(30)))
    assert sum(passes) >= 60
    assert max(passes) == 3
    await asyncio.gather(*(point.close() for point in points))
