"""Charging profiles that are sent again after a reconnect, when the settings say so: some charge points lose them."""

import asyncio
import logging
from typing import ClassVar

from csmsd.events import NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.operations.options import Options
from csmsd.operations.runner import OperationRunner
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import EventType
from csmsd.profiles.smart_charging.set_charging_profile import again

log = logging.getLogger(__name__)


class Reassertion:
    """Listens for connections; what it sends waits for the boot to be answered like any other CALL."""

    STIRRING: ClassVar[tuple[EventType, ...]] = ("charge_point.connected",)

    def __init__(self, live: LiveSite, runner: OperationRunner, policies: Policies) -> None:
        self._live = live
        self._runner = runner
        self._policies = policies
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._once_more: set[str] = set()

    def told(self, event: NumberedEvent) -> None:
        """One round for a charge point at a time; a connection during a round has another one follow it."""
        if event.charge_point is None:
            return
        site = self._live.site
        state = site.charge_point(event.charge_point)
        if state is None or not site.smart_charging.installed.of(state.id):
            return
        own = state.record.reassert
        if not (site.policies.reassert_charging_profiles if own is None else own):
            return
        identity = state.id
        if identity in self._under_way:
            self._once_more.add(identity)
            return
        self._begin(identity)

    def _begin(self, identity: str) -> None:
        task = asyncio.create_task(self._send(identity), name=f"reassert {identity}")
        self._under_way[identity] = task
        task.add_done_callback(lambda task: self._over(identity, task))

    def _over(self, identity: str, task: asyncio.Task[None]) -> None:
        del self._under_way[identity]
        if identity in self._once_more:
            self._once_more.discard(identity)
            if not task.cancelled():
                self._begin(identity)

    async def _send(self, identity: str) -> None:
        state = self._live.site.charge_point(identity)
        if state is None:
            return
        try:
            results = await self._runner.run([state], again, Options(timeout=self._policies.call_timeout))
        except Exception:
            log.exception("%s: its charging profiles could not be sent again", identity)
            return
        refused = [result for result in results if result.outcome != "accepted"]
        if refused:
            log.warning("%s did not take %d of its charging profiles again", identity, len(refused))
