"""Every command is in the audit before anything comes of it, and every refusal, with uid, user and socket."""

import asyncio
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.control import ControlConnection, ControlError
from tests.support.site import Site

SECRET = "TheSecret-1234567890"


def with_a_socket_to_look(site: Site) -> Path:
    path = site.directory / "read.sock"
    site.write_settings({"control": {"read_socket": str(path)}})
    return path


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    with_a_socket_to_look(site)
    site.start_and_wait()
    yield site
    asyncio.run(site.close())


async def through(path: Path, method: str, **params: Any) -> int:
    """The code of the error; 0: there was none."""
    async with await ControlConnection.open(path) as connection:
        try:
            await connection.call(method, **params)
        except ControlError as error:
            return error.code
    return 0


async def audit(site: Site, **params: Any) -> list[dict[str, Any]]:
    entries = (await site.call("audit.list", **params))["audit"]
    assert isinstance(entries, list)
    return entries


async def test_a_command_says_who_gave_it_and_about_what_and_no_secret(site: Site) -> None:
    await site.call("charge_point.add", id="CP9", password=SECRET, note=SECRET)
    await site.call("tag.add", id="CARD", note=SECRET)
    await site.call("tag.list")
    card, point = (await audit(site))[:2]
    assert card | {"id": 0, "time": "", "last_time": ""} == {
        "id": 0, "time": "", "last_time": "", "uid": os.getuid(), "user": pwd.getpwuid(os.getuid()).pw_name,
        "socket": str(site.socket), "command": "tag.add", "about": "id=CARD", "refused": False, "times": 1,
    }  # fmt: skip
    assert (point["command"], point["about"]) == ("charge_point.add", "id=CP9")
    assert SECRET not in site.errors()
    assert f"(uid {os.getuid()}) by {site.socket} gives tag.add id=CARD\n" in site.errors()
    shown = await site.csmsctl("audit", "--limit", "1")
    assert "tag.add" in shown.out
    assert str(site.socket) in shown.out


async def test_a_refusal_is_one_row_however_often_it_is_repeated(site: Site) -> None:
    path = site.directory / "read.sock"
    async with await ControlConnection.open(site.socket) as watcher:
        await watcher.call("event.subscribe", types=["command.refused"])
        for _ in range(20):
            assert await through(path, "tag.remove", id="CARD") == 4
        event = (await watcher.event("command.refused"))["data"]
    assert await through(path, "operation.run", command="reset", targets=["CP1"]) == 4
    for made_up in range(20):
        assert await through(path, "operation.run", command=f"made-up-{made_up}", targets=["CP1"]) == 4
    assert (event["command"], event["about"], event["socket"]) == ("tag.remove", "id=CARD", str(path))
    entries = await audit(site, refused=True)
    assert [(one["command"], one["about"], one["socket"], one["uid"]) for one in entries] == [
        ("a command that is not known here", "targets=CP1", str(path), os.getuid()),
        ("reset", "targets=CP1", str(path), os.getuid()),
        ("tag.remove", "id=CARD", str(path), os.getuid()),
    ]
    assert "is refused tag.remove id=CARD\n" in site.errors()
    assert site.errors().count("is refused tag.remove") == 1
    while (times := (await audit(site, refused=True))[-1]["times"]) != 20:  # in a second
        assert times == 1
        await asyncio.sleep(0.1)
    assert "a command that is not known here" in (await site.csmsctl("audit", "--refused", "--limit", "1")).out


async def test_what_is_told_is_one_short_line(site: Site) -> None:
    path = site.directory / "read.sock"
    long = [f"CP\n{number}" for number in range(10_000)]
    assert await through(path, "local_list.sync", targets=long) == 4
    assert await through(path, "profile.remove", name={"a": "b"}) == 4
    profile, lists = await audit(site, refused=True, limit=2)
    assert profile["about"] == ""
    assert lists["about"].startswith("targets=CP\\n0,CP\\n1,")
    assert len(lists["about"]) <= 300


async def test_it_is_on_disk_before_anything_is_sent_and_a_full_disk_stops_nobody(
    make_site: MakeSite,
) -> None:
    site = await make_site()
    point = await site.raw("CP1")
    running = asyncio.create_task(
        site.call("operation.run", command="reset", parameters={"type": "Soft"}, targets=["CP1"])
    )
    frame = await point.asked("Reset")
    assert site.stored("SELECT command, about, socket FROM audit ORDER BY id DESC LIMIT 1") == [
        ("reset", "targets=CP1 type=Soft", str(site.socket))
    ]
    await point.answer(frame, {"status": "Accepted"})
    (result,) = (await running)["results"]
    assert (await site.call("task.show", id=result["task"]))["socket"] == str(site.socket)
    raw = asyncio.create_task(site.call("operation.call", targets=["CP1"], action="ClearCache"))
    frame = await point.asked("ClearCache")
    assert site.stored("SELECT about FROM audit ORDER BY id DESC LIMIT 1") == [("targets=CP1 action=ClearCache",)]
    await point.answer(frame, {"status": "Accepted"})
    await raw

    before = (await audit(site))[0]["id"]
    await site.restart()
    await site.call("tag.add", id="CARD")
    assert (await audit(site))[0]["id"] == before + 1
    point = await site.raw("CP1", register=False)
    site.limit_file_size(4096)
    assert (await site.refused("tag.add", id="OTHER"))[0] == 1
    running = asyncio.create_task(
        site.call("operation.run", command="remote-stop", parameters={"transaction": 1}, targets=["CP1"], force=True)
    )
    await point.answer(await point.asked("RemoteStopTransaction"), {"status": "Rejected"})
    await running
    assert "gives remote-stop targets=CP1 transaction=1\n" in site.errors()
    assert "the audit lacks" in site.errors()
    site.limit_file_size(None)
