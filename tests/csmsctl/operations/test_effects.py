"""`--wait`: a command is followed from its answer to the effect that is observed."""

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ocpp.v16 import call
from ocpp.v16.enums import ChargePointStatus as Status

from tests.conftest import MakeSite
from tests.support.charge_point import ChargePoint, timestamp
from tests.support.site import Ended, Site, environment

Act = Callable[[Site, ChargePoint], Awaitable[object]]


async def no_more(_: Site, point: ChargePoint) -> None:
    """It accepts, and does nothing."""


async def started(_: Site, point: ChargePoint) -> None:
    await point.start_transaction("A1")


async def charging(_: Site, point: ChargePoint) -> None:
    await point.status(Status.preparing)
    await point.start_transaction("A1")
    await point.status(Status.charging)


async def measured(_: Site, point: ChargePoint) -> None:
    """It never says Charging, but its meter does."""
    begun = await point.start_transaction("A1", meter_start=1000)
    await point.meter_values(begun.transaction_id, 1100)


async def gave_up(_: Site, point: ChargePoint) -> None:
    begun = await point.start_transaction("A1")
    await point.stop_transaction(begun.transaction_id, 1000, reason="EVDisconnected")


async def stopped(site: Site, point: ChargePoint) -> None:
    (active,) = (await site.call("transaction.list", state="active"))["transactions"]
    await point.stop_transaction(active["id"], 2000)


async def boots(_: Site, point: ChargePoint) -> None:
    await point.boot()


async def unavailable(_: Site, point: ChargePoint) -> None:
    await point.status(Status.unavailable)


async def available(_: Site, point: ChargePoint) -> None:
    await point.status(Status.available)


async def reserved(_: Site, point: ChargePoint) -> None:
    await point.status(Status.reserved)


async def measures(_: Site, point: ChargePoint) -> None:
    await point.ask(
        call.MeterValues(connector_id=1, meter_value=[{"timestamp": timestamp(), "sampledValue": [{"value": "1"}]}])
    )


async def beats(_: Site, point: ChargePoint) -> None:
    await point.ask(call.Heartbeat())


START = "remote-start CP1 --tag A1 --connector 1"
OUT = "change-availability CP1 --connector 1 --type inoperative"
IN = "change-availability CP1 --connector 1 --type operative"
RESERVE = "reserve-now CP1 --connector 1 --tag A1 --expires +1h"
TRIGGER = "trigger-message CP1 --message"

# command, its action, what comes after the answer, exit code, what is observed
EFFECTS: list[tuple[str, str, Act, int, dict[str, Any]]] = [
    (f"{START} --wait", "RemoteStartTransaction", charging, 0, {"awaited": "charging", "state": "Charging"}),
    (f"{START} --wait", "RemoteStartTransaction", measured, 0, {"awaited": "charging", "transaction": 2}),
    (f"{START} --wait=started", "RemoteStartTransaction", started, 0, {"awaited": "started", "transaction": 3}),
    (f"{START} --wait", "RemoteStartTransaction", gave_up, 7, {"awaited": "charging", "transaction": 4}),
    (f"{START} --wait --wait-timeout 0.5", "RemoteStartTransaction", available, 8, {"state": "Available"}),
    ("reset CP1 --type hard --wait", "Reset", boots, 0, {"awaited": "rebooted", "firmware_version": "2.1.0"}),
    ("reset CP1 --type hard --wait --wait-timeout 0.5", "Reset", no_more, 8, {"state": "not booted"}),
    (f"{OUT} --wait", "ChangeAvailability", unavailable, 0, {"awaited": "inoperative", "state": "Unavailable"}),
    (f"{OUT} --wait inoperative", "ChangeAvailability", no_more, 0, {"awaited": "inoperative"}),  # it is so already
    (f"{IN} --wait operative", "ChangeAvailability", available, 0, {"awaited": "operative", "state": "Available"}),
    (f"{OUT} --wait --wait-timeout 0.5", "ChangeAvailability", no_more, 8, {"state": "Available"}),
    (f"{RESERVE} --wait --wait-timeout 0.5", "ReserveNow", available, 8, {"state": "Available"}),
    (f"{RESERVE} --wait", "ReserveNow", reserved, 0, {"awaited": "reserved", "state": "Reserved"}),
    (f"{TRIGGER} MeterValues --connector 1 --wait", "TriggerMessage", measures, 0, {"awaited": "arrived"}),
    (f"{TRIGGER} Heartbeat --wait", "TriggerMessage", beats, 0, {"awaited": "arrived"}),
    (f"{TRIGGER} StatusNotification --connector 1 --wait", "TriggerMessage", available, 0, {"awaited": "arrived"}),
    (f"{TRIGGER} MeterValues --wait --wait-timeout 0.5", "TriggerMessage", beats, 8, {"state": "not sent"}),
]


async def test_each_effect(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.charge_point("CP1")
    for line, action, act, code, observed in EFFECTS:
        running = asyncio.create_task(site.csmsctl("--json", *line.split()))
        await point.request(action)
        await act(site, point)
        ended = await running
        assert ended.code == code, (line, ended)
        (result,) = ended.json["results"]
        assert result["outcome"] == "accepted", line
        assert result["observed"].items() >= observed.items(), (line, result["observed"])
        assert result["observed"]["reached"] is (code == 0)
        assert result["observed"]["timed_out"] is (code == 8)
    assert "EVDisconnected" in (await site.call("transaction.show", id=4))["stop_reason"]


async def test_a_stop_is_waited_for_and_what_is_refused_is_not(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.charge_point("CP1")
    await point.start_transaction("A1")
    ended = await site.csmsctl("remote-stop", "CP1", "--wait", "--wait-timeout", "0.3")
    assert ended.code == 8
    assert "accepted, but not stopped within 0.3 s; it is active" in ended.out
    await point.request("RemoteStopTransaction")
    running = asyncio.create_task(site.csmsctl("remote-stop", "CP1", "--wait"))
    await point.request("RemoteStopTransaction")
    await stopped(site, point)
    ended = await running
    assert (ended.code, "stopped" in ended.out) == (0, True)
    point.answers["RemoteStartTransaction"] = {"status": "Rejected"}
    ended = await site.csmsctl("--json", *f"{START} --wait".split())
    assert ended.code == 7
    assert "observed" not in ended.json["results"][0]


async def test_a_boot_before_a_reset_was_sent_is_not_its_effect(make_site: MakeSite) -> None:
    """It was asked for before the boot, sent after it, and the connection was lost before the answer."""
    site = await make_site({"ocpp": {"hold_after_reconnect": 30}})
    point = await site.raw("CP1", boot=False)
    watcher = await site.watch("task.created", "task.settled")
    reset = asyncio.create_task(site.csmsctl("--json", "reset", "CP1", "--type", "soft", "--wait"))
    await watcher.event("task.created")
    await point.boot()
    await point.asked("Reset")
    await point.vanish()
    assert (await watcher.event("task.settled"))["data"]["outcome"] == "unknown"
    (task,) = (await site.call("task.list"))["tasks"]
    state = {"command": "reset", "state": "rebooted", "tasks": [task["id"]]}
    assert (await site.call("operation.observe", **state))["observed"][0]["reached"] is False
    await (await site.raw("CP1", register=False, boot=False)).boot()
    ended = await reset
    assert (ended.code, ended.json["results"][0]["observed"]["reached"]) == (0, True)


async def test_scheduled_is_followed_for_as_long_as_it_takes(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.charge_point("CP1")
    point.answers["ChangeAvailability"] = {"status": "Scheduled"}
    await point.status(Status.charging)
    ended = await site.csmsctl(*f"{OUT} --wait --wait-timeout 0.3".split())
    assert ended.code == 8
    running = asyncio.create_task(site.csmsctl("--json", *f"{OUT} --wait".split()))
    for _ in range(2):
        await point.request("ChangeAvailability")
    await point.status(Status.unavailable)
    ended = await running
    observed = ended.json["results"][0]["observed"]
    assert (ended.code, observed["open_ended"]) == (0, True)


async def test_several_at_once_some_of_them_offline(site: Site) -> None:
    await site.call("tag.add", id="A1")
    points = [await site.charge_point(f"CP{number}") for number in (1, 2)]
    await site.register("CP3")
    running = asyncio.create_task(
        site.csmsctl("--json", "reset", "CP*", "--type", "soft", "--wait", "--wait-timeout", "1", "--yes", "--queue")
    )
    for point in points:
        await point.request("Reset")
    await points[1].boot()
    ended = await running
    assert ended.code == 9
    assert [(result["outcome"], result.get("observed", {}).get("reached")) for result in ended.json["results"]] == [
        ("accepted", False),
        ("accepted", True),
        ("queued", None),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"{START} --wait=charged", "charging or started"),
        (f"{OUT} --wait=operative", "does not make it operative"),
        (f"{START} --wait-timeout 5", "--wait"),
        ("clear-cache CP1 --wait", "--wait"),
        ("get-diagnostics CP1 --location http://192.0.2.1/ --wait=received", "uploaded"),
    ],
)
async def test_what_cannot_be_waited_for(site: Site, line: str, says: str) -> None:
    await site.call("tag.add", id="A1")
    await site.register("CP1")
    ended = await site.csmsctl(*line.split())
    assert ended.code == 2, ended
    assert says in ended.err
    assert (await site.call("task.list"))["tasks"] == []


async def test_interrupted_while_it_waits_on_a_terminal(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.charge_point("CP1")
    await point.status(Status.preparing)
    terminal, inside = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csmsctl", "--socket", str(site.socket), *f"{START} --wait".split()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=inside,
        env=environment(TERM="xterm"),
        start_new_session=True,
    )
    os.close(inside)
    await point.request("RemoteStartTransaction")
    seen = b""
    while b"CP1 Preparing" not in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen):
        seen += await asyncio.to_thread(os.read, terminal, 65_536)
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()
    rest = b""
    try:
        while part := os.read(terminal, 65_536):
            rest += part
    except OSError:  # nobody has the other side open any more
        pass
    os.close(terminal)
    assert (process.returncode, out) == (130, b"")
    assert b"not taken back" in rest
    await charging(site, point)  # what was sent goes on
    assert isinstance(await site.csmsctl("status"), Ended)
