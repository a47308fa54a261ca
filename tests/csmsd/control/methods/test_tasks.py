"""Tasks: listed, looked at, cancelled, and what came of them."""

import asyncio
from typing import Any

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def cleared(site: Site, point: RawChargePoint, identity: str = "CP1", status: str = "Accepted") -> dict[str, Any]:
    """ClearCache, answered with that status: its result."""
    running = asyncio.create_task(site.call("operation.run", command="clear-cache", targets=[identity]))
    await point.answer(await point.asked("ClearCache"), {"status": status})
    (result,) = (await running)["results"]
    assert isinstance(result, dict)
    return result


async def test_tasks_are_narrowed_by_what_they_are_asked_for(site: Site) -> None:
    one, two = await site.raw("CP1"), await site.raw("CP2")
    first = await cleared(site, one)
    second = await cleared(site, two, "CP2", "Rejected")
    running = asyncio.create_task(
        site.call("operation.run", command="reset", parameters={"type": "Soft"}, targets=["CP1"])
    )
    frame = await one.asked("Reset")
    third = (await site.call("task.list", action="Reset"))["tasks"][0]["id"]
    for narrowed, found in (
        ({}, [third, second["task"], first["task"]]),
        ({"charge_point": "cp2"}, [second["task"]]),
        ({"action": "ClearCache"}, [second["task"], first["task"]]),
        ({"outcome": "rejected"}, [second["task"]]),
        ({"state": "settled"}, [second["task"], first["task"]]),
        ({"limit": 1}, [third]),
        ({"since": "2100-01-01T00:00:00Z"}, []),
    ):
        assert [task["id"] for task in (await site.call("task.list", **narrowed))["tasks"]] == found, narrowed
    assert (await site.refused("task.list", since="noon"))[0] == 2

    told = await site.call("task.results", ids=[first["task"], third])
    assert told["waiting"] == [third]
    code, text = await site.refused("task.cancel", id=third)
    assert (code, f"Task {third} has been sent already" in text) == (7, True)
    await one.answer(frame, {"status": "Accepted"})
    await running
    told = await site.call("task.results", ids=[third, second["task"]])
    assert told["waiting"] == []
    assert {result["task"]: result["outcome"] for result in told["results"]} == {
        third: "accepted",
        second["task"]: "rejected",
    }
    assert (await site.call("task.cancel", id=third))["changed"] is False


async def test_a_task_that_is_not_there(shared_site: Site) -> None:
    for method, parameters in (
        ("task.show", {"id": 4711}),
        ("task.cancel", {"id": 4711}),
        ("task.results", {"ids": [4711]}),
    ):
        assert await shared_site.refused(method, **parameters) == (3, "No task 4711.")
    for ids in ([], list(range(1, 10_002))):
        assert (await shared_site.refused("task.results", ids=ids))[0] == -32602
