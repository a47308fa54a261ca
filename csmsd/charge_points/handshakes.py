"""The TLS handshakes that are under way, and what is to be written over TLS: a share of each pass of the loop."""

import asyncio
import logging
from collections import Counter, OrderedDict
from time import monotonic
from typing import Protocol

from csmsd.settings.sections import Tls

log = logging.getLogger(__name__)

# Steps of handshakes in one pass of the loop. One takes 0.4 to 5 ms, so others wait for little more.
_BUDGET_SECONDS = 0.01
_TELL_EVERY_SECONDS = 60.0


class Shaking(Protocol):
    """A connection over TLS, as those see it who give turns."""

    origin: str  # whose address counts

    def step(self) -> None:
        """One flight of its handshake."""

    def give_up(self, reason: str) -> None:
        """Another one needs its room."""

    def flush(self) -> None:
        """Sends what was written."""

    def abort(self) -> None: ...


class WriteRound:
    """Who has something to send in this pass of the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Shaking] = []

    def soon(self, transport: Shaking) -> None:
        if not self._waiting:
            self._loop.call_soon(self._go)
        self._waiting.append(transport)

    def _go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            try:
                transport.flush()
            except Exception:  # what is wrong with one must not keep the others waiting
                log.exception("a connection could not be written to")
                transport.abort()


class Handshakes:
    """The handshakes that are under way: whose turn it is, and who has to go when there are too many.

    A reload changes `limits` in place.
    """

    def __init__(self, limits: Tls) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._under_way: OrderedDict[Shaking, None] = OrderedDict()  # the oldest first
        self._at: Counter[str] = Counter()
        self._turns: OrderedDict[str, OrderedDict[Shaking, None]] = OrderedDict()  # by address, each in turn
        self.round = WriteRound()
        self.counts = {"done": 0, "failed": 0}
        self._broken = 0  # connections that broke off, and nobody was told of
        self._told_of_break = -_TELL_EVERY_SECONDS

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, transport: Shaking) -> None:
        """Takes one more; the oldest of the address that has most makes room for it."""
        origin = transport.origin
        if self._at[origin] >= self._limits.max_handshakes_per_address:
            self._give_up_oldest(origin)
        elif len(self._under_way) >= self._limits.max_handshakes:
            self._give_up_oldest(self._at.most_common(1)[0][0])
        self._under_way[transport] = None
        self._at[origin] += 1

    def tell_of_break(self, peer: str, why: str) -> None:
        """One line a minute, however many send what is no TLS once it stands."""
        self._broken += 1
        if monotonic() - self._told_of_break >= _TELL_EVERY_SECONDS:
            others = "" if self._broken == 1 else f" (and {self._broken - 1} others since the last such line)"
            log.warning("%s: TLS breaks off: %s%s", peer, why, others)
            self._told_of_break, self._broken = monotonic(), 0

    def _give_up_oldest(self, origin: str) -> None:
        here = [one for one in self._under_way if one.origin == origin]
        # Who has said something waits for us; who is silent, or has no more to say, keeps others waiting.
        turns = self._turns.get(origin, OrderedDict())
        oldest = next((one for one in here if one not in turns), here[0])
        oldest.give_up("too many handshakes are under way")

    def over(self, transport: Shaking) -> None:
        if transport not in self._under_way:
            return
        del self._under_way[transport]
        turns = self._turns.get(transport.origin, OrderedDict())
        turns.pop(transport, None)
        if not turns:
            self._turns.pop(transport.origin, None)
        self._at[transport.origin] -= 1
        if not self._at[transport.origin]:
            del self._at[transport.origin]

    def step_soon(self, transport: Shaking) -> None:
        """Its peer has said something."""
        if not self._turns:
            self._loop.call_soon(self._go)
        self._turns.setdefault(transport.origin, OrderedDict())[transport] = None

    def _go(self) -> None:
        until = monotonic() + _BUDGET_SECONDS
        while self._turns:
            origin, turns = self._turns.popitem(last=False)
            transport, _ = turns.popitem(last=False)
            if turns:
                self._turns[origin] = turns  # behind the other addresses
            try:
                transport.step()
            except Exception:  # what is wrong with one must not keep the others waiting
                log.exception("a handshake broke off")
                transport.abort()
            if monotonic() >= until:
                break
        if self._turns:
            self._loop.call_soon(self._go)
