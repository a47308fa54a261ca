"""New keys for charge points (whitepaper A01): both are good until it shows which one it has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from csmsd.events import EventBus, NumberedEvent
from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result
from csmsd.operations.sending import Sending, configured, has_taken, reported
from csmsd.profiles.core.security_profiles import WITH_KEY
from csmsd.profiles.record import Event

_SECONDS_TO_LEAVE = 2.0  # after it has taken a new key, where it leaves for that at all
_SECONDS_TO_COME_BACK = 60.0


class KeyMaker(Protocol):
    """How keys of charge points are made and kept."""

    def generate(self) -> str: ...
    def hash(self, password: str, *, generated: bool) -> str: ...


class KeyRotation:
    """What is on its way is in the books before it leaves."""

    def __init__(self, sending: Sending, bus: EventBus, keys: KeyMaker) -> None:
        self._sending = sending
        self._live = sending.live
        self._bus = bus
        self._keys = keys

    async def send(self, identity: str, options: Options, report: Report) -> list[Result]:
        """Both keys are good until the answer, or a login, says which one it is (A01.FR.03, FR.04).

        Where no key is asked for, the newest counts: one that was lost on its way shows nowhere.
        """
        record = self._sending.record(identity)
        if record.password_hash_next is not None and record.security_profile in WITH_KEY:
            text = "a key was sent that it may have taken: it shows when it boots; reset it first"
            return reported(report, not_sent_result(identity, Obstacle.OBJECTION, text))
        key = self._keys.generate()
        kept = await asyncio.to_thread(self._keys.hash, key, generated=True)
        if not options.dry_run:
            record = self._sending.record(identity)
            self._live.require()
            record.password_hash_next = kept
            await self._live.keep([record])
        results = await self._sending.run(
            identity, configured(("AuthorizationKey", key.encode().hex())), options, report
        )
        if options.dry_run:
            return results
        taken = has_taken(results[-1])
        record = self._sending.record(identity)
        if record.password_hash_next != kept:
            return results  # it has logged in with it meanwhile
        if taken is None or results[-1].status == "RebootRequired":
            return results
        record.password_hash, record.password_hash_next = kept if taken else record.password_hash, None
        changed = Event("charge_point.changed", identity, {"registration": record.registration})
        self._live.require()
        await self._live.keep([record], [changed])
        return results

    @asynccontextmanager
    async def back_again(self, identity: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """What waits for a charge point that leaves and comes back for what is done meanwhile (A01)."""
        left, back = asyncio.Event(), asyncio.Event()

        def told(event: NumberedEvent) -> None:
            if event.charge_point == identity:
                left.set()
                back.set() if event.type == "charge_point.connected" else back.clear()

        async def came_back() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS_TO_LEAVE):
                    await left.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS_TO_COME_BACK if left.is_set() else 0):
                    await back.wait()

        end = self._bus.subscribe(told, ("charge_point.connected", "charge_point.disconnected"))
        try:
            yield came_back
        finally:
            end()

    async def settle(self, identity: str) -> None:
        """It has booted with the old key, and nothing is on its way: it did not take the new one (A01.FR.04).

        A login alone says less: some use a new key from the next boot on.
        """
        state = self._sending.state(identity)
        if state is None or state.secured is None or state.record.password_hash_next is None:
            return
        old = state.secured.profile in WITH_KEY and not state.secured.with_next_key
        if old and not state.record.reboot_required:
            state.record.password_hash_next = None
            await self._live.keep([state.record])
