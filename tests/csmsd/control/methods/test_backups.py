"""Backups: one at a time, read piece by piece, and gone when they were read or their operator is."""

import base64
import hashlib
import sqlite3
from contextlib import closing
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
        assert 0 <= told["progress"] < 1
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
