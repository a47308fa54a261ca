"""Charging profiles that are sent again, when the settings say so: charge points lose them with the connection,
and clocks that they follow are changed."""

import asyncio
import logging
from typing import ClassVar

from csmsd.events import NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.operations.options import Options
from csmsd.operations.runner import OperationRunner
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import EventType
from csmsd.profiles.smart_charging.set_charging_profile import set_charging_profiles_again
from csmsd.profiles.smart_charging.wall_clock import off_clock

log = logging.getLogger(__name__)


class Reassertion:
    """Listens for connections; what it sends waits for the boot to be answered like any other CALL."""

    STIRRING: ClassVar[tuple[EventType, ...]] = ("charge_point.connected", "profile.changed")

    def __init__(self, live: LiveSite, runner: OperationRunner, policies: Policies) -> None:
        self._live = live
        self._runner = runner
        self._policies = policies
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._once_more: set[str] = set()

    def told(self, event: NumberedEvent) -> None:
        """One round for a charge point at a time; a connection during a round has another one follow it."""
        if event.type == "profile.changed":
            if event.data.get("clocks_of"):
                self._clocks_changed()
        elif event.charge_point is not None:
            self._perhaps(event.charge_point)

    def _clocks_changed(self) -> None:
        """What is off the clocks since is sent anew; who is away gets it with the next connection."""
        site = self._live.site
        for state in site.charge_points.values():
            if state.connected and any(
                off_clock(site.smart_charging.installed.of(state.id), site.smart_charging.library)
            ):
                self._perhaps(state.id)

    def _perhaps(self, identity: str) -> None:
        site = self._live.site
        state = site.charge_point(identity)
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
            results = await self._runner.run(
                [state], set_charging_profiles_again, Options(timeout=self._policies.call_timeout)
            )
        except Exception:
            log.exception("%s: its charging profiles could not be sent again", identity)
            return
        refused = [result for result in results if result.outcome != "accepted"]
        if refused:
            log.warning("%s did not take %d of its charging profiles again", identity, len(refused))
