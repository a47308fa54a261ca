"""Files of diagnostics in the hands of an operator: listed, read in pieces, removed."""

import base64
from asyncio import create_task, to_thread
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import diagnose, hosting, http, stored
from tests.support.site import Site


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """CP1 has brought `what went wrong`; CP2 is registered."""
    made = await make_site(hosting())
    url = await diagnose(made, await made.raw("CP1"))
    assert (await to_thread(http, "PUT", url + "log.zip", b"what went wrong"))[0].status == 201
    await made.register("CP2")
    return made


async def listed(site: Site, **narrowed: Any) -> list[dict[str, Any]]:
    found = (await site.call("diagnostics.list", **narrowed))["diagnostics"]
    assert isinstance(found, list)
    return found


async def test_what_is_kept_is_listed_by_charge_point(site: Site) -> None:
    (only,) = await listed(site)
    assert (only["charge_point"], only["name"], only["size"], only["kept"]) == ("CP1", "log.zip", 15, True)
    assert await listed(site, charge_point="cp1") == [only]
    assert await listed(site, charge_point="CP2") == []
    for narrowed, found in (({}, 1), ({"targets": ["CP2"]}, 0), ({"tasks": [only["task"], 4711]}, 1)):
        assert len((await site.call("diagnostics.status", **narrowed))["diagnostics"]) == found
    assert (await site.refused("diagnostics.status", targets=["CP9"]))[0] == 3


async def test_it_is_read_in_pieces(site: Site) -> None:
    task = (await listed(site))[0]["task"]
    pieces = [await site.call("diagnostics.read", task=task, offset=at, length=8) for at in (0, 8, 16)]
    assert b"".join(base64.b64decode(piece["data"]) for piece in pieces) == b"what went wrong"
    assert {(piece["size"], piece["name"]) for piece in pieces} == {(15, "log.zip")}
    for piece in ({"offset": -1}, {"length": 0}, {"length": 4 * 1024 * 1024 + 1}):
        assert (await site.refused("diagnostics.read", task=task, **piece))[0] == -32602


async def test_a_file_that_is_gone_is_said(site: Site) -> None:
    (file,) = stored(site, "diagnostics")
    file.unlink()
    task = (await listed(site))[0]["task"]
    assert await site.refused("diagnostics.read", task=task) == (
        1,
        "The file cannot be read: No such file or directory.",
    )
    assert (await site.call("diagnostics.remove", task=task))["changed"] is True


async def test_what_is_removed_is_gone_on_disk_and_told_of_once(site: Site) -> None:
    task = (await listed(site))[0]["task"]
    watcher = await site.watch("diagnostics.removed")
    assert (await site.call("diagnostics.remove", task=task))["changed"] is True
    assert (await watcher.event("diagnostics.removed", "CP1"))["data"] == {"upload": task}
    assert stored(site, "diagnostics") == []
    for method in ("diagnostics.read", "diagnostics.remove"):
        assert await site.refused(method, task=task) == (3, f"No file of diagnostics has the number {task}.")
    assert await listed(site) == []
    assert (await site.call("diagnostics.status"))["diagnostics"][0]["kept"] is False


async def test_what_cannot_be_stored_stays(site: Site) -> None:
    task = (await listed(site))[0]["task"]
    site.limit_file_size(4096)
    assert (await site.refused("diagnostics.remove", task=task))[0] == 1
    site.limit_file_size(None)
    assert base64.b64decode((await site.call("diagnostics.read", task=task))["data"]) == b"what went wrong"


async def test_a_log_is_asked_for_under_the_number_of_its_task(site: Site) -> None:
    """Also where others were queued before it: the charge point reports under that number."""
    point = await site.raw("CP2")
    for kind, wire in (("security", "SecurityLog"), ("diagnostics", "DiagnosticsLog")):
        command = create_task(
            site.call("operation.run", targets=["CP2"], command="get-log", parameters={"type": kind}, force=True)
        )
        asked = await point.asked("GetLog")
        assert asked[3]["logType"] == wire
        await point.answer(asked, {"status": "AcceptedCanceled", "filename": f"{kind}.log"})
        (result,) = (await command)["results"]
        assert result["outcome"] == "accepted"
        assert asked[3]["requestId"] == result["task"] == result["request"]["requestId"]
    url = asked[3]["log"]["remoteLocation"]
    assert (await to_thread(http, "PUT", url + "diagnostics.log", b"all that was logged"))[0].status == 201
    await point.ask("LogStatusNotification", {"status": "Uploaded", "requestId": result["task"]})
    (status,) = (await site.call("diagnostics.status", targets=["CP2"]))["diagnostics"]
    assert (status["task"], status["kind"], status["state"], status["size"]) == (
        result["task"],
        "diagnostics_log",
        "uploaded",
        19,
    )
