"""One run: circuits are measured while it goes on, and a breaker that trips is told at once and at the end."""

import asyncio

from csmsctl.simulator.car import Car
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.connection import simulator_clock
from csmsctl.simulator.driver import one_driver_visit
from csmsctl.simulator.notice import Notice
from csmsctl.simulator.simulation import Simulation
from csmsd.profiles.load_management.circuits import Circuit, Member
from tests.csmsctl.simulator.ocpp_server import PATIENCE, ocpp_server

SPEED = 600


async def test_a_breaker_that_trips() -> None:
    """Two cars of 16 A behind 16 A: twice its rating, borne for four minutes, which are less than half a second."""
    told: list[Notice] = []
    tripped = asyncio.Event()

    def report(notice: Notice) -> None:
        told.append(notice)
        if notice.event == "breaker_tripped":
            tripped.set()

    points = [
        ChargePoint(f"SIM-{number}", now=simulator_clock(), seed=number, speed=SPEED, cars=[Car(soc=10)])
        for number in (1, 2)
    ]
    for point in points:
        one_driver_visit(point, 1, "TAG", 60)
    async with ocpp_server() as server:
        simulation = Simulation(
            points,
            server.url,
            report,
            lambda text: None,
            circuits=[Circuit(name="main", l1_ma=16_000, l2_ma=16_000, l3_ma=16_000)],
            members=[Member(circuit="main", charge_point=point.identity) for point in points],
            speed=SPEED,
        )
        run = asyncio.create_task(simulation.run(None, controlled=False))
        async with asyncio.timeout(PATIENCE):
            await tripped.wait()
        assert all(point.dark for point in points)
        simulation.end()
        assert await run is None
    assert simulation.circuits.trips == 1
    assert [notice.event for notice in told if notice.circuit == "main"][-1] == "circuit_carried"
    assert told[-1].details["over_s"]
