"""A csmsd that hosts files, its operators' uploads, and charge points that answer the two commands of the room."""

import asyncio
import base64
import hashlib
from ftplib import FTP
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.control import ControlConnection
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

FIRMWARE = bytes(range(256)) * 4096  # 1 MiB
SETTINGS: dict[str, Any] = {"http_listen": "127.0.0.1:0", "ftp_listen": "127.0.0.1:0"}
SIZES = {"max_upload_megabytes": 1, "quota_megabytes": 2, "max_transfers": 8}


def hosting(**settings: Any) -> dict[str, dict[str, Any]]:
    """Settings for `make_site`."""
    return {"files": SETTINGS | settings, "ocpp": {"hold_after_reconnect": 0}}


async def bases(site: Site) -> list[str]:
    """The URLs at which files are hosted now."""
    found = (await site.call("daemon.info"))["files"]
    assert isinstance(found, list)
    return found


async def http_base(site: Site) -> str:
    return next(base for base in await bases(site) if base.startswith("http:"))


async def calmed(site: Site, url: str) -> str:
    """The same file where its hosts wait as long as usual, also for one that this machine holds up."""
    assert await site.stop() == 0
    site.write_settings(hosting(**SIZES))
    await site.start()
    parts = urlsplit(url)
    return next(base for base in await bases(site) if base.startswith(parts.scheme + ":")) + parts.path


async def add_firmware(site: Site, name: str = "acme-2.1.bin", data: bytes = FIRMWARE, **fields: Any) -> dict[str, Any]:
    """Stores an image the way csmsctl does."""
    async with await ControlConnection.open(site.socket) as control:
        upload = (await control.call("firmware.begin", name=name, size=len(data)))["upload"]
        for start in range(0, len(data), 1_000_000):
            piece = base64.b64encode(data[start : start + 1_000_000]).decode()
            await control.call("firmware.write", upload=upload, data=piece)
        return await control.call("firmware.finish", upload=upload, name=name, **fields)


async def command(site: Site, point: RawChargePoint, name: str, answer: dict[str, Any], **parameters: Any) -> str:
    """Gives a command and has it confirmed; the location that the charge point was told."""
    running = asyncio.create_task(site.call("operation.run", command=name, parameters=parameters, targets=["CP1"]))
    action = {"update-firmware": "UpdateFirmware", "get-diagnostics": "GetDiagnostics"}[name]
    frame = await point.asked(action)
    await point.answer(frame, answer)
    result = (await running)["results"][0]
    assert result["outcome"] == "accepted", result
    location = frame[3]["location"]
    assert isinstance(location, str)
    return location


async def update(site: Site, point: RawChargePoint, **parameters: Any) -> str:
    return await command(site, point, "update-firmware", {}, **({"file": "acme-2.1.bin"} | parameters))


async def diagnose(site: Site, point: RawChargePoint, **parameters: Any) -> str:
    return await command(site, point, "get-diagnostics", {"fileName": "diag.zip"}, **parameters)


async def update_record(site: Site) -> dict[str, Any]:
    (found,) = (await site.call("firmware.status"))["updates"]
    assert isinstance(found, dict)
    return found


async def upload_record(site: Site) -> dict[str, Any]:
    (found,) = (await site.call("diagnostics.status"))["diagnostics"]
    assert isinstance(found, dict)
    return found


async def diagnostics_file(site: Site, task: int) -> bytes:
    """A file that arrived, read the way csmsctl does."""
    found = await site.call("diagnostics.read", task=task)
    data = base64.b64decode(found["data"])
    assert hashlib.sha256(data).hexdigest() == found["sha256"]
    return data


def stored(site: Site, kind: str) -> list[Path]:
    return sorted((site.state / "files" / kind).iterdir())


async def nothing_partial(site: Site) -> None:
    """What was begun and came to nothing is removed, after the connection has ended."""
    async with asyncio.timeout(60):
        while stored(site, "partial"):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


# --- the charge point's clients; they block, so tests call them in a thread


def http(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[HTTPResponse, bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.request(method, parts.path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def ftp(url: str, *, user: str = "anonymous") -> tuple[FTP, str]:
    """A client that is logged in, and the path."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    client = FTP(timeout=30)
    client.connect(parts.hostname, parts.port)
    client.login(user, "x")
    return client, parts.path


def ftp_fetch(url: str, *, rest: int | None = None) -> bytes:
    client, path = ftp(url)
    data = bytearray()
    with client:
        client.retrbinary(f"RETR {path}", data.extend, rest=rest)
    return bytes(data)


def ftp_bring(url: str, name: str, file: Any) -> str:
    client, path = ftp(url)
    with client:
        return client.storbinary(f"STOR {path}{name}", file)
