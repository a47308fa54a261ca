"""Commands to charge points: which parameters are none, and the tasks that are left of them."""

import asyncio
from typing import Any

import pytest

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def cleared(site: Site, point: RawChargePoint, identity: str = "CP1", status: str = "Accepted") -> dict[str, Any]:
    """ClearCache, answered with that status: its result."""
    running = asyncio.create_task(site.call("operation.run", command="clear-cache", targets=[identity]))
    await point.answer(await point.asked("ClearCache"), {"status": status})
    (result,) = (await running)["results"]
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"command": "no-such-command"}, 2),
        ({"parameters": {"type": "Warm"}}, 2),
        ({"parameters": {"type": "soft"}}, 2),
        ({"parameters": {}}, 2),
        ({"parameters": {"type": "Soft", "typo": 1}}, 2),
        ({"parallel": 0}, -32602),
        ({"parallel": 1001}, -32602),
        ({"timeout": 0}, -32602),
        ({"timeout": 3601}, -32602),
        ({"queue_s": 0.5}, -32602),
        ({"queue_s": 366 * 86_400 + 1}, -32602),
        ({"targets": "CP1"}, -32602),
        ({"unknown": True}, -32602),
        ({"targets": ["CP9"]}, 3),
        ({"targets": ["@nobody"]}, 3),
        ({"targets": []}, 2),
        ({"wait": "flying"}, 2),
    ],
)
async def test_what_is_no_command_is_refused(shared_site: Site, fields: dict[str, Any], code: int) -> None:
    given = {"command": "reset", "parameters": {"type": "Soft"}, "targets": ["*"]} | fields
    await shared_site.call("charge_point.add", id="CP1")
    refused, text = await shared_site.refused("operation.run", **given)
    assert refused == code, text
    assert (await shared_site.call("task.list"))["tasks"] == []


async def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(site: Site) -> None:
    point = await site.raw("CP1")
    given = {"command": "reset", "parameters": {"type": "Hard"}, "targets": ["CP1"], "dry_run": True, "queue_s": 60}
    (result,) = (await site.call("operation.run", **given))["results"]
    assert (result["request"], result["task"]) == ({"type": "Hard"}, None)
    assert (await site.call("task.list"))["tasks"] == []
    await site.asked_nothing(point)


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


async def test_each_result_is_told_as_soon_as_it_is_there(site: Site) -> None:
    points = [await site.raw(f"CP{number}") for number in (1, 2)]
    control = await site.control()
    running = asyncio.create_task(control.call("operation.run", command="clear-cache", targets=["*"]))
    seen: list[tuple[str, int, int]] = []
    for point in reversed(points):
        await point.answer(await point.asked("ClearCache"), {"status": "Accepted"})
    answer = await running
    for _ in points:
        told = (await control.notification())["params"]
        seen.append((told["result"]["outcome"], told["done"], told["total"]))
    assert seen == [("accepted", 1, 2), ("accepted", 2, 2)]
    assert [result["charge_point"] for result in answer["results"]] == ["CP1", "CP2"]


async def test_what_was_not_begun_when_it_was_stopped_is_not_sent(site: Site) -> None:
    points = [await site.raw(f"CP{number}") for number in (1, 2)]
    control = await site.control()
    running = asyncio.create_task(control.call("operation.run", command="clear-cache", targets=["*"], parallel=1))
    frame = await points[0].asked("ClearCache")
    await control.line('{"jsonrpc": "2.0", "method": "operation.stop", "params": {"request": 1}}')
    await points[0].answer(frame, {"status": "Accepted"})
    results = (await running)["results"]
    assert [(result["charge_point"], result["outcome"]) for result in results] == [
        ("CP1", "accepted"),
        ("CP2", "not_sent"),
    ]
    await site.asked_nothing(points[1], "CP2")


async def test_what_is_waited_for_is_said_with_its_patience(site: Site) -> None:
    point = await site.raw("CP1")
    given = {"command": "reset", "parameters": {"type": "Soft"}, "targets": ["CP1"]}
    for wait in ("", "REBOOTED"):
        running = asyncio.create_task(site.call("operation.run", **given, wait=wait))
        await point.answer(await point.asked("Reset"), {"status": "Accepted"})
        answer = await running
        assert answer["awaited"] == "rebooted"
        assert answer["patience_s"] > 0
