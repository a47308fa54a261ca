"""In which order slow hashes are done, and who is not served."""

import asyncio
import threading

import pytest

from csmsd.charge_points import hashing
from csmsd.charge_points.hashing import Buckets, Busy, HashQueue
from tests.support.wire import WAIT


class Order:
    """A queue of which a first work holds every thread, so that the others wait; `done` is the order of these."""

    def __init__(self) -> None:
        self.queue = HashQueue()
        self.done: list[str] = []
        self._let_go = threading.Event()
        self._held = threading.Semaphore(0)
        self._waiting: list[asyncio.Task[bool]] = []

    def _hold(self) -> bool:
        self._held.release()
        return self._let_go.wait(WAIT)

    async def held(self) -> None:
        for _ in range(hashing._AT_ONCE):
            holding = self.queue.do(self._hold, address="held", identity="held", in_front=True)
            self._waiting.append(asyncio.create_task(holding))
        for _ in range(hashing._AT_ONCE):
            assert await asyncio.to_thread(self._held.acquire, timeout=WAIT)

    async def waits(self, name: str, *, address: str = "A", identity: str = "CP1", in_front: bool = False) -> None:
        async def done() -> bool:
            found = await self.queue.do(lambda: True, address=address, identity=identity, in_front=in_front)
            self.done.append(name)
            return found

        self._waiting.append(asyncio.create_task(done()))
        await asyncio.sleep(0)

    async def served(self) -> list[str]:
        self._let_go.set()
        async with asyncio.timeout(WAIT):
            assert all(await asyncio.gather(*self._waiting))
        return self.done


@pytest.fixture
async def order(monkeypatch: pytest.MonkeyPatch) -> Order:
    monkeypatch.setattr(hashing, "_AT_ONCE", 1)
    made = Order()
    await made.held()
    return made


async def test_addresses_have_their_turns(order: Order) -> None:
    for number in range(3):
        await order.waits(f"a{number}", address="A", identity=f"X{number}")
    await order.waits("b0", address="B")
    await order.waits("c0", address="C")
    assert await order.served() == ["a0", "b0", "c0", "a1", "a2"]


async def test_a_place_in_front_is_kept(order: Order) -> None:
    await order.waits("guess")
    await order.waits("true", in_front=True)
    assert await order.served() == ["true", "guess"]


async def test_the_place_in_front_has_a_budget_too(order: Order) -> None:
    """Guesses come from there as well, where a router hides who it is."""
    for number in range(12):
        await order.waits(f"guess{number}", in_front=True)
    await order.waits("other", address="B")
    assert await order.served() == [*(f"guess{n}" for n in range(10)), "other", "guess10", "guess11"]


async def test_beyond_a_budget_one_waits_for_those_within_theirs_and_is_served_all_the_same(order: Order) -> None:
    for number in range(12):
        await order.waits(f"guess{number}")
    await order.waits("other", identity="CP2")
    assert await order.served() == [*(f"guess{n}" for n in range(10)), "other", "guess10", "guess11"]


async def test_identities_that_are_made_up_share_the_budget_of_their_address(order: Order) -> None:
    for number in range(101):
        await order.waits(f"guess{number}", identity=f"X{number}")
    await order.waits("other", address="B")
    done = await order.served()
    assert done.index("other") == 1
    assert done[-1] == "guess100"


async def test_no_address_fills_the_queue(order: Order) -> None:
    for _ in range(hashing.MOST_OF_ADDRESS):
        await order.waits("guess")
    with pytest.raises(Busy):
        await order.queue.do(lambda: True, address="A", identity="CP1", in_front=False)
    await order.waits("other", address="B")
    done = await order.served()
    assert done.index("other") == 1
    assert await order.queue.do(lambda: True, address="A", identity="CP1", in_front=False)


async def test_a_place_in_front_is_there_also_when_all_is_full(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "MOST_WAITING", 2)
    await order.waits("a", address="A")
    await order.waits("b", address="B")
    with pytest.raises(Busy):
        await order.queue.do(lambda: True, address="C", identity="CP1", in_front=False)
    await order.waits("true", address="C", in_front=True)
    assert await order.served() == ["true", "a", "b"]


async def test_who_is_gone_is_passed_over_and_a_mistake_is_its_own(order: Order) -> None:
    asked: list[str] = []

    def ask() -> bool:
        asked.append("gone")
        return True

    gone = asyncio.create_task(order.queue.do(ask, address="A", identity="CP1", in_front=False))
    broken = asyncio.create_task(order.queue.do(lambda: 1 // 0 > 0, address="A", identity="CP1", in_front=False))
    await asyncio.sleep(0)
    gone.cancel()
    await order.waits("last")
    assert await order.served() == ["last"]
    assert asked == []
    with pytest.raises(ZeroDivisionError):
        await broken


def test_a_bucket_fills_again() -> None:
    now = 0.0
    buckets = Buckets(2, 0.5, lambda: now)
    assert [buckets.take("A") for _ in range(3)] == [True, True, False]
    assert buckets.take("B")
    now = 2.0
    assert [buckets.take("A") for _ in range(2)] == [True, False]
    now = 100.0
    assert [buckets.take("A") for _ in range(3)] == [True, True, False]


def test_buckets_take_no_more_room_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_MOST_BUCKETS", 3)
    buckets = Buckets(1, 0.0, lambda: 0.0)
    assert all(buckets.take(name) for name in "ABCD")
    assert not buckets.take("D")
    assert buckets.take("A"), "it was the longest unused one"
