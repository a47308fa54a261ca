"""`csmsctl batch` against a real csmsd: what a script of commands comes to, and that CALLs are out at the same time."""

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site, environment
from tests.support.wire import WAIT

TAGS = 400


async def batch(site: Site, *lines: str | dict[str, Any], arguments: tuple[str, ...] = ()) -> tuple[int, list[Any]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    ended = await site.csmsctl("batch", "-", *arguments, stdin=text)
    return ended.code, [json.loads(line) for line in ended.out.splitlines()]


async def test_a_script_does_what_its_lines_would_do_one_after_the_other(site: Site) -> None:
    code, found = await batch(
        site,
        "# a card, given out and taken back",
        'tag add A1 --note "Ada\'s card"',
        "tag block A1",
        {"command": "tag set", "tag": "A1", "max-transactions": 2},
        "tag show A1",
        "tag remove A1",
        "tag remove A1 --yes",
        "tag show A1",
    )
    assert code == 9
    assert [line["exit_code"] for line in found] == [0, 0, 0, 0, 10, 0, 3]
    [tag] = found[3]["result"]["tags"]
    assert (tag["note"], tag["blocked"], tag["max_transactions"]) == ("Ada's card", True, 2)
    assert (await batch(site, "tag list"))[0] == 0


async def test_hundreds_of_lines_over_one_connection(site: Site) -> None:
    code, found = await batch(site, *(f"tag add T{number:03}" for number in range(TAGS)), "tag add T000", "tag list")
    assert code == 0
    assert [line["line"] for line in found] == list(range(1, TAGS + 3))
    assert [line["result"]["changed"] for line in found[:-1]] == [True] * TAGS + [False]
    assert len(found[-1]["result"]["tags"]) == TAGS


async def test_charge_points_are_asked_at_the_same_time(site: Site) -> None:
    charge_points = [await site.raw(f"CP{number}") for number in range(6)]
    lines = [f"trigger-message CP{number} --message Heartbeat" for number in range(6)]
    running = asyncio.create_task(batch(site, *lines, "status"))
    # None answers before all of them are asked.
    asked = await asyncio.wait_for(asyncio.gather(*(one.calls.get() for one in charge_points)), WAIT)
    for charge_point, frame in zip(reversed(charge_points), reversed(asked), strict=True):
        await _accept(charge_point, frame)
    code, found = await running
    assert code == 0
    assert [line["result"]["results"][0]["charge_point"] for line in found[:-1]] == [f"CP{n}" for n in range(6)]


@pytest.mark.slow
async def test_thousands_of_calls_to_simulated_charge_points(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"unknown_charge_points": "accept"}})
    arguments = ["simulate", "--url", f"ws://{site.listen}/ocpp", "--count", "50", "--connectors", "1"]
    simulation = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csmsctl", *arguments), stdout=asyncio.subprocess.DEVNULL, env=environment()
    )
    try:
        events = await site.watch("connector.status")
        for _ in range(50):
            await events.event("connector.status")
        lines = [f"change-configuration SIM-{n % 50 + 1} --set HeartbeatInterval={300 + n // 50}" for n in range(2000)]
        code, found = await batch(site, *lines)
        assert code == 0
        assert [line["line"] for line in found] == list(range(1, 2001))
        # Lines for one charge point were carried out in their order: the last one is what holds.
        code, found = await batch(site, *(f"get-configuration SIM-{n} --key HeartbeatInterval" for n in range(1, 51)))
        keys = [line["result"]["results"][0]["response"]["configurationKey"][0]["value"] for line in found]
        assert (code, set(keys)) == (0, {"339"})
    finally:
        simulation.terminate()
        await simulation.wait()


async def _accept(charge_point: RawChargePoint, frame: list[Any]) -> None:
    await charge_point.frame(3, frame[1], {"status": "Accepted"})
