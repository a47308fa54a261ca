"""Slow hashes, off the event loop. However many guess, who waits for one is served in turn, and nobody is locked out.

Those within the budgets of their address and of their identity there come first, and of these an identity at the
address from which it was let in last; then one of each address in turn. The others are served when none of these waits.
"""

import asyncio
import os
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic

_AT_ONCE = 2
_NICENESS = 5  # of the threads: charge points that are connected are served first
# Who comes then is not served: it would be cut before its turn.
MOST_WAITING = 1_024
MOST_OF_ADDRESS = 256
# Tries that an address has at once, and more of them each second; and of one identity at one address.
_OF_ADDRESS = (100.0, 10.0)
_OF_IDENTITY = (10.0, 0.5)
_MOST_BUCKETS = 10_000

_Job = tuple[Callable[[], bool], "asyncio.Future[bool]"]


class Busy(Exception):
    """So many wait already that it makes no sense to wait."""


class Buckets:
    """Token buckets by key, of which the longest unused ones are forgotten: they are full again by then."""

    def __init__(self, size: float, a_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._size = size
        self._a_second = a_second
        self._clock = clock
        self._levels: OrderedDict[tuple[str, ...], tuple[float, float]] = OrderedDict()  # tokens, and when

    def take(self, *key: str) -> bool:
        """Takes a token; whether there was one."""
        now = self._clock()
        level, at = self._levels.pop(key, (self._size, now))
        level = min(self._size, level + (now - at) * self._a_second)
        had = level >= 1
        self._levels[key] = (level - 1 if had else level, now)
        if len(self._levels) > _MOST_BUCKETS:
            self._levels.popitem(last=False)
        return had


class HashQueue:
    """Does the work of many in few threads, in the order that its module tells."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "password", _step_back)
        self._of_address = Buckets(*_OF_ADDRESS)
        self._of_identity = Buckets(*_OF_IDENTITY)
        self._front: deque[_Job] = deque()
        self._in_turn: OrderedDict[str, deque[_Job]] = OrderedDict()  # by address
        self._others: deque[_Job] = deque()
        self._waiting_at: Counter[str] = Counter()
        self._workers = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, work: Callable[[], bool], *, address: str, identity: str, in_front: bool) -> bool:
        """What `work` returns, once its turn has come. Raises Busy."""
        if self._waiting_at[address] >= MOST_OF_ADDRESS or (not in_front and self.waiting >= MOST_WAITING):
            raise Busy
        job: _Job = (work, asyncio.get_running_loop().create_future())
        within = self._of_address.take(address) & self._of_identity.take(address, identity)
        if not within:
            self._others.append(job)
        elif in_front:
            self._front.append(job)
        else:
            self._in_turn.setdefault(address, deque()).append(job)
        self._waiting_at[address] += 1
        if self._workers < _AT_ONCE:
            self._workers += 1
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            return await job[1]
        finally:
            self._waiting_at[address] -= 1
            if not self._waiting_at[address]:
                del self._waiting_at[address]

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._front) + sum(map(len, self._in_turn.values())) + len(self._others)

    async def _work(self) -> None:
        """Until nobody waits."""
        loop = asyncio.get_running_loop()
        try:
            while (job := self._next()) is not None:
                work, done = job
                if done.cancelled():  # whoever waited is gone
                    continue
                try:
                    found = await loop.run_in_executor(self._threads, work)
                except Exception as error:  # one that waits must not keep the others waiting
                    if not done.cancelled():
                        done.set_exception(error)
                else:
                    if not done.cancelled():
                        done.set_result(found)
        finally:
            self._workers -= 1

    def _next(self) -> _Job | None:
        if self._front:
            return self._front.popleft()
        if not self._in_turn:
            return self._others.popleft() if self._others else None
        address, jobs = self._in_turn.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._in_turn[address] = jobs  # behind the other addresses
        return job


def _step_back() -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
