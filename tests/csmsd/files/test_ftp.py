"""The FTP host of a real csmsd, with ftplib as the charge point's client."""

import asyncio
import io
import socket
import struct
from asyncio import to_thread
from contextlib import ExitStack, closing, suppress
from ftplib import FTP, error_perm, error_reply, error_temp
from ftplib import Error as FtpError
from functools import partial
from http.client import HTTPException
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import (
    FIRMWARE,
    add_firmware,
    bases,
    calmed,
    diagnose,
    diagnostics_file,
    ftp,
    ftp_bring,
    ftp_fetch,
    hosting,
    http,
    nothing_partial,
    stored,
    update,
    update_record,
    upload_record,
)
from tests.support.site import Site


async def test_firmware_is_fetched_once(hosts: Site) -> None:
    await add_firmware(hosts)
    point = await hosts.raw("CP1")
    watcher = await hosts.watch("firmware.status")
    url = await update(hosts, point, protocol="ftp")

    assert await to_thread(ftp_fetch, url) == FIRMWARE
    while not (await watcher.event("firmware.status"))["data"].get("fetched"):
        pass
    assert (await update_record(hosts))["fetched_at"] is not None
    with pytest.raises(error_perm):
        await to_thread(ftp_fetch, url)


async def test_a_download_is_resumed(hosts: Site) -> None:
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"), protocol="ftp")

    def cut() -> bytes:
        client, path = ftp(url)
        host, port = client.makepasv()
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # little is on its way
            connection.connect((host, port))
            client.sendcmd(f"RETR {path}")
            got = connection.recv(100_000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        return got

    got = await to_thread(cut)
    assert (await update_record(hosts))["fetched_at"] is None
    assert got + await to_thread(ftp_fetch, url, rest=len(got)) == FIRMWARE
    with pytest.raises(error_perm):
        await to_thread(ftp_fetch, url)
    assert (await update_record(hosts))["fetched_at"] is not None


async def test_whoever_fetches_at_the_same_time_does_not_get_it_twice(hosts: Site) -> None:
    """Over both protocols: the newest one is the one that counts."""
    image = bytes(20_000_000)
    await add_firmware(hosts, data=image)
    url = await update(hosts, await hosts.raw("CP1"), protocol="ftp")
    base = next(base for base in await bases(hosts) if base.startswith("http:"))

    def fetch(way: str) -> int:
        try:
            if way == "ftp":
                return len(ftp_fetch(url))
            response, body = http("GET", base + urlsplit(url).path)
            return len(body) if response.status == 200 else 0
        except (OSError, EOFError, HTTPException, FtpError):
            return 0

    got = await asyncio.gather(*(to_thread(fetch, way) for way in ("ftp", "http", "ftp", "http", "ftp")))
    assert list(got).count(len(image)) == 1
    with pytest.raises(error_perm):
        await to_thread(ftp_fetch, url)


async def test_the_ways_in_which_clients_ask(hosts: Site) -> None:
    """A login, a change of directory, a size first; and without TYPE I the bytes stay what they are."""
    await add_firmware(hosts, data=b"a\nb\r\nc")
    url = await update(hosts, await hosts.raw("CP1"), protocol="ftp", retries=3)

    def ask() -> tuple[str, int | None, bytes]:
        client, path = ftp(url, user="firmware")
        directory, _, name = path.rpartition("/")
        data = bytearray()
        with client:
            client.cwd(directory)
            size = client.size(name)
            listed: list[str] = []
            client.retrlines("LIST", listed.append)
            assert listed == []
            with client.transfercmd(f"RETR {name}") as connection:
                while chunk := connection.recv(1000):
                    data += chunk
            client.voidresp()
            return client.pwd(), size, bytes(data)

    assert await to_thread(ask) == (urlsplit(url).path.rpartition("/")[0], 6, b"a\nb\r\nc")


async def test_diagnostics_are_brought(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"), protocol="ftp")

    answer = await to_thread(ftp_bring, url, "log.zip", io.BytesIO(b"what went wrong"))
    assert answer.startswith("226")
    record = await upload_record(hosts)
    assert (record["name"], record["size"]) == ("log.zip", 15)
    assert await diagnostics_file(hosts, record["task"]) == b"what went wrong"
    with pytest.raises(error_perm):
        await to_thread(ftp_bring, url, "log.zip", io.BytesIO(b"again"))


NOWHERE = [
    "RETR /etc/passwd",
    "RETR ../../../../etc/passwd",
    "RETR /token-x/firmware",
    "STOR /etc/passwd",
    "STOR file",
    "STOR /token-x/file",
    "APPE {path}",
    "STOR {path}",
    "CWD /etc",
    "CWD ..//..//etc",
    "DELE {path}",
    "MKD /x",
    "RNFR {path}",
    "SITE CHMOD 777 {path}",
    "PORT 127,0,0,1,0,22",
    "EPRT |1|127.0.0.1|22|",
    "MLSD /",
    "STOU",
]


async def test_nothing_else_is_there(hosts: Site) -> None:
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"), protocol="ftp")
    parts = urlsplit(url)

    def ask(command: str) -> str:
        client, path = ftp(url)
        with client:
            return client.sendcmd(command.format(path=path))

    for command in NOWHERE:
        with pytest.raises((error_perm, error_reply, error_temp)):
            await to_thread(ask, command)

    def look(path: str) -> list[str]:
        client, _ = ftp(url)
        listed: list[str] = []
        with client:
            client.retrlines(f"LIST {path}", listed.append)
        return listed

    assert len(await to_thread(look, parts.path)) == 1
    for path in ("/etc/passwd", "/etc", str(hosts.state), str(hosts.state / "csms.db")):
        for command in (f"STAT {path}", f"SIZE {path}"):
            with pytest.raises(error_perm):
                await to_thread(ask, command)
        with pytest.raises(error_perm):
            await to_thread(look, path)

    def without_login() -> str:
        with FTP(timeout=30) as client:
            client.connect(parts.hostname or "", parts.port or 0)
            return client.sendcmd("PASV")

    with pytest.raises(error_perm, match="530"):
        await to_thread(without_login)


async def test_too_large_a_file_leaves_nothing(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"), protocol="ftp")

    with pytest.raises((error_perm, ConnectionError), match=r"552|reset|Broken pipe"):
        await to_thread(ftp_bring, url, "log.zip", io.BytesIO(bytes(3_000_000)))
    assert (await to_thread(ftp_bring, url, "log.zip", io.BytesIO(b"small"))).startswith("226")
    assert stored(hosts, "partial") == []
    assert len(stored(hosts, "diagnostics")) == 1


async def test_who_stalls_is_dropped_and_leaves_nothing(impatient: Site) -> None:
    url = await diagnose(impatient, await impatient.raw("CP1"), protocol="ftp")

    def stall() -> bytes:
        client, path = ftp(url)
        with client.transfercmd(f"STOR {path}x") as connection:
            connection.sendall(b"half")
            rest = connection.recv(100)  # until csmsd closes it
        client.close()
        return rest

    assert await to_thread(stall) == b""
    await nothing_partial(impatient)
    url = await calmed(impatient, url)
    assert (await to_thread(ftp_bring, url, "x", io.BytesIO(b"whole"))).startswith("226")
    assert stored(impatient, "partial") == []


async def test_a_cut_upload_is_no_upload(hosts: Site) -> None:
    """A reset is not the end of the file; a lost control connection is not either."""
    url = await diagnose(hosts, await hosts.raw("CP1"), protocol="ftp")

    def half_is_there() -> None:
        while sum(file.stat().st_size for file in stored(hosts, "partial")) < 4:
            pass

    def cut() -> str:
        client, path = ftp(url)
        connection = client.transfercmd(f"STOR {path}x")
        connection.sendall(b"half")
        half_is_there()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        try:
            return client.voidresp()
        except error_temp as answer:
            return str(answer)
        finally:
            client.close()

    def hang_up() -> None:
        client, path = ftp(url)
        with client.transfercmd(f"STOR {path}x") as connection:
            connection.sendall(b"half")
            half_is_there()
            client.close()
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""

    assert (await to_thread(cut)).startswith("426")
    await to_thread(hang_up)
    assert (await upload_record(hosts))["received_at"] is None
    assert (await to_thread(ftp_bring, url, "x", io.BytesIO(b"whole"))).startswith("226")
    assert len(stored(hosts, "diagnostics")) == 1


async def test_an_address_has_its_share_and_who_names_no_token_gives_way(make_site: MakeSite) -> None:
    site = await make_site(hosting(max_transfers_per_address=1))
    await add_firmware(site)
    url = urlsplit(await update(site, await site.raw("CP1"), protocol="ftp"))

    def ask() -> tuple[str, str, str]:
        with FTP(timeout=30) as idle, FTP(timeout=30) as first, FTP(timeout=30) as second, FTP(timeout=30) as third:
            idle.connect(url.hostname or "", url.port or 0)
            welcome = first.connect(url.hostname or "", url.port or 0)
            with pytest.raises((EOFError, OSError)):
                idle.sendcmd("NOOP")
            first.login()
            first.sendcmd(f"SIZE {url.path}")
            with pytest.raises(error_temp, match="421") as refused:
                second.connect(url.hostname or "", url.port or 0)
            elsewhere = third.connect(url.hostname or "", url.port or 0, source_address=("127.0.0.2", 0))
            first.sendcmd("NOOP")
            return welcome[:3], str(refused.value)[:3], elsewhere[:3]

    assert await to_thread(ask) == ("220", "421", "220")


@pytest.mark.slow
async def test_who_names_no_token_may_not_stay(impatient: Site) -> None:
    """Whatever else it says; who does, may."""
    await add_firmware(impatient)
    url = await update(impatient, await impatient.raw("CP1"), protocol="ftp")

    def stay(path: str | None, *, with_data: bool = False) -> float:
        """Seconds until csmsd closes the connection, which says something all the time."""
        client, _ = ftp(url)
        begun = monotonic()
        with suppress(EOFError, error_temp, OSError), ExitStack() as data:
            while monotonic() - begun < 16:
                if with_data:
                    data.enter_context(closing(socket.create_connection(client.makepasv(), 10)))
                client.sendcmd(f"SIZE {path}" if path is not None else "NOOP")
                sleep(0.2)
        client.close()
        return monotonic() - begun

    named, unnamed, busy = await asyncio.gather(
        to_thread(stay, urlsplit(url).path), to_thread(stay, None), to_thread(partial(stay, None, with_data=True))
    )
    assert 8 < unnamed < 16 <= named
    assert 8 < busy < 16
