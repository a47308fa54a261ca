"""Firmware and diagnostics from csmsctl to simulated charge points that really fetch, install, boot and upload."""

import asyncio
import os
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from csmsctl.simulator import charge_point as simulated
from csmsctl.simulator.charge_point import ChargePoint
from csmsctl.simulator.connection import Connection, simulator_clock
from csmsctl.simulator.profiles import firmware_management
from tests.conftest import MakeSite
from tests.csmsd.files.file_site import FIRMWARE, add_firmware, hosting, http, stored
from tests.support.ports import free_port
from tests.support.site import Site, environment


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "SECONDS_TO_BOOT", 0.05)
    monkeypatch.setattr(firmware_management, "SECONDS_TO_INSTALL", 0.05)
    monkeypatch.setattr(firmware_management, "SECONDS_TO_LOOK", 0.05)


@asynccontextmanager
async def points(site: Site, *identities: str, **misbehaving: str) -> AsyncIterator[dict[str, Connection]]:
    """Simulated charge points, registered and booted; `CP3="no-reports"` misbehaves."""
    async with AsyncExitStack() as stack:
        watcher = await site.watch("charge_point.booted")
        found: dict[str, Connection] = {}
        for identity in (*identities, *misbehaving):
            await site.register(identity)
            kinds = [misbehaving[identity]] if identity in misbehaving else []
            point = ChargePoint(identity, now=simulator_clock(), seed=1, misbehave=kinds)
            found[identity] = Connection(point, f"ws://{site.listen}/ocpp", lambda _: None, first_back_off=0.1)
            task = asyncio.create_task(found[identity].run())

            async def end(task: "asyncio.Task[None]" = task) -> None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

            stack.push_async_callback(end)
        for _ in found:
            await watcher.event("charge_point.booted")
        yield found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "acme-2.1.bin"
    path.write_bytes(FIRMWARE)
    return path


async def test_firmware_from_the_file_to_the_version_that_boots(make_site: MakeSite, image: Path) -> None:
    site = await make_site(hosting())
    added = await site.json("firmware", "add", str(image), "--version", "2.1")
    assert (added["changed"], added["firmware"]["size"]) == (True, len(FIRMWARE))
    assert (await site.json("firmware", "add", str(image)))["changed"] is False
    assert (await site.json("firmware", "list"))["firmware"][0]["sha256"] == added["firmware"]["sha256"]
    bad = {"CP3": "download-fails", "CP4": "installation-fails"}
    async with points(site, "CP1", "CP2", **bad):
        over_http, over_ftp, failed = await asyncio.gather(
            site.csmsctl("--json", "update-firmware", "CP1", "--file", image.name, "--wait"),
            site.csmsctl("update-firmware", "CP2", "--file", image.name, "--wait", "--protocol", "ftp"),
            site.csmsctl("--json", "--yes", "update-firmware", "CP3", "CP4", "--file", image.name, "--wait"),
        )
        assert over_http.code == 0, over_http
        observed = over_http.json["results"][0]["observed"]
        assert (observed["state"], observed["reported"]) == ("installed", "Installed")
        assert (observed["version_before"], observed["version_after"]) == ("1.0.0", "2.1")
        assert observed["confirmed"] is True
        assert observed["fetched_at"] is not None
        assert over_ftp.code == 0, over_ftp
        assert "installed" in over_ftp.out
        assert "version 1.0.0 → 2.1 (confirmed)" in over_ftp.out
        assert failed.code == 9
        states = {result["charge_point"]: result["observed"]["state"] for result in failed.json["results"]}
        assert states == {"CP3": "download_failed", "CP4": "installation_failed"}
    status = (await site.json("firmware", "status", "CP1"))["updates"]
    assert [update["confirmed"] for update in status] == [True]
    # What only the charge point may know is nowhere to be found.
    token = "token-"
    shown = (await site.csmsctl("--json", "task", "list")).out + (await site.csmsctl("--json", "log", "CP1")).out
    assert shown.count(token) == shown.count(token + "******") > 1
    assert (await site.csmsctl("firmware", "remove", image.name, "--yes")).code == 0
    assert stored(site, "firmware") == []


async def test_diagnostics_from_the_command_to_the_file(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site(hosting())
    async with points(site, "CP1", "CP2", CP3="upload-fails"):
        got, ftp, failed = await asyncio.gather(
            site.csmsctl("--json", "get-diagnostics", "CP1", "--wait"),
            site.csmsctl("get-diagnostics", "CP2", "--protocol", "ftp", "--wait"),
            site.csmsctl("get-diagnostics", "CP3", "--wait"),
        )
    assert (got.code, ftp.code, failed.code) == (0, 0, 7), (got, ftp, failed)
    task = got.json["results"][0]["task"]
    listed = (await site.json("diagnostics", "list", "--charge-point", "CP1"))["diagnostics"]
    assert [upload["task"] for upload in listed] == [task]
    assert listed[0]["name"].startswith("CP1-")
    target = tmp_path / "cp1.txt"
    assert (await site.csmsctl("diagnostics", "get", str(task), "--output", str(target))).code == 0
    assert target.read_text().startswith("charge point: CP1\n")
    assert (await site.csmsctl("diagnostics", "get", str(task), "--output", "-")).out == target.read_text()
    assert (await site.csmsctl("diagnostics", "remove", str(task), "--yes")).code == 0
    assert (await site.csmsctl("diagnostics", "get", str(task))).code == 3


async def test_silence_ends_with_8(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"firmware_timeout": 1}})
    charge_point = await site.raw("CP1")
    arguments = ("update-firmware", "CP1", "--location", "http://192.0.2.1/fw.bin", "--wait")
    running = asyncio.create_task(site.csmsctl("--json", *arguments))
    request = await charge_point.asked("UpdateFirmware")
    await charge_point.frame(3, request[1], {})
    ended = await running
    assert ended.code == 8, ended
    observed = ended.json["results"][0]["observed"]
    assert (observed["state"], observed["reported"]) == ("unknown", None)


async def test_where_reports_never_come_the_boot_tells(make_site: MakeSite, image: Path) -> None:
    settings: dict[str, Any] = hosting()
    settings["ocpp"] |= {"firmware_timeout": 6}
    site = await make_site(settings)
    await site.json("firmware", "add", str(image))
    watcher = await site.watch("firmware.confirmed")
    async with points(site, CP1="no-reports"):
        ended = await site.csmsctl("--json", "update-firmware", "CP1", "--file", image.name, "--wait")
        assert (await watcher.event("firmware.confirmed"))["data"]["before"] == "1.0.0"
    assert ended.code == 0, ended
    observed = ended.json["results"][0]["observed"]
    assert (observed["state"], observed["reported"], observed["confirmed"]) == ("installed", None, True)
    assert "booted with the new version" in observed["error"]


async def test_a_restart_in_the_middle_loses_nothing(make_site: MakeSite, image: Path) -> None:
    """The token outlives csmsd: a charge point that was told a URL before may use it after."""
    settings: dict[str, Any] = hosting()
    settings["files"]["http_listen"] = f"127.0.0.1:{free_port()}"
    site = await make_site(settings)
    await site.json("firmware", "add", str(image))
    point = await site.raw("CP1")
    running = asyncio.create_task(site.csmsctl("--json", "update-firmware", "CP1", "--file", image.name))
    frame = await point.asked("UpdateFirmware")
    await point.answer(frame, {})
    assert (await running).code == 0
    await point.ask("FirmwareStatusNotification", {"status": "Downloading"})
    partial = site.state / "files" / "partial" / "left-behind"
    partial.write_bytes(b"x")
    orphan = site.state / "files" / "firmware" / ("0" * 32)
    orphan.write_bytes(b"x")

    await site.restart()

    assert not partial.exists()
    assert not orphan.exists()
    response, body = await asyncio.to_thread(http, "GET", frame[3]["location"])
    assert (response.status, body) == (200, FIRMWARE)
    again = await site.raw("CP1", register=False)
    await again.ask("FirmwareStatusNotification", {"status": "Installed"})
    (update,) = (await site.json("firmware", "status"))["updates"]
    assert update["state"] == "installed"
    assert update["fetched_at"] is not None


async def test_a_terminal_shows_how_far_it_is(make_site: MakeSite) -> None:
    """A bar for the charge point: its state in words, and the bytes that left this host."""
    site = await make_site(hosting())
    await add_firmware(site, data=bytes(30_000_000))
    point = await site.raw("CP1")
    master, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csmsctl", "--socket", str(site.socket)),
        *("update-firmware", "CP1", "--file", "acme-2.1.bin", "--wait"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=environment(TERM="xterm"),
    )
    os.close(terminal)
    frame = await point.asked("UpdateFirmware")
    await point.answer(frame, {})
    await point.ask("FirmwareStatusNotification", {"status": "Downloading"})
    parts = urlsplit(frame[3]["location"])
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=65_536)
    writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    shown = bytearray()

    def read_terminal(*wanted: bytes) -> None:
        while not all(word in shown for word in wanted):
            shown.extend(os.read(master, 65_536))

    await asyncio.to_thread(read_terminal, b"CP1 downloading")
    showing = asyncio.create_task(asyncio.to_thread(read_terminal, b"/30.0 MB"))
    for _ in range(250):  # progress is told twice a second, with a piece that leaves
        await reader.readexactly(100_000)
        if (await asyncio.wait([showing], timeout=0.02))[0]:
            break
    await showing
    await reader.read()
    writer.close()
    await point.ask("FirmwareStatusNotification", {"status": "Installed"})
    out, _ = await process.communicate()
    os.close(master)
    assert process.returncode == 0
    assert b"installed" in out
