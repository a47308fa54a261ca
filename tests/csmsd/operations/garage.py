"""Two charge points behind a fuse, and csmsd's load manager, which runs."""

import asyncio
from collections.abc import Callable

from csmsd.operations.load_manager import LoadManager
from csmsd.profiles.load_management.circuits import Circuit, Key, Member
from csmsd.profiles.load_management.load import LoadManagement
from csmsd.profiles.policies import LoadPolicies
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import WITHIN_SECONDS, Asked, Engine
from tests.csmsd.profiles.scene import SECOND

A = 1000
OBEY_S = 10


class Garage:
    """CP1 and CP2 behind 20 A, and csmsd's load manager, which runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.set_ahead_by = 0  # csmsd's clock, in seconds
        self.settings = LoadPolicies(raise_step=0, arrival_reserve=0)
        self.begin()

    def begin(self, boot: str | None = None, seen_at: int | None = None) -> None:
        engine = self.engine
        self.manager = LoadManager(
            engine.live,
            engine.runner,
            engine.links,
            engine.bus,
            engine.scene.site.policies,
            self.settings,
            lambda at: 0,
            lambda: engine.scene.now - self.set_ahead_by * SECOND,
            boot,
            seen_at,
        )
        self.task = asyncio.create_task(self.manager.run())

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def set_clock(self, by_s: int) -> None:
        self.engine.scene.now += by_s * SECOND
        self.set_ahead_by += by_s

    @property
    def load(self) -> LoadManagement:
        return self.engine.live.site.smart_charging.load

    async def open(self) -> None:
        scene = self.engine.scene
        scene.register("CP2")
        scene.site.charge_points["cp2"].connected_at = scene.now
        await self.engine.store(*(state.record for state in scene.site.charge_points.values()))
        circuit = Circuit(name="garage", l1_ma=20 * A, l2_ma=20 * A, l3_ma=20 * A)
        members = [Member(circuit="garage", charge_point=name) for name in ("CP1", "CP2")]
        changes = self.load.replace([circuit], members)
        await self.engine.live.keep(changes, [Event("circuit.changed", None, {})])

    async def next(self) -> Asked:
        return await self.engine.links.next()

    async def installed(self) -> None:
        """Both have their defaults, and then their fallbacks: those fit when neither may draw its rating."""
        for _ in range(4):
            (await self.next()).confirm(status="Accepted")
        await self.until(lambda: all(self._has_its_fallback(key) for key in self.load.members))

    def _has_its_fallback(self, key: Key) -> bool:
        found = self.load.ledger.newest(key, "default")
        return found is not None and found.accepted_at is not None and found.fallback_ma == 10 * A

    async def until(self, holds: Callable[[], bool]) -> None:
        """With a round whenever something may have changed."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not holds():
                self.stir()
                await asyncio.sleep(0.01)

    async def all_answered(self) -> None:
        """What was answered has been heard."""
        async with asyncio.timeout(WITHIN_SECONDS):
            await asyncio.gather(*self.manager._tasks)

    def has_accepted(self, transaction: int, amperes: int) -> bool:
        lent = self.load.ledger.newest(("cp1", 1), "transaction", transaction)
        return lent is not None and lent.ma == amperes * A and lent.accepted_at is not None

    def stir(self) -> None:
        self.engine.bus.publish(Event("circuit.limited", None, {}))

    def pass_time(self, seconds: float) -> None:
        self.engine.scene.now += round(seconds * SECOND)
        self.stir()

    def car_begins(self, identity: str) -> int:
        number = self.engine.scene.started(by=identity).id
        self.stir()
        return number


def limits(asked: Asked) -> list[tuple[float, int]]:
    """What its profile allows, and from which second of its schedule on."""
    schedule = asked.payload["csChargingProfiles"]["chargingSchedule"]
    return [(period["limit"], period["startPeriod"]) for period in schedule["chargingSchedulePeriod"]]
