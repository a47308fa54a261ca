"""Problems and open tasks of a running csmsd, as `status` shows them."""

import asyncio
from typing import Any

from tests.support.site import Site


async def kinds(site: Site) -> list[str]:
    found = await site.json("status", "--problems")
    return [problem["kind"] for problem in found["problems"]]


async def test_who_does_not_answer_is_a_problem_until_it_does(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert await kinds(site) == []

    asked = asyncio.create_task(site.csmsctl("clear-cache", "CP1"))
    request = await charge_point.asked("ClearCache")
    found: dict[str, Any] = await site.json("status")
    assert found["daemon"]["open_tasks"] == 1
    (task,) = found["charge_points"][0]["open_tasks"]
    assert task["action"] == "ClearCache"

    await charge_point.answer(request, {"status": "Accepted"})
    assert (await asked).code == 0
    assert await kinds(site) == []

    assert (await site.csmsctl("clear-cache", "CP1", "--timeout", "0.1")).code == 8
    await charge_point.asked("ClearCache")
    assert await kinds(site) == ["no_answer"]
    found = await site.json("status")
    assert found["daemon"]["open_tasks"] == 0

    again = asyncio.create_task(site.csmsctl("clear-cache", "CP1"))
    request = await charge_point.asked("ClearCache")
    await charge_point.answer(request, {"status": "Accepted"})
    assert (await again).code == 0
    assert await kinds(site) == []

    await site.register("CP2")
    assert await kinds(site) == ["never_connected"]
    assert (await site.csmsctl("clear-cache", "CP2", "--queue")).code == 0
    found = await site.json("status", "CP2")
    assert (found["daemon"]["open_tasks"], found["daemon"]["queued_commands"]) == (0, 1)
    (task,) = found["charge_points"][0]["open_tasks"]
    assert (task["action"], task["state"]) == ("ClearCache", "queued")
    assert "1 charge point wants attention; see: csmsctl status --problems" in (await site.csmsctl("status")).out
