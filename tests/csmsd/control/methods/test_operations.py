"""Commands to charge points: which parameters are none, and what is told while they run."""

import asyncio
from typing import Any

import pytest

from tests.support.site import Site


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
