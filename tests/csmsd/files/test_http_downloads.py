"""Firmware over the HTTP host of a real csmsd, with http.client as the charge point's client."""

import asyncio
import socket
import struct
from asyncio import to_thread
from contextlib import closing, suppress
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import (
    FIRMWARE,
    add_firmware,
    calmed,
    hosting,
    http,
    http_base,
    stored,
    update,
    update_record,
)
from tests.support.site import Site


async def test_firmware_is_fetched_once(hosts: Site) -> None:
    added = await add_firmware(hosts)
    assert (added["changed"], added["firmware"]["size"]) == (True, len(FIRMWARE))
    point = await hosts.raw("CP1")
    url = await update(hosts, point)

    response, body = await to_thread(http, "GET", url)
    assert (response.status, body) == (200, FIRMWARE)
    await fetched_for_good(hosts, url)
    assert (await update_record(hosts))["state"] == "requested"  # the charge point has not said a word
    assert (await to_thread(http, "HEAD", url))[0].status == 410


async def test_with_retries_it_may_be_fetched_again(hosts: Site) -> None:
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"), retries=1)

    statuses = [(await to_thread(http, "GET", url))[0].status for _ in range(3)]
    assert statuses == [200, 200, 410]


async def test_it_is_fetched_in_pieces(hosts: Site) -> None:
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"))
    size = len(FIRMWARE)

    response, body = await to_thread(http, "HEAD", url)
    assert (response.status, response.headers["Content-Length"], body) == (200, str(size), b"")
    for first, last in ((0, 99), (100, size // 2)):
        response, body = await to_thread(http, "GET", url, None, {"Range": f"bytes={first}-{last}"})
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert body == FIRMWARE[first : last + 1]
    # What it has a part of cannot be compared (RFC 9110, 13.1.5): all of it is sent.
    whole = await to_thread(http, "HEAD", url, None, {"Range": "bytes=0-99", "If-Range": '"x"'})
    assert (whole[0].status, whole[0].headers["Content-Length"]) == (200, str(size))
    response, _ = await to_thread(http, "GET", url, None, {"Range": f"bytes={size}-"})
    assert (response.status, response.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert (await to_thread(http, "GET", url, None, {"Range": "bytes=x"}))[0].status == 416
    assert (await update_record(hosts))["fetched_at"] is None
    response, body = await to_thread(http, "GET", url, None, {"Range": "bytes=-100"})
    assert (response.status, body) == (206, FIRMWARE[-100:])
    assert (await update_record(hosts))["fetched_at"] is None  # the last byte is not all of them
    response, body = await to_thread(http, "GET", url, None, {"Range": f"bytes={size // 2}-{size - 101}"})
    assert (response.status, body) == (206, FIRMWARE[size // 2 : size - 100])
    await fetched_for_good(hosts, url)


async def test_a_disk_that_fails_is_no_part_of_the_file(hosts: Site) -> None:
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"))
    (file,) = stored(hosts, "firmware")
    file.unlink()
    file.mkdir()  # it can be opened, and not be read
    assert await to_thread(fetch, url) == b""


async def test_an_image_that_is_removed_takes_its_addresses_with_it(hosts: Site) -> None:
    """Who has a part of it must not get the rest from another image of that name."""
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"), retries=3)
    response, body = await to_thread(http, "GET", url, None, {"Range": "bytes=0-99"})
    assert (response.status, body) == (206, FIRMWARE[:100])
    await hosts.call("firmware.remove", name="acme-2.1.bin", force=True)
    await add_firmware(hosts, data=bytes(len(FIRMWARE)))
    response, _ = await to_thread(http, "GET", url, None, {"Range": "bytes=100-"})
    assert response.status == 410


async def test_one_name_is_one_image(hosts: Site) -> None:
    """Also when two operators add it at the same time."""
    tries = [add_firmware(hosts, data=bytes([number]) * 1000) for number in range(5)]
    added = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, dict) and answer["changed"] for answer in added) == 1
    assert len(stored(hosts, "firmware")) == 1


async def fetched_for_good(site: Site, url: str) -> None:
    assert (await to_thread(http, "GET", url))[0].status == 410
    assert (await update_record(site))["fetched_at"] is not None


def fetch(url: str, start: int | None = None, *, give_up_after: int | None = None) -> bytes:
    """What came of a file before the connection was cut, by csmsd or, after so many bytes, by the charge point."""
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.sock = socket.socket()
        connection.sock.settimeout(30)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # little is on its way
        connection.sock.connect((parts.hostname, parts.port))
        try:
            connection.request("GET", parts.path, headers={"Range": f"bytes={start}-"} if start is not None else {})
            response = connection.getresponse()
            if response.status >= 400:
                return b""
            if give_up_after is None:
                return response.read()
            data = response.read(give_up_after)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return data
        except IncompleteRead as cut:
            return cut.partial
        except ConnectionError:
            return b""


async def test_whoever_fetches_at_the_same_time_does_not_get_it_twice(hosts: Site) -> None:
    image = bytes(20_000_000)
    await add_firmware(hosts, data=image)
    url = await update(hosts, await hosts.raw("CP1"))

    got = await asyncio.gather(*(to_thread(fetch, url, start) for start in (None, 0, None, 0, None, 0)))
    assert [len(data) for data in got].count(len(image)) == 1
    await fetched_for_good(hosts, url)


async def test_what_was_cut_again_and_again_is_resumed(hosts: Site) -> None:
    """Even where the kernel had taken all of it: what is asked for anew had not arrived."""
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"), retries=0)
    got = b""
    for _ in range(7):
        got += await to_thread(fetch, url, len(got), give_up_after=100_000)
        assert (await update_record(hosts))["fetched_at"] is None
    assert len(got) == 700_000
    got += await to_thread(fetch, url, len(got))
    assert got == FIRMWARE
    await fetched_for_good(hosts, url)


def given_up(connection: socket.socket) -> None:
    """Waits until csmsd has closed its end: what is on its way then does not say so before it has arrived."""
    ours, theirs = (f"0100007F:{port:04X}" for _, port in (connection.getsockname(), connection.getpeername()))
    deadline, absent = monotonic() + 60, 0
    while absent < 3:  # the kernel writes the table piece by piece
        assert monotonic() < deadline
        established = f"{theirs} {ours} 01" in Path("/proc/net/tcp").read_text()
        absent = 0 if established else absent + 1
        sleep(0.01)


async def test_who_takes_too_long_over_the_end_may_try_again(make_site: MakeSite) -> None:
    """All of it is with the kernel, and the time limit strikes while its arrival is waited for."""
    site = await make_site(hosting(idle_timeout=30, transfer_timeout=1))
    await add_firmware(site, data=bytes(300_000))
    url = await update(site, await site.raw("CP1"))
    parts = urlsplit(url)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        slow.connect((parts.hostname, parts.port))
        slow.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.settimeout(30)
        await asyncio.to_thread(given_up, slow)
        with suppress(ConnectionError):
            while await to_thread(slow.recv, 100_000):
                pass
    assert (await update_record(site))["fetched_at"] is None
    response, body = await to_thread(http, "GET", await calmed(site, url))
    assert (response.status, len(body)) == (200, 300_000)


@pytest.mark.parametrize(("options", "most"), [({}, 5), ({"retries": 0}, 2), ({"retries": 2}, 4)])
async def test_who_never_takes_the_last_byte_comes_to_an_end(hosts: Site, options: dict[str, int], most: int) -> None:
    """As often as the command speaks of, thrice where it leaves that to the charge point; and a MiB of grace."""
    await add_firmware(hosts)
    url = await update(hosts, await hosts.raw("CP1"), **options)
    headers = {"Range": f"bytes=0-{len(FIRMWARE) - 2}"}

    statuses = [(await to_thread(http, "GET", url, None, headers))[0].status for _ in range(most + 1)]
    assert statuses == [206] * most + [410]
    await hosts.stop()  # it is no less used up after a restart
    await hosts.start()
    again = await http_base(hosts) + urlsplit(url).path
    assert (await to_thread(http, "GET", again, None, headers))[0].status == 410


async def test_a_download_that_was_cut_may_be_tried_again(hosts: Site) -> None:
    await add_firmware(hosts, data=bytes(20_000_000))
    url = await update(hosts, await hosts.raw("CP1"))

    def cut() -> None:
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port or 0), 10) as connection:
            connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert connection.recv(1000)

    await to_thread(cut)
    response, body = await to_thread(http, "GET", url)
    assert (response.status, len(body)) == (200, 20_000_000)
