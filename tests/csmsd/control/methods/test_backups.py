"""Backups: one at a time, read piece by piece, and gone when they were read or their operator is."""

import asyncio
import base64
import hashlib
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.control import ControlConnection, ControlError
from tests.support.site import Site


async def begun(control: ControlConnection) -> tuple[str, dict[str, Any]]:
    """A copy that is made: its name, and what `backup.wait` says of it."""
    name = (await control.call("backup.begin"))["backup"]
    return name, await made(control, name)


async def made(control: ControlConnection, name: str) -> dict[str, Any]:
    while not (told := await control.call("backup.wait", backup=name))["made"]:
        assert 0 <= told["progress"] <= 1  # all of it is copied, and is looked through
    return told


async def test_it_is_read_piece_by_piece_and_is_the_database(site: Site, tmp_path: Path) -> None:
    await site.call("tag.add", id="A1")
    control = await site.control()
    name, told = await begun(control)
    data = b""
    while len(data) < told["size"]:
        piece = await control.call("backup.read", backup=name, offset=len(data), length=30_000)
        data += base64.b64decode(piece["data"])
    assert (len(data), hashlib.sha256(data).hexdigest()) == (told["size"], told["sha256"])
    assert (await control.call("backup.read", backup=name, offset=told["size"]))["data"] == ""
    (tmp_path / "copy.db").write_bytes(data)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT id FROM id_tag").fetchall() == [("A1",)]

    assert (await site.call("daemon.info"))["books"]["backup"] is None, "nobody has it yet"
    finished = await control.call("backup.finish", backup=name)
    assert finished["changed"] is True
    assert (await site.call("daemon.info"))["books"]["backup"] == finished["backup"]
    for method in ("backup.wait", "backup.read", "backup.finish"):
        with pytest.raises(ControlError, match=r"This backup is over\.") as caught:
            await control.call(method, backup=name)
        assert caught.value.code == 3


async def test_one_at_a_time_until_its_operator_is_gone(site: Site) -> None:
    async with await ControlConnection.open(site.socket) as control:
        name, _ = await begun(control)
        assert await site.refused("backup.begin") == (1, "Another backup is being made.")
    control = await site.control()
    while True:  # the first one's end is noticed when its connection's is
        try:
            again, _ = await begun(control)
        except ControlError as error:
            assert error.code == 1  # noqa: PT017
        else:
            break
    assert again != name
    assert (await site.refused("backup.read", backup=name))[0] == 3
    await control.call("backup.finish", backup=again)
    assert (await site.call("daemon.info"))["books"]["backup"] is not None


class Handing:
    """A client that hands over files, a blocking one."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self._lines = self.socket.makefile("rb")

    def send(self, number: int, method: str, **params: Any) -> None:
        line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        self.socket.sendall(line.encode() + b"\n")

    def receive(self) -> Any:
        return json.loads(self._lines.readline())

    def ask(self, method: str, **params: Any) -> Any:
        self.send(0, method, **params)
        return self.receive()

    def hand_over(self, *descriptors: int) -> None:
        socket.send_fds(self.socket, [b"\n"], descriptors)

    def begin(self) -> str:
        return str(self.ask("backup.begin", descriptor=True)["result"]["backup"])

    def made(self, name: str) -> Any:
        while not (told := self.ask("backup.wait", backup=name)).get("result", {"made": True})["made"]:
            pass
        return told

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


def files_of(site: Site) -> list[str]:
    """That csmsd has open."""
    assert site.process is not None
    found = []
    for link in Path(f"/proc/{site.process.pid}/fd").iterdir():
        with suppress(OSError):
            found.append(str(link.readlink()))
    return found


@pytest.fixture
async def handing(site: Site) -> AsyncIterator[Handing]:
    client = Handing(site.socket)
    yield client
    client.close()


async def test_it_is_written_into_a_file_that_is_handed_over(site: Site, handing: Handing, tmp_path: Path) -> None:
    """What was asked meanwhile is answered, too; of several files the first is written."""
    await site.call("tag.add", id="A1")

    def hand_over() -> Any:
        with (tmp_path / "copy.db").open("xb") as file, (tmp_path / "other").open("xb") as other:
            name = handing.begin()
            handing.send(1, "tag.show", id="A1")
            handing.hand_over(file.fileno(), other.fileno())
            assert handing.receive()["result"]["id"] == "A1"
            told = handing.made(name)["result"]
            refused = handing.ask("backup.read", backup=name)["error"]["message"]
            return told, refused, handing.ask("backup.finish", backup=name)["result"]

    told, refused, finished = await asyncio.to_thread(hand_over)
    size = (tmp_path / "copy.db").stat().st_size
    assert told == {"made": True, "progress": 1.0, "size": size, "sha256": None, "written": True}
    assert "in the file" in refused
    assert finished["backup"]["number"] == size
    assert (tmp_path / "other").stat().st_size == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT id FROM id_tag").fetchall() == [("A1",)]
    assert [name for name in await asyncio.to_thread(files_of, site) if name.startswith(str(tmp_path))] == []


async def test_what_is_no_file_to_write_to_is_refused(handing: Handing, tmp_path: Path) -> None:
    def hand_over() -> Any:
        (tmp_path / "secret").write_text("not yours")
        with (tmp_path / "secret").open("rb") as file:
            name = handing.begin()
            handing.hand_over(file.fileno())
            return handing.made(name)["error"]

    error = await asyncio.to_thread(hand_over)
    assert (error["code"], "no empty file" in error["message"]) == (1, True)
    assert (tmp_path / "secret").read_text() == "not yours"


async def test_where_files_cannot_be_handed_over_it_is_read(handing: Handing) -> None:
    """Something on the way passes on bytes alone."""

    def without() -> Any:
        name = handing.begin()
        handing.socket.sendall(b"\n")
        told = handing.made(name)["result"]
        return told, base64.b64decode(handing.ask("backup.read", backup=name)["result"]["data"])

    told, data = await asyncio.to_thread(without)
    assert (told["written"], told["sha256"]) == (False, hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    "piece", [{"offset": -1}, {"length": 0}, {"length": 4 * 1024 * 1024 + 1}, {"offset": 2**62 + 1}, {"backup": 1}]
)
async def test_what_is_no_piece_is_refused(shared_site: Site, piece: dict[str, Any]) -> None:
    assert (await shared_site.refused("backup.read", **({"backup": "x"} | piece)))[0] == -32602


async def test_a_copy_that_cannot_be_written_is_said_and_leaves_room_for_the_next(site: Site) -> None:
    control = await site.control()
    site.limit_file_size(4096)
    name = (await control.call("backup.begin"))["backup"]
    with pytest.raises(ControlError, match=r"The backup failed|There is no room") as caught:
        await made(control, name)
    assert caught.value.code == 1
    site.limit_file_size(None)
    await control.close()
    again = await site.control()
    while True:
        try:
            await begun(again)
        except ControlError as error:
            assert str(error) == "Another backup is being made."  # noqa: PT017
        else:
            break
