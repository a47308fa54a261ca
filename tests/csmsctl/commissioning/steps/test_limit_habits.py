"""The step on how limits are taken: simulated charge points with habits, and what is kept of that."""

import asyncio
from typing import Any

from csmsctl.simulator.car import Car
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.connection import Connection, simulator_clock
from csmsctl.simulator.driver import ObligingDrivers
from csmsctl.simulator.notice import Notice
from tests.support.site import Site

HABITS: dict[str, tuple[str, ...]] = {
    "PLAIN": (),
    "WATTS": ("power-only", "refuses-zero"),
    "WHOLE": ("whole-amperes", "wrong-clock"),
    "KEEPS": ("first-period",),
    "DEAF": ("ignores-limits",),
    "OFFERED": ("starts-on-offer",),
}


NAMES = ("unit", "decimals", "zero", "lease_ends", "clock_ahead_ms", "begins_at_zero")


async def simulated(site: Site) -> list[asyncio.Task[None]]:
    """All of them, with cars that come when they are asked for, and have been accepted."""
    accepted = {identity: asyncio.Event() for identity in HABITS}

    def report(notice: Notice) -> None:
        if notice.event == "registered" and notice.charge_point is not None:
            accepted[notice.charge_point].set()

    tasks = []
    for identity, habits in HABITS.items():
        await site.register(identity)
        car = Car(soc=20, ramp_s=1, obeys_s=0.2)
        point = ChargePoint(identity, now=simulator_clock(), seed=1, misbehave=habits, cars=[car])
        ObligingDrivers(point, seconds_to_plug=0.1, seconds_to_unplug=0.1)
        connection = Connection(point, site.url("").rstrip("/"), report)
        tasks.append(asyncio.create_task(connection.run()))
    async with asyncio.timeout(30):
        await asyncio.gather(*(event.wait() for event in accepted.values()))
    return tasks


async def tried(site: Site, identity: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The step, and what is kept of it."""
    words = ("cp", "test", identity, "--suite", "full", "--step", "limit-habits", "--charge", "3")
    ended = await site.csmsctl("--json", "--yes", "--timeout", "20", *words)
    assert ended.out, ended
    [step] = ended.json["steps"]
    assert ended.json["left_behind"] == [], ended
    kept = (await site.call("charge_point.show", id=identity))["limit_habits"]
    return step, kept


async def test_each_tells_how_it_takes_limits(site: Site) -> None:
    tasks = await simulated(site)
    try:
        found = dict(zip(HABITS, await asyncio.gather(*(tried(site, identity) for identity in HABITS)), strict=True))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kept(identity: str) -> list[Any]:
        habits = found[identity][1]
        assert habits is not None, found[identity]
        return [habits[name] for name in NAMES]

    results = {identity: step["result"] for identity, (step, _) in found.items()}
    assert results == {
        "PLAIN": "pass", "WATTS": "pass", "WHOLE": "pass", "KEEPS": "fail", "DEAF": "fail", "OFFERED": "pass"
    }, found  # fmt: skip
    assert kept("PLAIN") == ["A", True, True, True, 0, True]
    assert kept("WATTS") == ["W", None, False, True, 0, None]
    assert kept("WHOLE")[:4] == ["A", False, True, True]
    assert 230_000 < kept("WHOLE")[4] < 245_000
    assert kept("KEEPS") == ["A", True, True, False, 0, True]
    assert kept("OFFERED") == ["A", True, True, True, 0, False]
    assert "keeps a limit for longer" in found["KEEPS"][0]["reason"]
    assert found["DEAF"][1] is None
    assert "draws more for 9 s" in found["DEAF"][0]["reason"]
    plain = found["PLAIN"][1]
    assert plain is not None
    assert 0 <= plain["reaction_ms"] < 10_000
    assert (await site.call("profile.installed"))["installed_profiles"] == []
    assert (await site.call("tag.list"))["tags"] == []
