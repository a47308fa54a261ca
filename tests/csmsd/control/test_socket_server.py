"""The Unix socket: who may come in when many are there, and who they are."""

import asyncio
import os

from tests.support.control import ControlConnection
from tests.support.site import Site


async def test_the_kernel_says_who_asks(site: Site) -> None:
    info = await site.call("daemon.info")
    assert info["peer"]["uid"] == os.getuid()
    await site.register("CP1")
    await site.call("operation.run", command="clear-cache", targets=["CP1"])
    task = (await site.call("task.list"))["tasks"][0]
    assert (task["uid"], task["user"]) == (os.getuid(), info["peer"]["user"])
    assert site.stored("SELECT uid FROM task") == [(os.getuid(),)]


async def test_connections_have_a_limit_and_the_next_one_gets_in_when_one_leaves(site: Site) -> None:
    controls = [await ControlConnection.open(site.socket) for _ in range(200)]
    for control in controls:
        await control.call("event.subscribe", types=["tag.changed"])
    one_too_many = await ControlConnection.open(site.socket)
    assert await one_too_many.receive() is None
    await one_too_many.close()
    await asyncio.gather(*(control.close() for control in controls))
    assert (await site.csmsctl("daemon", "wait-ready")).code == 0


async def test_of_too_many_connections_the_one_goes_that_was_idle_longest(site: Site) -> None:
    controls = [await ControlConnection.open(site.socket) for _ in range(200)]
    for control in controls:
        await control.call("tag.list")
    await controls[1].call("event.subscribe", types=["tag.changed"])
    await controls[0].call("tag.list")
    newest = await ControlConnection.open(site.socket)
    assert (await newest.call("daemon.info"))["protocol"] == 1
    assert (await controls[2].receive())["error"]["message"].startswith("closed: it was idle")
    assert await controls[2].receive() is None
    for control in (controls[0], controls[1], controls[3]):
        await control.call("tag.list")
    await asyncio.gather(*(control.close() for control in [*controls, newest]))
