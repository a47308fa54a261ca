"""Cars behind one fuse, on real sockets: breakers that measure for themselves say whether csmsd keeps them below it.

Charge points and cars are those of `csmsctl simulate`, and csmsd is killed while they charge. How much is over a limit,
and for how long, is what the simulated breakers say, not what csmsd believes.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from csmsctl.simulator.car_descriptions import car_of_description
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.circuits import Line
from csmsctl.simulator.connection import simulator_clock
from csmsctl.simulator.driver import Visitors
from csmsctl.simulator.notice import Notice
from csmsctl.simulator.simulation import Simulation
from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.load_management.description import describe_circuits
from tests.support.ports import free_port
from tests.support.site import Site

PATIENCE = 90.0
LEAST_A = 6.0
LOAD_MANAGEMENT = {"margin": 60, "obey": 1, "turn": 60, "min_switch": 20}
# csmsd with a planner that goes by what it has sent as if that had arrived.
RAISES_AT_ONCE = """
from csmsd.operations import load_manager
from tests.csmsd.profiles.load_management.careless_planners import RaisesAtOnce

load_manager.Planner = RaisesAtOnce
from csmsd.__main__ import main
main()
"""


class SteadySite(Site):
    """Its csmsd is found where it was before it was killed."""

    def __init__(self, lease_s: int = 900) -> None:
        load_management = LOAD_MANAGEMENT | {"lease": lease_s}
        super().__init__({"load_management": load_management, "ocpp": {"unknown_id_tags": "Accepted"}})
        self.port = free_port()

    def command(self, *more: str) -> list[str]:
        return [word.replace("127.0.0.1:0", f"127.0.0.1:{self.port}") for word in super().command(*more)]


class HastySite(SteadySite):
    """Its csmsd does not lower first."""

    def command(self, *more: str) -> list[str]:
        module = super().command(*more)
        return [sys.executable, "-c", RAISES_AT_ONCE, *module[module.index("csmsd") + 1 :]]


def circuit(name: str, amperes: int, parent: str | None = None) -> Circuit:
    return Circuit(name=name, parent=parent, l1_ma=amperes * 1000, l2_ma=amperes * 1000, l3_ma=amperes * 1000)


class Garage:
    """A site whose circuits are known to csmsd and to the simulated breakers alike."""

    def __init__(self, site: Site, simulation: Simulation, points: dict[str, ChargePoint]) -> None:
        self.site = site
        self.simulation = simulation
        self.points = points

    def line(self, name: str) -> Line:
        return self.simulation.circuits.lines[name]

    def drawn(self, identity: str) -> float:
        return self.points[identity].connectors[1].meter.current_a

    def do(self, line: str) -> None:
        self.simulation.obey(line)

    def come(self, identity: str) -> None:
        """A driver plugs in and presents a card."""
        self.do(f"plug {identity} 1")
        self.do(f"present {identity} 1 TAG")

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    if holds():
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{what}: {[round(self.drawn(one), 1) for one in self.points]}") from None

    async def all_managed(self) -> None:
        """Everybody has accepted its limits."""
        async with asyncio.timeout(4 * PATIENCE):
            while True:
                if set((await self.states()).values()) == {"idle"}:
                    return
                await asyncio.sleep(0.1)

    async def until_unmanaged(self, names: list[str]) -> None:
        async with asyncio.timeout(4 * PATIENCE):
            while True:
                states = await self.states()
                if {states[name] for name in names} == {"unmanaged"}:
                    return
                await asyncio.sleep(0.5)

    async def states(self) -> dict[str, str]:
        return {one["charge_point"]: one["state"] for one in (await self.site.call("load.status"))["members"]}

    def most_a(self, name: str) -> float:
        """What a line has carried on its fullest phase."""
        return max(one.most_a for one in self.line(name).breakers if one is not None)

    def over_s(self) -> dict[str, float]:
        """Of each line, in seconds of the simulation."""
        breakers = {name: line.breakers for name, line in self.simulation.circuits.lines.items()}
        return {name: max(one.over_s for one in found if one is not None) for name, found in breakers.items()}


@asynccontextmanager
async def garage(
    site: Site,
    circuits: list[Circuit],
    members: list[Member],
    cars: list[str],
    speed: float,
    misbehave: Sequence[str] = (),
) -> AsyncIterator[Garage]:
    """Everybody has accepted its limits. Cars and kinds of misbehaviour (`` for none) go round."""
    points = {}
    for number, member in enumerate(members):
        await site.register(member.charge_point)
        car = car_of_description(cars[number % len(cars)])
        fault = misbehave[number % len(misbehave)] if misbehave else ""
        if fault == "refuses-zero":  # csmsd would learn it, in some minutes
            await site.call("load.manner", charge_point=member.charge_point, pause="minimum")
        points[member.charge_point] = ChargePoint(
            member.charge_point, now=simulator_clock(), connectors=1, seed=number, speed=speed, cars=[car],
            misbehave=[fault] if fault else [],
            settings={"MeterValueSampleInterval": "2", "AllowOfflineTxForUnknownId": "true"},
        )  # fmt: skip
    await site.call("circuit.import", circuits=describe_circuits(circuits, members)["circuits"])
    told: list[Notice] = []
    simulation = Simulation(
        list(points.values()), site.url("").rstrip("/"), told.append, told.append,  # type: ignore[arg-type]
        circuits=circuits, members=members, speed=speed,
    )  # fmt: skip
    run = asyncio.create_task(simulation.run(None, controlled=False))
    try:
        found = Garage(site, simulation, points)
        await found.all_managed()
        yield found
    finally:
        simulation.end()
        await run


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[Site]:
    try:
        await site.start()
        yield site
    finally:
        await site.close()


async def four_cars_and_a_kill(site: Site) -> dict[str, float]:
    """Two behind 32 A, a third while the first is away and csmsd is killed, a fourth. For how long it was too much."""
    names = [f"CP{number}" for number in range(1, 5)]
    members = [Member(circuit="main", charge_point=name) for name in names]
    # Each goes down 0.8 s after it was told to, which is within the second that csmsd waits.
    async with garage(site, [circuit("main", 32)], members, ["3x16A,soc=20,slow=8s,ramp=2s"], speed=10) as there:
        there.come("CP1")
        there.come("CP2")
        await there.until("two have all there is", lambda: there.drawn("CP1") == there.drawn("CP2") == 16)
        there.do("offline CP1")
        await site.kill()
        there.come("CP3")
        await site.start()
        await there.until("three charge", lambda: min(there.drawn(name) for name in names[:3]) >= LEAST_A)
        assert there.drawn("CP1") == 16  # nobody can tell it otherwise
        there.do("online CP1")
        there.come("CP4")
        await there.until("four charge", lambda: min(there.drawn(name) for name in names) >= LEAST_A)
        await there.until("they share it", lambda: sum(there.drawn(name) for name in names) == 32)
        assert there.simulation.circuits.trips == 0
        return there.over_s()


async def test_four_cars_share_a_fuse_whatever_becomes_of_csmsd() -> None:
    async with running(SteadySite()) as site:
        assert await four_cars_and_a_kill(site) == {"main": 0.0}


@pytest.mark.slow
async def test_a_planner_that_does_not_lower_first_is_found_out_by_the_breaker() -> None:
    hasty = HastySite()
    hasty.from_scratch = True
    async with running(hasty) as site:
        assert (await four_cars_and_a_kill(site))["main"] > 0


MINUTES = 10
KILLS = 5


@pytest.mark.slow
async def test_thirty_charge_points_on_a_tree_of_four_circuits_and_csmsd_killed_five_times() -> None:
    """Ten minutes that are five hours for cars and breakers; links fail and charge points boot as well.

    Most charge points have a fault: answers that are late, or come twice; limits that are refused, or lost in a reboot.
    """
    chance = random.Random(14)
    lines = ["north", "south", "yard"]
    circuits = [circuit("main", 63), *(circuit(name, 32, "main") for name in lines)]
    wirings = ("L1L2L3", "L2L3L1", "L3L1L2")
    members = [
        Member(circuit=lines[number % 3], charge_point=f"CP{number:02}", phases=wirings[number // 3 % 3])
        for number in range(30)
    ]
    cars = ["3x16A", "1x32A,late=60s", "3x32A,soc=75,slow=20s", "3x16A,minimum=8A", "1x16A,pauses=4", "3x16A,ramp=30s"]
    misbehave = [
        "", "late-answers", "doubled-answers", "forgets-profiles", "no-tx-profiles", "refuses-zero", "wrong-clock",
        "starts-on-offer", "power-only", "whole-amperes",
    ]  # fmt: skip
    async with running(SteadySite(lease_s=120)) as site, garage(site, circuits, members, cars, 30, misbehave) as there:
        for point in there.points.values():
            visitors = Visitors(point, ["A", "B"])
            visitors.pause, visitors.stay = (5.0, 60.0), (30.0, 200.0)
        end = asyncio.get_running_loop().time() + MINUTES * 60
        kills = sorted(chance.uniform(30, MINUTES * 60 - 60) for _ in range(KILLS))
        while (left := end - asyncio.get_running_loop().time()) > 0:
            if kills and MINUTES * 60 - left >= kills[0]:
                kills.pop(0)
                await site.kill()
                await asyncio.sleep(chance.uniform(0, 20))
                await site.start()
            name = chance.choice(list(there.points))
            there.do(f"{chance.choice(['offline', 'offline', 'power-failure'])} {name}")
            await asyncio.sleep(chance.uniform(1, 8))
            there.do(f"online {name}")
            await asyncio.sleep(chance.uniform(1, 8))
        assert not kills
        assert there.simulation.circuits.trips == 0
        assert there.over_s() == {"main": 0.0, "north": 0.0, "south": 0.0, "yard": 0.0}
        # It was of use, too, although who refuses 0 A, or does not answer in time, counts also when nothing runs there.
        most = {name: there.most_a(name) for name in ("main", *lines)}
        assert most["main"] > 0.5 * 63, most
        assert max(most[name] for name in lines) > 0.6 * 32, most


@pytest.mark.slow
async def test_who_ignores_limits_counts_with_what_it_draws_and_the_others_make_room() -> None:
    """Two that take what they can, after four others have shared all there is; noticed before a breaker trips."""
    names = [f"CP{number}" for number in range(1, 7)]
    members = [Member(circuit="main", charge_point=name) for name in names]
    cars = ["3x32A,soc=20"] * 4 + ["3x16A,soc=20"] * 2
    misbehave = [""] * 4 + ["ignores-limits"] * 2
    async with running(SteadySite()) as site, garage(site, [circuit("main", 63)], members, cars, 2, misbehave) as there:
        for name in names[:4]:
            there.come(name)
        await there.until("they share it", lambda: sum(there.drawn(name) for name in names[:4]) >= 60)
        assert there.over_s() == {"main": 0.0}
        for name in names[4:]:
            there.come(name)
        await there.until("two take what they can", lambda: min(there.drawn(name) for name in names[4:]) == 16)
        await there.until_unmanaged(names[4:])
        await there.until("the others make room", lambda: sum(there.drawn(name) for name in names) <= 63)
        over = there.over_s()
        assert sum(there.drawn(name) for name in names[:4]) >= 24, "and charge"
        await asyncio.sleep(60)
        assert (there.over_s(), there.simulation.circuits.trips) == (over, 0)
