"""File hosts that nobody configured: opened for a command, kept over a restart, closed when nobody needs them."""

import asyncio
import socket
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import FIRMWARE, add_firmware, diagnose, ftp_fetch, http, update
from tests.support.ports import free_port
from tests.support.site import Site


def unconfigured(**files: Any) -> dict[str, dict[str, Any]]:
    ports = {"on_demand_http_port": free_port(), "on_demand_ftp_port": free_port()}
    return {"files": ports | files, "ocpp": {"hold_after_reconnect": 0}}


async def hosts(site: Site) -> tuple[list[str], list[str]]:
    """Those that are open, and those that may be."""
    info = await site.call("daemon.info")
    return info["files"], info["files_on_demand"]


async def test_a_command_opens_the_host_that_it_needs(make_site: MakeSite) -> None:
    settings = unconfigured()
    site = await make_site(settings)
    base = f"http://127.0.0.1:{settings['files']['on_demand_http_port']}"
    await add_firmware(site)
    point = await site.raw("CP1")
    assert await hosts(site) == ([], ["http", "ftp"])
    assert "http and ftp when needed" in (await site.csmsctl("daemon", "info")).out
    planned = await site.json("update-firmware", "CP1", "--file", "acme-2.1.bin", "--dry-run")
    assert planned["results"][0]["request"]["location"].startswith(base)
    assert await hosts(site) == ([], ["http", "ftp"])  # nothing was sent, so nothing is needed

    watcher = await site.watch("files.opened")
    running = asyncio.create_task(site.csmsctl("update-firmware", "CP1", "--file", "acme-2.1.bin"))
    frame = await point.asked("UpdateFirmware")
    location = frame[3]["location"]
    assert location.startswith(f"{base}/token-")
    assert (await watcher.event("files.opened"))["data"] == {"url": base}
    await point.answer(frame, {})
    assert f"csmsd hosts files at {base} while that is needed" in (await running).err
    assert await hosts(site) == ([base], ["http", "ftp"])
    assert f"files are hosted at {base} while that is needed" in site.errors()

    await site.restart()  # what the charge point was told still holds

    assert await hosts(site) == ([base], ["http", "ftp"])
    response, body = await asyncio.to_thread(http, "GET", location)
    assert (response.status, body) == (200, FIRMWARE)
    again = await site.raw("CP1", register=False)
    assert (await asyncio.to_thread(http, "PUT", await diagnose(site, again) + "x", b"log"))[0].status == 201
    await again.ask("FirmwareStatusNotification", {"status": "Installed"})
    over_ftp = await update(site, again, protocol="ftp")
    assert urlsplit(over_ftp).port == settings["files"]["on_demand_ftp_port"]
    assert await asyncio.to_thread(ftp_fetch, over_ftp) == FIRMWARE


@pytest.mark.slow
async def test_it_is_closed_when_nobody_needs_it_and_opened_again(make_site: MakeSite) -> None:
    site = await make_site(unconfigured())
    point = await site.raw("CP1")
    watcher = await site.watch("files.closed", "files.opened")
    for _ in range(2):
        url = await diagnose(site, point)
        await watcher.event("files.opened")
        assert (await asyncio.to_thread(http, "PUT", url, b"log"))[0].status == 201
        await watcher.event("files.closed")
        assert (await hosts(site))[0] == []
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(http, "PUT", url, b"log")


async def test_a_port_that_is_taken_is_told_and_nothing_is_sent(make_site: MakeSite) -> None:
    settings = unconfigured()
    site = await make_site(settings)
    await add_firmware(site)
    point = await site.raw("CP1")
    port = settings["files"]["on_demand_http_port"]
    with closing(socket.create_server(("127.0.0.1", port))):
        ended = await site.csmsctl("--json", "get-diagnostics", "CP1")
        (result,) = ended.json["results"]
        assert (ended.code, result["outcome"], result["task"]) == (1, "not_sent", None)
        assert f"cannot listen on port {port}" in result["error"]
        assert "files.on_demand_http_port" in result["error"]
        watcher = await site.watch("rollout.changed")
        assert (await site.csmsctl("firmware", "rollout", "CP1", "--file", "acme-2.1.bin")).code == 0
        while (event := await watcher.event("rollout.changed"))["data"]["state"] != "paused":
            pass
        (member,) = (await site.json("rollout", "show", "1"))["rollouts"][0]["members"]
        assert (member["state"], "files.on_demand_http_port" in member["note"]) == ("failed", True), event
    await site.asked_nothing(point)
    assert (await diagnose(site, point)).startswith(f"http://127.0.0.1:{port}/")


async def test_it_may_be_forbidden(make_site: MakeSite) -> None:
    site = await make_site(unconfigured(on_demand=False))
    point = await site.raw("CP1")
    for command in ("update-firmware CP1 --file x", "get-diagnostics CP1", "update-firmware CP1"):
        ended = await site.csmsctl(*command.split())
        assert ended.code in (2, 3), ended
    assert "files.on_demand = true" in (await site.csmsctl("get-diagnostics", "CP1")).out
    assert await hosts(site) == ([], [])
    assert "not hosted" in (await site.csmsctl("daemon", "info")).out
    await site.asked_nothing(point)


async def test_a_charge_point_that_is_away_is_away_whatever_would_be_hosted(make_site: MakeSite) -> None:
    site = await make_site(unconfigured())
    await site.register("CP1")
    ended = await site.csmsctl("get-diagnostics", "CP1")
    assert (ended.code, "csmsd hosts files" in ended.err) == (6, False)
    assert await hosts(site) == ([], ["http", "ftp"])


async def test_two_operators_who_wait_for_a_host_send_one_update(make_site: MakeSite) -> None:
    site = await make_site(unconfigured())
    await add_firmware(site)
    point = await site.raw("CP1")
    wanted = {"command": "update-firmware", "parameters": {"file": "acme-2.1.bin"}, "targets": ["CP1"]}
    running = [asyncio.create_task(site.call("operation.run", **wanted)) for _ in range(2)]
    await point.answer(await point.asked("UpdateFirmware"), {})
    results = [(await ended)["results"][0] for ended in running]
    assert sorted(result["outcome"] for result in results) == ["accepted", "not_sent"]
    assert any("is under way" in (result["error"] or "") for result in results)
    await site.asked_nothing(point)
