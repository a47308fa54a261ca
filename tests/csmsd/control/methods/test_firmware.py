"""Firmware brought by operators, in pieces: what is taken, what is refused, and what is left of it."""

import base64
import hashlib
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import add_firmware, hosting, stored, update
from tests.support.control import ControlConnection, ControlError
from tests.support.site import Site

DATA = base64.b64encode(b"firmware").decode()


async def refused(control: ControlConnection, method: str, **params: Any) -> tuple[int, str]:
    with pytest.raises(ControlError) as caught:
        await control.call(method, **params)
    return caught.value.code, str(caught.value)


async def names(site: Site) -> list[str]:
    return [image["name"] for image in (await site.call("firmware.list"))["firmware"]]


@pytest.mark.parametrize("name", ["", ".hidden", "a b", "../up", "a/b", "ä", "a\n", "x" * 101, "-x"])
async def test_a_name_is_what_every_client_can_ask_for(shared_site: Site, name: str) -> None:
    code, text = await shared_site.refused("firmware.begin", name=name, size=1)
    assert (code, "cannot be the name of a firmware file" in text) == (2, True)


async def test_it_comes_in_pieces_and_is_one_file(site: Site) -> None:
    watcher = await site.watch("firmware.changed")
    control = await site.control()
    name = "a" * 100
    upload = (await control.call("firmware.begin", name=name, size=16))["upload"]
    assert [(await control.call("firmware.write", upload=upload, data=DATA))["size"] for _ in range(2)] == [8, 16]
    finished = await control.call("firmware.finish", upload=upload, name=name, version="2.1", note="x")
    image = finished["firmware"]
    assert (image["size"], image["sha256"]) == (16, hashlib.sha256(b"firmwarefirmware").hexdigest())
    assert (image["version"], image["note"]) == ("2.1", "x")
    assert (await watcher.event("firmware.changed"))["data"] == {"name": name, "added": True}
    assert await names(site) == [name]
    for method in ("firmware.write", "firmware.finish"):
        more = {"data": DATA} if method == "firmware.write" else {"name": "b"}
        assert await refused(control, method, upload=upload, **more) == (3, "This upload is over.")


async def test_the_same_again_is_no_change_and_another_content_is_refused(site: Site) -> None:
    first = await add_firmware(site, data=b"one")
    again = await add_firmware(site, data=b"one", version="9")
    assert (first["changed"], again["changed"], again["firmware"]) == (True, False, first["firmware"])
    with pytest.raises(ControlError, match="is there already, with another content"):
        await add_firmware(site, data=b"two")
    assert len(stored(site, "firmware")) == 1


async def test_what_is_no_piece_is_refused_and_what_came_before_stays(site: Site) -> None:
    control = await site.control()
    upload = (await control.call("firmware.begin", name="a", size=8))["upload"]
    for data in ("%%%", "Zg", "ä"):
        code, _ = await refused(control, "firmware.write", upload=upload, data=data)
        assert code == 2, data
    assert await refused(control, "firmware.write", upload="0" * 16, data=DATA) == (3, "This upload is over.")
    await control.call("firmware.write", upload=upload, data=DATA)
    assert (await control.call("firmware.finish", upload=upload, name="a"))["firmware"]["size"] == 8


async def test_it_has_a_largest_size_by_its_word_and_by_its_bytes(make_site: MakeSite) -> None:
    site = await make_site({"files": {"max_firmware_megabytes": 1}})
    assert (await site.refused("firmware.begin", name="a", size=1_048_577))[0] == 2
    control = await site.control()
    upload = (await control.call("firmware.begin", name="a", size=1_048_576))["upload"]
    mebibyte = base64.b64encode(bytes(1_048_576)).decode()
    assert (await control.call("firmware.write", upload=upload, data=mebibyte))["size"] == 1_048_576
    code, text = await refused(control, "firmware.write", upload=upload, data="AA==")
    assert (code, "larger than 1 MiB" in text) == (2, True)


async def test_so_many_at_once(site: Site) -> None:
    control = await site.control()
    for number in range(8):
        await control.call("firmware.begin", name=f"a{number}", size=1)
    code, text = await refused(control, "firmware.begin", name="a8", size=1)
    assert (code, "at once" in text) == (1, True)


async def test_who_goes_away_in_the_middle_leaves_nothing(site: Site) -> None:
    async with await ControlConnection.open(site.socket) as control:
        upload = (await control.call("firmware.begin", name="a", size=8))["upload"]
        await control.call("firmware.write", upload=upload, data=DATA)
        assert len(stored(site, "partial")) == 1
    await site.restart()
    assert stored(site, "partial") == stored(site, "firmware") == []


async def test_a_disk_that_is_full_is_said_and_leaves_nothing(site: Site) -> None:
    control = await site.control()
    upload = (await control.call("firmware.begin", name="a", size=100_000))["upload"]
    site.limit_file_size(4096)
    large = base64.b64encode(bytes(100_000)).decode()
    code, text = await refused(control, "firmware.write", upload=upload, data=large)
    assert (code, text) == (1, "The file cannot be stored: File too large.")
    site.limit_file_size(None)
    assert await names(site) == []


async def test_what_cannot_be_recorded_is_not_kept(site: Site) -> None:
    control = await site.control()
    upload = (await control.call("firmware.begin", name="a", size=8))["upload"]
    await control.call("firmware.write", upload=upload, data=DATA)
    site.limit_file_size(4096)  # room for the file, and none in the database
    code, text = await refused(control, "firmware.finish", upload=upload, name="a")
    assert (code, "could not be stored" in text) == (1, True)
    site.limit_file_size(None)
    assert stored(site, "firmware") == []
    assert await names(site) == []


async def test_an_image_in_use_is_removed_by_force_only(make_site: MakeSite) -> None:
    site = await make_site(hosting())
    await add_firmware(site)
    await update(site, await site.raw("CP1"))
    assert await site.refused("firmware.remove", name="acme-2.1.bin") == (7, "acme-2.1.bin is in use: CP1.")
    assert (await site.call("firmware.remove", name="acme-2.1.bin", force=True))["changed"] is True
    assert (await site.refused("firmware.remove", name="acme-2.1.bin"))[0] == 3
    assert stored(site, "firmware") == []


async def test_which_updates_are_told(make_site: MakeSite) -> None:
    """The newest of each charge point, or those that are asked for."""
    site = await make_site(hosting())
    await add_firmware(site)
    point = await site.raw("CP1")
    await site.register("CP2")
    first = (await update(site, point), await site.call("firmware.status"))[1]["updates"][0]["task"]
    await point.ask("FirmwareStatusNotification", {"status": "DownloadFailed"})
    await update(site, point)
    (newest,) = (await site.call("firmware.status", targets=["*"]))["updates"]
    assert newest["task"] != first
    assert (await site.call("firmware.status", targets=["CP2"]))["updates"] == []
    told = (await site.call("firmware.status", tasks=[first, 4711]))["updates"]
    assert [(known["task"], known["state"]) for known in told] == [(first, "download_failed")]
