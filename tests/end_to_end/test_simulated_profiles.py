"""Charging profiles between csmsd and a simulated charge point: the power follows, and both reckon the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.control import ControlConnection
from tests.support.simulator import simulator
from tests.support.site import Site

PATIENCE = 60.0


@asynccontextmanager
async def charging(site: Site) -> AsyncIterator[ControlConnection]:
    """SIM-1, with a car on connector 1 that draws what it can; told are its statuses."""
    await site.call("tag.add", id="TAG1")
    await site.register("SIM-1")
    watcher = await site.watch("connector.status", "transaction.started", "transaction.stopped")
    options = ("--seed", "1", "--speed", "20", "--set", "MeterValueSampleInterval=1")
    async with simulator(site, "SIM-1", options=options) as lines:
        await reported(watcher, 2, "Available")
        lines.write(b"plug SIM-1 1\npresent SIM-1 1 TAG1\n")
        await watcher.event("transaction.started", "SIM-1")
        await reported(watcher, 1, "Charging")
        yield watcher


async def reported(watcher: ControlConnection, connector: int, status: str) -> None:
    while True:
        told = (await watcher.event("connector.status", "SIM-1"))["data"]
        if (told["connector"], told["status"]) == (connector, status):
            return


async def power(site: Site, fits: Callable[[float], bool]) -> float:
    """What `status` shows, as soon as it fits."""
    async with asyncio.timeout(PATIENCE):
        while True:
            [charge_point] = (await site.json("status", "SIM-1"))["charge_points"]
            shown = next(one["power_w"] for one in charge_point["connectors"] if one["connector"] == 1)
            if shown is not None and fits(shown):
                return float(shown)
            await asyncio.sleep(0.3)


async def verified(site: Site, connector: int = 1) -> Any:
    found = await site.json("profile", "verify", "SIM-1", "--connector", str(connector), "--duration", "86400")
    assert (found["agrees"], found["differences"]) == (True, [])
    return found["reported"]


async def test_the_power_drops_and_both_reckon_the_same(site: Site) -> None:
    for words in (
        ("six", "--limit", "6A"),
        ("nothing", "--limit", "0A", "--purpose", "TxProfile"),
        ("cap", "--limit", "9kW", "--purpose", "ChargePointMaxProfile"),
        ("night", "--daily", "22:00-06:00=32A,06:00-22:00=8A", "--stack-level", "1"),
    ):
        assert (await site.csmsctl("profile", "add", *words)).code == 0
    async with charging(site) as watcher:
        before = await power(site, lambda shown: shown > 6000)
        send = ("set-charging-profile", "SIM-1", "--profile")
        assert (await site.csmsctl(*send, "six", "--connector", "1")).code == 0
        limited = await power(site, lambda shown: shown < before - 1000)
        assert limited in (pytest.approx(6 * 230), pytest.approx(6 * 230 * 3))
        await verified(site)

        assert (await site.csmsctl(*send, "nothing", "--connector", "1")).code == 0
        await reported(watcher, 1, "SuspendedEVSE")
        assert await power(site, lambda shown: shown == 0) == 0
        assert (await site.csmsctl("clear-charging-profile", "SIM-1", "--purpose", "TxProfile")).code == 0
        await reported(watcher, 1, "Charging")

        assert (await site.csmsctl(*send, "cap", "--connector", "0")).code == 0
        assert (await site.csmsctl(*send, "night", "--connector", "0")).code == 0
        for connector in (0, 1, 2):
            assert await verified(site, connector)

        assert (await site.csmsctl("clear-charging-profile", "SIM-1")).code == 0
        # What is shown at first may still be what the cap allowed, which at night was all that held.
        assert await power(site, lambda shown: shown > before * 0.95) == pytest.approx(before, rel=0.05)
        await verified(site)


async def test_what_csmsd_would_not_send_is_rejected(site: Site) -> None:
    assert (await site.csmsctl("profile", "add", "high", "--limit", "6A", "--stack-level", "10")).code == 0
    async with charging(site):
        words = ("set-charging-profile", "SIM-1", "--profile", "high", "--connector", "1")
        ended = await site.csmsctl("--json", *words, "--force")
        assert (ended.code, ended.json["results"][0]["status"]) == (7, "Rejected")
