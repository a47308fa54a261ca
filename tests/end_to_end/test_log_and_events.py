"""What passed over the wire and what happened: listed, followed, and resumed by number."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.support.site import Site, environment
from tests.support.wire import WAIT


class Followed:
    """A `csmsctl … -f --json` that is running."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self._lines = process.stdout

    async def next(self) -> Any:
        line = await asyncio.wait_for(self._lines.readline(), WAIT)
        assert line, "it ended"
        record = json.loads(line)
        assert record.pop("schema_version") == 1
        return record

    async def until(self, kind: str) -> Any:
        while (event := await self.next())["type"] != kind:
            pass
        return event


@asynccontextmanager
async def following(site: Site, *arguments: str) -> AsyncIterator[Followed]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csmsctl", "--socket", str(site.socket), "--json", *arguments),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        yield Followed(process)
    finally:
        process.terminate()
        await process.wait()


async def test_the_log_has_every_message_as_it_was_on_the_wire(site: Site) -> None:
    charge_point = await site.raw("CP1")
    await charge_point.ask("Authorize", {"idTag": "A1B2C3"}, unique_id="auth-1")
    messages = (await site.json("log", "CP1"))["messages"]
    assert [message["direction"] for message in messages] == ["in", "out", "in", "out"]
    assert json.loads(messages[2]["text"]) == [2, "auth-1", "Authorize", {"idTag": "A1B2C3"}]
    assert messages[3]["text"] == '[3,"auth-1",{"idTagInfo":{"status":"Invalid"}}]'
    text = (await site.csmsctl("log")).out
    assert '[3,"auth-1",{"idTagInfo":{"status":"Invalid"}}]' in text


async def test_the_log_is_followed(site: Site) -> None:
    charge_point = await site.raw("CP1")
    other = await site.raw("CP2")
    async with following(site, "log", "CP1", "-f") as log:
        first = await log.next()  # the boot: from here on it is subscribed
        assert "BootNotification" in first["text"]
        await log.next()
        await other.heartbeat()
        await charge_point.ask("Heartbeat", unique_id="seen")
        assert '"seen"' in (await log.next())["text"]
        assert '"seen"' in (await log.next())["text"]


async def test_events_are_numbered_and_resumed_by_number(site: Site) -> None:
    charge_point = await site.raw("CP1")
    async with following(site, "events", "-f") as events:
        seen = await events.until("charge_point.booted")
    await charge_point.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    await charge_point.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})

    listed = (await site.json("events", "--after", str(seen["number"])))["events"]
    assert [event["data"]["status"] for event in listed] == ["Available", "Preparing"]
    numbers = [event["number"] for event in listed]
    assert numbers == sorted(set(numbers))
    async with following(site, "events", "-f", "--after", str(seen["number"])) as events:
        assert (await events.next()) == listed[0]
        assert (await events.next()) == listed[1]
        await charge_point.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        assert (await events.next())["data"]["status"] == "Charging"


async def test_events_are_resumed_across_a_restart_and_no_number_is_used_twice(site: Site) -> None:
    await site.raw("CP1")
    before = (await site.json("events"))["events"]
    assert await site.stop() == 0
    await site.start()
    await site.raw("CP2")
    await site.register("CP3")
    after = (await site.json("events", "--after", str(before[-1]["number"])))["events"]
    assert [event["type"] for event in after if event["charge_point"] in ("CP2", "CP3")] == [
        "charge_point.registered",
        "charge_point.connected",
        "charge_point.booted",
        "charge_point.registered",
    ]
    assert min(event["number"] for event in after) > before[-1]["number"]
    async with following(site, "events", "-f", "--after", str(before[-1]["number"])) as events:
        assert [await events.next() for _ in after] == after
    await site.kill()
    await site.start()
    last = (await site.json("events"))["events"]
    assert len({event["number"] for event in last}) == len(last)
    await site.kill()
    for file in site.state.glob("log.db*"):  # what a power cut leaves of it may be as little
        file.unlink()
    await site.start()
    anew = (await site.json("events"))["events"]
    assert min(event["number"] for event in anew) > max(event["number"] for event in last)


async def test_events_by_type_and_charge_point(site: Site) -> None:
    await site.raw("CP1")
    await site.raw("CP2")
    booted = (await site.json("events", "CP2", "--type", "charge_point.booted"))["events"]
    assert [(event["type"], event["charge_point"]) for event in booted] == [("charge_point.booted", "CP2")]


async def authorize(site: Site, identity: str, times: int) -> None:
    """Many events in a short time; a window keeps csmsd's queue of unanswered requests short."""
    # Not through `Wire`: checking 20,000 answers against the schema would take longer than they do.
    async with connect(
        site.url(identity), subprotocols=[Subprotocol("ocpp1.6")], compression=None, proxy=None
    ) as websocket:
        for first in range(0, times, 30):
            window = min(30, times - first)
            for number in range(first, first + window):
                await websocket.send(f'[2,"{number}","Authorize",{{"idTag":"{"x" * 20}"}}]')
            for _ in range(window):
                await asyncio.wait_for(websocket.recv(), WAIT)


async def test_a_subscriber_that_does_not_read_is_cut_and_can_resume(site: Site) -> None:
    await (await site.raw("CP1")).disconnect()
    prompt = await site.watch("tag.authorized")
    laggard = await site.control()
    # The kernel and asyncio buffer on both sides; a small window on ours makes the test short.
    laggard.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await laggard.line('{"jsonrpc":"2.0","id":1,"method":"event.subscribe","params":{"types":["tag.authorized"]}}')

    async def read_all(count: int) -> list[int]:
        return [(await prompt.event("tag.authorized"))["number"] for _ in range(count)]

    times = 20_000
    reading = asyncio.create_task(read_all(times))
    await authorize(site, "CP1", times)
    everything = await reading  # somebody who reads is not held up by somebody who does not

    laggard.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert (await laggard.receive())["id"] == 1
    got = []
    while (notification := await laggard.receive()) is not None:
        if notification["method"] == "lagged":
            last = notification["params"]["last"]
            break
        got.append(notification["params"]["number"])
    assert await laggard.receive() is None, "a laggard is cut"
    assert got == everything[: len(got)]
    assert last == got[-1], "what was not sent has to come with the next subscription"

    again = await site.control()
    await again.call("event.subscribe", types=["tag.authorized"], after=everything[-5000])
    rest = [(await again.event("tag.authorized"))["number"] for _ in range(4999)]
    assert rest == everything[-4999:]


async def test_a_resumed_subscription_may_have_much_to_catch_up_on(site: Site) -> None:
    await (await site.raw("CP1")).disconnect()
    await authorize(site, "CP1", 8_000)
    newest = await site.control()
    last = (await newest.call("event.subscribe"))["last"]
    resumed = await site.control()
    await resumed.call("event.subscribe", types=["tag.authorized"], after=last - 8_000)
    numbers = [(await resumed.event("tag.authorized"))["number"] for _ in range(7_900)]
    assert numbers == sorted(numbers)
