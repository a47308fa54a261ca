"""The step on diagnostics: over the protocols that the charge point has."""

import asyncio
import io
from ftplib import FTP
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsctl.commissioning.steps.played import outcome, playing
from tests.csmsd.files.file_site import hosting, http


@pytest.mark.parametrize(
    ("named", "can", "result", "asked"),
    [
        ("FTP", "ftp", "pass", ["ftp"]),
        (None, "ftp", "pass", ["http", "ftp"]),
        (None, "http", "pass", ["http"]),
        ("HTTP,FTP", "neither", "fail", ["http", "ftp"]),
        ("SFTP", "neither", "skipped", []),
    ],
)
async def test_diagnostics_by_the_protocols_that_it_has(
    make_site: MakeSite, named: str | None, can: str, result: str, asked: list[str]
) -> None:
    site = await make_site(hosting())
    keys = {} if named is None else {"SupportedFileTransferProtocols": named}
    async with playing(site, "Core,FirmwareManagement", **keys) as played:
        over: list[str] = []

        def put(location: str) -> None:
            parts = urlsplit(location)
            assert parts.hostname is not None
            if parts.scheme == "http":
                http("PUT", location + "diag.txt", b"all is well")
                return
            with FTP(timeout=30) as client:
                client.connect(parts.hostname, parts.port or 21)
                client.login("anonymous", "x")
                client.storbinary(f"STOR {parts.path}diag.txt", io.BytesIO(b"all is well"))

        async def upload(payload: Any) -> None:
            location = payload["location"]
            over.append(urlsplit(location).scheme)
            works = over[-1] == can
            if works:
                await asyncio.to_thread(put, location if location.endswith("/") else location + "/")
            told = {"status": "Uploaded" if works else "UploadFailed"}
            await played.point.ask("DiagnosticsStatusNotification", told)

        played.answers["GetDiagnostics"] = lambda _: {"fileName": "diag.txt"}
        played.after["GetDiagnostics"] = upload
        step = await outcome(site, "--step", "diagnostics")
        assert (step["result"], over) == (result, asked), step
        if result == "fail":
            assert "http: upload failed" in step["reason"]
            assert "ftp: upload failed" in step["reason"]
            assert "csmsctl diagnostics status CP1" in step["advice"]
        if result == "skipped":
            assert "sftp" in step["reason"]
