"""Commands for charge points that are offline: kept on disk, sent when they are back, given up in time."""

import asyncio
import json
import signal
import sys
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.charge_point import ChargePoint
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site, environment


def hold(seconds: float) -> dict[str, dict[str, Any]]:
    """Settings: for how long one that is back is not asked anything, and may tell of what it began offline."""
    return {"ocpp": {"hold_after_reconnect": seconds}}


QUICK = hold(0.3)


async def back(site: Site, identity: str) -> RawChargePoint:
    """A charge point that is registered already connects; it has not booted."""
    return await site.raw(identity, register=False, boot=False)


async def queue(site: Site, *line: str) -> dict[str, Any]:
    """A command that has to wait: its result."""
    ended = await site.csmsctl("--json", *line)
    assert ended.code == 0, ended
    (result,) = ended.json["results"]
    assert result["outcome"] == "queued", result
    assert isinstance(result, dict)
    return result


async def tasks(site: Site, **filters: str) -> list[dict[str, Any]]:
    """Oldest first."""
    return list(reversed((await site.call("task.list", **filters))["tasks"]))


async def test_what_is_queued_survives_and_is_sent_in_order_after_the_boot(make_site: MakeSite) -> None:
    site = await make_site()
    for identity in ("CP1", "CP2"):
        await site.register(identity)
    here = await site.charge_point("CP2")
    ended = await site.csmsctl(
        "--json", "change-configuration", "CP1", "CP2", "--set", "A=1", "--set", "B=2", "--queue"
    )
    assert ended.code == 0
    first, *sent = ended.json["results"]
    assert (first["charge_point"], first["outcome"], first["error"]) == ("CP1", "queued", None)
    assert first["request"] == [{"key": "A", "value": "1"}, {"key": "B", "value": "2"}]
    assert [(result["charge_point"], result["outcome"]) for result in sent] == [("CP2", "accepted")] * 2
    assert [(await here.request("ChangeConfiguration"))["key"] for _ in range(2)] == ["A", "B"]
    second = await queue(site, "call", "--queue", "2h", "CP1", "Reset", '{"type":"Soft"}')
    third = await queue(site, "get-configuration", "--queue=3d", "CP1", "--key", "AuthorizationKey")
    assert first["task"] < second["task"] < third["task"]
    shown = (await site.json("cp", "show", "CP1"))["charge_points"][0]["queued_commands"]
    assert [(waiting["task"], waiting["action"]) for waiting in shown] == [
        (first["task"], "ChangeConfiguration"),
        (second["task"], "Reset"),
        (third["task"], "GetConfiguration"),
    ]
    assert (await site.json("status"))["daemon"]["queued_commands"] == 3
    assert "3 commands wait" in (await site.csmsctl("status")).out

    await site.restart()
    watcher = await site.watch("task.settled", "task.delivered")
    waiting = asyncio.create_task(site.csmsctl("--json", "task", "wait", str(first["task"]), str(third["task"])))
    point = await back(site, "CP1")
    await point.heartbeat()
    assert (await point.boot())[2]["status"] == "Accepted"
    for key in ("A", "B"):
        frame = await point.asked("ChangeConfiguration")
        assert frame[3]["key"] == key
        await point.heartbeat()
        # No CALL before its boot is answered, which sends many into a boot loop; and one at a time.
        assert [frame[0] for frame in point.wire.frames] == ([4, 3, 2, 3] if key == "A" else [4, 3, 2, 3, 2, 3])
        await point.answer(frame, {"status": "Accepted" if key == "A" else "Rejected"})
    await point.answer(await point.asked("Reset"), {"status": "Accepted"})
    await site.asked_nothing(point)  # it is about to restart
    await point.disconnect()
    point = await back(site, "CP1")
    await point.boot()
    await point.answer(await point.asked("GetConfiguration"), {})
    delivered = [(await watcher.event("task.delivered"))["data"] for _ in range(3)]
    assert [event["outcome"] for event in delivered] == ["rejected", "accepted", "accepted"]
    ended = await waiting
    assert ended.code == 9
    assert [(result["task"], result["outcome"]) for result in ended.json["results"]] == [
        (first["task"], "accepted"),
        (third["task"], "accepted"),
        (delivered[0]["tasks"][1], "rejected"),
    ]
    part = await site.call("task.show", id=delivered[0]["tasks"][1])
    assert (part["part_of"], part["request"]) == (first["task"], {"key": "B", "value": "2"})
    assert (await site.json("status"))["daemon"]["queued_commands"] == 0
    assert site.stored("SELECT * FROM queued_command") == []


async def test_a_secret_is_kept_no_longer_than_it_is_queued(make_site: MakeSite) -> None:
    site = await make_site()
    await site.register("CP1")
    secret = "0123456789abcdef0123"
    result = await queue(site, "change-configuration", "CP1", "--set", f"WifiPassword={secret}", "--queue")
    assert secret not in json.dumps(result)
    assert secret in site.stored("SELECT parameters FROM queued_command")[0][0]
    assert secret not in (await site.csmsctl("--json", "cp", "show", "CP1")).out
    point = await back(site, "CP1")
    await point.boot()
    frame = await point.asked("ChangeConfiguration")
    assert frame[3]["value"] == secret
    assert site.stored("SELECT parameters FROM queued_command") == []
    await point.answer(frame, {"status": "Accepted"})


async def test_sent_and_not_answered_when_csmsd_dies_is_unknown_and_never_sent_again(make_site: MakeSite) -> None:
    site = await make_site(QUICK)
    await site.register("CP1")
    first = await queue(site, "clear-cache", "CP1", "--queue")
    second = await queue(site, "reset", "CP1", "--type", "soft", "--queue")
    point = await back(site, "CP1")
    await point.boot()
    await point.asked("ClearCache")
    await site.kill()
    await site.start()
    again = await back(site, "CP1")
    frame = await again.asked("Reset")  # without a boot, once the hold time is over
    await again.answer(frame, {"status": "Accepted"})
    ended = await site.csmsctl("--json", "task", "wait", str(first["task"]))
    assert (ended.code, ended.json["results"][0]["outcome"]) == (8, "unknown")
    ended = await site.csmsctl("--json", "task", "wait", str(second["task"]))
    assert (ended.code, ended.json["results"][0]["outcome"]) == (0, "accepted")
    await site.asked_nothing(again)


async def test_the_rest_of_a_command_that_was_under_way_is_told_and_not_sent(make_site: MakeSite) -> None:
    site = await make_site(QUICK)
    await site.register("CP1")
    pairs = [word for key in "ABC" for word in ("--set", f"{key}=1")]
    result = await queue(site, "change-configuration", "CP1", *pairs, "--queue")
    point = await back(site, "CP1")
    await point.answer(await point.asked("ChangeConfiguration"), {"status": "Accepted"})
    await point.asked("ChangeConfiguration")
    await site.restart()
    again = await back(site, "CP1")
    ended = await site.csmsctl("--json", "task", "wait", str(result["task"]))
    assert ended.code == 8
    assert [(part["request"].get("key"), part["outcome"]) for part in ended.json["results"]] == [
        ("A", "accepted"),
        ("B", "unknown"),
        (None, "not_sent"),
    ]
    assert "left of it" in ended.json["results"][2]["error"]
    await site.asked_nothing(again)
    assert site.stored("SELECT * FROM queued_command") == []


async def test_what_did_not_leave_before_the_connection_was_lost_waits_on(make_site: MakeSite) -> None:
    site = await make_site(QUICK)
    point = await site.raw("CP1")
    busy = asyncio.create_task(site.csmsctl("--json", "clear-cache", "CP1"))
    await point.asked("ClearCache")  # not answered: what follows waits in line
    watcher = await site.watch("task.created")
    running = asyncio.create_task(site.csmsctl("--json", "reset", "CP1", "--type", "soft", "--queue"))
    number = (await watcher.event("task.created"))["data"]["task"]
    await point.vanish()
    assert (await busy).json["results"][0]["outcome"] == "unknown"
    ended = await running
    assert (ended.code, ended.json["results"][0]["outcome"], ended.json["results"][0]["task"]) == (0, "queued", number)
    again = await back(site, "CP1")
    await again.answer(await again.asked("Reset"), {"status": "Accepted"})
    assert (await site.csmsctl("task", "wait", str(number))).code == 0


async def test_given_up_in_time_or_by_an_operator(make_site: MakeSite) -> None:
    site = await make_site(QUICK)
    await site.register("CP1")
    watcher = await site.watch("task.expired", "task.cancelled")
    late = await queue(site, "clear-cache", "CP1", "--queue", "1s")
    ended = await site.csmsctl("--json", "task", "wait", str(late["task"]))
    assert (ended.code, ended.json["results"][0]["outcome"]) == (6, "not_connected")
    assert (await watcher.event("task.expired"))["data"]["task"] == late["task"]
    assert [task["id"] for task in await tasks(site, state="expired")] == [late["task"]]

    kept = await queue(site, "clear-cache", "CP1", "--queue")
    cancelled = await queue(site, "reset", "CP1", "--type", "soft", "--queue")
    ended = await site.csmsctl("--json", "task", "cancel", str(cancelled["task"]), "4711", str(late["task"]))
    assert (ended.code, ended.json["tasks"]) == (
        9,
        [{"task": cancelled["task"], "changed": True}, {"task": late["task"], "changed": False}],
    )
    assert (await watcher.event("task.cancelled"))["data"]["task"] == cancelled["task"]
    waiting = await site.csmsctl("task", "wait", str(kept["task"]), "--timeout", "0.2")
    assert waiting.code == 8
    assert f"task {kept['task']}" in waiting.err
    await site.restart()
    assert [task["id"] for task in await tasks(site, state="queued")] == [kept["task"]]
    assert (await site.json("task", "cancel", str(cancelled["task"])))["changed"] is False
    # One that is removed and registered again is another charge point.
    assert (await site.csmsctl("cp", "remove", "CP1", "--yes")).code == 0
    point = await site.raw("CP1")
    await site.asked_nothing(point)
    (task,) = [task for task in await tasks(site, state="cancelled") if task["id"] == kept["task"]]
    assert (task["outcome"], task["error"]) == ("not_sent", "the charge point was removed")


async def test_one_whose_time_is_up_while_it_waits_for_the_command_before_it_is_not_sent(make_site: MakeSite) -> None:
    site = await make_site(QUICK)
    point = await site.raw("CP1")
    busy = asyncio.create_task(site.csmsctl("--json", "clear-cache", "CP1"))
    frame = await point.asked("ClearCache")
    ended = await site.csmsctl("--json", "reset", "CP1", "--type", "soft", "--queue", "1s")
    (result,) = ended.json["results"]
    assert (ended.code, result["outcome"]) == (1, "not_sent")
    assert "it could not be sent until" in result["error"]
    await point.answer(frame, {"status": "Accepted"})
    assert (await busy).code == 0
    await site.asked_nothing(point)
    assert [task["id"] for task in await tasks(site, state="expired")] == [result["task"]]


async def test_checked_when_it_is_queued_and_again_when_it_is_sent(make_site: MakeSite) -> None:
    site = await make_site(QUICK)
    await site.register("CP1")
    refused = await site.csmsctl("--json", "remote-start", "CP1", "--tag", "A1", "--queue")
    assert (refused.code, refused.json["results"][0]["outcome"]) == (3, "not_sent")
    await site.call("tag.add", id="A1")
    good = await queue(site, "remote-start", "CP1", "--tag", "A1", "--queue")
    forced = await queue(site, "remote-start", "CP1", "--tag", "NOBODY", "--queue", "--force")
    await site.call("tag.block", id="A1")
    point = await back(site, "CP1")
    frame = await point.asked("RemoteStartTransaction")
    assert frame[3]["idTag"] == "NOBODY"
    await point.answer(frame, {"status": "Rejected"})
    ended = await site.csmsctl("--json", "task", "wait", str(good["task"]))
    assert (ended.code, ended.json["results"][0]["outcome"]) == (1, "not_sent")
    assert "Blocked" in ended.json["results"][0]["error"]
    assert (await site.csmsctl("task", "wait", str(forced["task"]))).code == 7


async def test_no_more_than_so_many_wait_for_one_charge_point(site: Site) -> None:
    await site.register("CP1")
    limit = (await site.call("daemon.limits"))["limits"]["queued_commands_per_charge_point"]
    control = await site.control()
    command = {"command": "change-configuration", "targets": ["CP1"], "queue_s": 60}
    for number in range(limit):  # none of them equal to another, which would be taken for it
        told = await control.call("operation.run", **command, parameters={"set": [f"Key{number}=1"]})
        assert told["results"][0]["outcome"] == "queued"
    ended = await site.csmsctl("--json", "clear-cache", "CP1", "--queue")
    assert (ended.code, ended.json["results"][0]["outcome"]) == (1, "not_sent")


async def test_unless_a_transaction_is_active(make_site: MakeSite) -> None:
    site = await make_site(hold(0))
    await site.call("tag.add", id="A1")
    point = await site.charge_point("CP1")
    await site.register("CP2")
    started = await point.start_transaction("A1", connector=1)
    skipped = await site.csmsctl("--json", "reset", "CP1", "--type", "soft", "--unless-transaction")
    assert (skipped.code, skipped.json["results"][0]["outcome"]) == (7, "not_sent")
    other = ("change-availability", "CP1", "--connector", "2", "--type", "inoperative", "--unless-transaction")
    assert (await site.csmsctl(*other)).code == 0  # another connector
    reset = await queue(site, "reset", "CP1", "--type", "soft", "--unless-transaction", "--queue")
    ended = await site.csmsctl("--json", "clear-cache", "CP1", "--queue")  # does not wait for what waits
    assert ended.json["results"][0]["outcome"] == "accepted"
    assert point.requests["Reset"].empty()
    await point.stop_transaction(started.transaction_id, 2000)
    assert await point.request("Reset") == {"type": "Soft"}
    assert (await site.csmsctl("task", "wait", str(reset["task"]))).code == 0


async def test_a_transaction_begun_offline_is_waited_for_as_well(make_site: MakeSite) -> None:
    site = await make_site(hold(300))
    await site.call("tag.add", id="A1")
    await site.register("CP1")
    await queue(site, "reset", "CP1", "--type", "soft", "--unless-transaction", "--queue", "1h")
    other = ("change-availability", "CP1", "--connector", "2", "--type", "inoperative", "--unless-transaction")
    later = await queue(site, *other, "--queue")
    point = await ChargePoint.connect(site.url("CP1"))
    await point.boot()
    started = await point.start_transaction("A1")
    # On another connector it is sent when the time is over in which the Reset waited for what began offline.
    site.write_settings(hold(0))
    await site.call("daemon.reload")
    assert (await site.csmsctl("task", "wait", str(later["task"]))).code == 0
    assert point.requests["Reset"].empty()
    await point.stop_transaction(started.transaction_id, 2000)
    assert await point.request("Reset") == {"type": "Soft"}
    await point.disconnect()


@pytest.mark.parametrize("ttl", ["soon", "0s", "400d"])
async def test_a_time_that_is_none(site: Site, ttl: str) -> None:
    ended = await site.csmsctl("clear-cache", "CP1", f"--queue={ttl}")
    assert ended.code == 2


async def test_interrupted_among_many_nothing_more_is_sent(site: Site) -> None:
    points = [await site.raw(f"CP{number}") for number in (1, 2)]
    await site.register("CP3")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csmsctl", "--socket", str(site.socket)),
        *("change-configuration", "--all", "--parallel", "1", "--set", "A=1", "--set", "B=2", "--queue"),
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    frame = await points[0].asked("ChangeConfiguration")
    watcher = await site.watch("task.delivered")
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert (process.returncode, b"no more is sent" in err) == (130, True)
    await points[0].answer(frame, {"status": "Accepted"})
    # The command that was begun there is carried out: it was taken into the queue. No other one is.
    await points[0].answer(await points[0].asked("ChangeConfiguration"), {"status": "Accepted"})
    await watcher.event("task.delivered")
    assert {task["charge_point"] for task in await tasks(site)} == {"CP1"}
    await site.asked_nothing(points[1], "CP2")
