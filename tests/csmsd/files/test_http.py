"""The HTTP host of a real csmsd, with http.client as the charge point's client."""

import asyncio
import gzip
import io
import socket
import stat
import struct
import zlib
from asyncio import to_thread
from contextlib import closing, suppress
from http.client import HTTPConnection, IncompleteRead
from time import monotonic
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import (
    FIRMWARE,
    add_firmware,
    bases,
    diagnose,
    diagnostics_file,
    hosting,
    http,
    stored,
    update,
    update_record,
    upload_record,
)
from tests.support.site import Site

SIZES = {"max_upload_megabytes": 1, "quota_megabytes": 2, "max_transfers": 8}


@pytest.fixture
async def hosts(make_site: MakeSite) -> Site:
    return await make_site(hosting(**SIZES))


@pytest.fixture
async def impatient(make_site: MakeSite) -> Site:
    """Hosts that wait for nobody for long."""
    return await make_site(hosting(**SIZES, idle_timeout=0.5, transfer_timeout=1))


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
        await asyncio.sleep(1.5)
        with suppress(ConnectionError):
            while await to_thread(slow.recv, 100_000):
                pass
    assert (await update_record(site))["fetched_at"] is None
    site.write_settings(hosting(idle_timeout=30, transfer_timeout=60))
    await site.call("daemon.reload")
    response, body = await to_thread(http, "GET", url)
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


async def test_diagnostics_are_brought(hosts: Site) -> None:
    point = await hosts.raw("CP1")
    watcher = await hosts.watch("diagnostics.received")
    for method, name, kept in (("PUT", "log.zip", "log.zip"), ("PUT", "", ""), ("POST", "a/b/c.zip", "c.zip")):
        url = await diagnose(hosts, point)
        assert (await to_thread(http, method, url + name, b"what went wrong"))[0].status == 201
        assert (await watcher.event("diagnostics.received"))["data"]["size"] == 15
        record = await upload_record(hosts)
        assert (record["name"], record["size"], record["announced"]) == (kept, 15, "diag.zip")
        assert record["received_at"] is not None
        assert await diagnostics_file(hosts, record["task"]) == b"what went wrong"
        (file,) = stored(hosts, "diagnostics")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert (await to_thread(http, method, url + name, b"again"))[0].status == 410
        await hosts.call("diagnostics.remove", task=record["task"])
        assert stored(hosts, "diagnostics") == []


MULTIPART = (
    b'--XX\r\nContent-Disposition: form-data; name="id"\r\n\r\nCP1\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="upload"; filename="../../etc/passwd"\r\n'
    b"Content-Type: application/zip\r\n\r\nwhat\r\nwent wrong\r\n--XX--\r\n"
)


async def test_a_form_is_taken_apart(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))
    headers = {"Content-Type": "multipart/form-data; boundary=XX"}

    assert (await to_thread(http, "POST", url, MULTIPART, headers))[0].status == 201
    record = await upload_record(hosts)
    assert record["name"] == "../../etc/passwd"  # data, and nothing else
    assert await diagnostics_file(hosts, record["task"]) == b"what\r\nwent wrong"


async def test_a_form_without_a_file_is_refused(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))
    field = b'--XX\r\nContent-Disposition: form-data; name="id"\r\n\r\nCP1\r\n--XX--\r\n'
    for body, kind in ((field, "; boundary=XX"), (b"nonsense", "; boundary=XX"), (b"nonsense", "")):
        headers = {"Content-Type": f"multipart/form-data{kind}"}
        assert (await to_thread(http, "POST", url, body, headers))[0].status == 400
        assert stored(hosts, "partial") == stored(hosts, "diagnostics") == []
    assert (await to_thread(http, "PUT", url, b"right"))[0].status == 201


NOWHERE = [
    ("GET", "/"),
    ("GET", "/token-x/acme-2.1.bin"),
    ("GET", "/token-/acme-2.1.bin"),
    ("GET", "/../csms.db"),
    ("GET", "/token-x/../../../../etc/passwd"),
    ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
    ("GET", "//etc/passwd"),
    ("PUT", "/token-x/file"),
    ("DELETE", "/token-x/file"),
    ("GET", "/" + "a" * 5000),
]


async def test_nothing_else_is_there(hosts: Site) -> None:
    await add_firmware(hosts)
    point = await hosts.raw("CP1")
    down = await update(hosts, point, retries=1)
    up = await diagnose(hosts, point)
    parts = urlsplit(down)

    def ask(method: str, path: str) -> tuple[int, bytes]:
        with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
            connection.putrequest(method, path)
            connection.endheaders()
            response = connection.getresponse()
            return response.status, response.read()

    for method, path in NOWHERE:
        assert (await to_thread(ask, method, path))[0] == 404, path
    for text in (b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection((parts.hostname, parts.port or 0), 10) as connection:
            connection.sendall(text)
            answer = await to_thread(connection.recv, 1000)
            assert b" 400 " in answer.split(b"\r\n")[0]
    base = parts.path.rpartition("/")[0]
    _, body = await to_thread(ask, "GET", f"{base}/../../../../etc/passwd")
    assert b"root" not in body
    for method, url, allowed in (("PUT", down, "GET, HEAD"), ("GET", up, "PUT, POST"), ("DELETE", up, "PUT, POST")):
        response, _ = await to_thread(http, method, url)
        assert (response.status, response.headers["Allow"]) == (405, allowed)


async def test_too_large_a_file_leaves_nothing(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))

    response, _ = await to_thread(http, "PUT", url, bytes(2_000_000))
    assert response.status == 413
    assert (await to_thread(chunked, url, 2_000_000)) in (413, None)
    assert stored(hosts, "partial") == stored(hosts, "diagnostics") == []
    assert (await upload_record(hosts))["received_at"] is None


async def test_an_announced_size_is_enough_to_refuse_it(impatient: Site) -> None:
    """Before a byte of it is read: what it says is too much by one."""
    parts = urlsplit(await diagnose(impatient, await impatient.raw("CP1")))
    most = 1_048_576 + 256 * 1024

    async def answer(length: int) -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"PUT {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), 30)
        writer.close()
        return line

    assert await answer(most + 1) == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    assert await answer(most) == b"HTTP/1.1 408 Request Timeout\r\n"  # that much is waited for


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_what_is_compressed_stays_so(hosts: Site, encoding: str) -> None:
    """A small body must not become a large file; and what is kept is what was sent."""
    url = await diagnose(hosts, await hosts.raw("CP1"))
    body = gzip.compress(bytes(10_000)) if encoding == "gzip" else zlib.compress(bytes(10_000))
    assert (await to_thread(http, "PUT", url, body, {"Content-Encoding": encoding}))[0].status == 201
    assert await diagnostics_file(hosts, (await upload_record(hosts))["task"]) == body


async def test_a_field_of_a_form_has_an_end(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))
    headers = {"Content-Type": "multipart/form-data; boundary=XX"}
    most = 256 * 1024

    def form(size: int) -> bytes:
        field = b'--XX\r\nContent-Disposition: form-data; name="id"\r\n\r\n' + b"x" * size + b"\r\n"
        return field + MULTIPART

    assert (await to_thread(http, "POST", url, form(most + 1), headers))[0].status == 400
    assert stored(hosts, "partial") == stored(hosts, "diagnostics") == []
    assert (await to_thread(http, "POST", url, form(most), headers))[0].status == 201


async def test_what_cannot_be_recorded_is_not_kept(hosts: Site) -> None:
    """The charge point tries again, and is let."""
    url = await diagnose(hosts, await hosts.raw("CP1"))
    hosts.limit_file_size(4096)  # room for the file, and none in the database
    assert (await to_thread(http, "PUT", url, b"what went wrong"))[0].status == 503
    assert stored(hosts, "diagnostics") == stored(hosts, "partial") == []
    hosts.limit_file_size(None)
    watcher = await hosts.watch("diagnostics.received")
    deadline = monotonic() + 60
    while (status := (await to_thread(http, "PUT", url, b"what went wrong"))[0].status) == 503:
        assert monotonic() < deadline
        await asyncio.sleep(0.05)
    assert status == 201
    await watcher.event("diagnostics.received")
    assert await diagnostics_file(hosts, (await upload_record(hosts))["task"]) == b"what went wrong"


def chunked(url: str, size: int) -> int | None:
    """Brings a file without saying how large it is; None when the connection was cut first."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("PUT", parts.path, body=io.BytesIO(bytes(size)), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        return connection.getresponse().status
    except ConnectionError:
        return None
    finally:
        connection.close()


async def test_the_quota_holds(hosts: Site) -> None:
    point = await hosts.raw("CP1")
    for _ in range(2):
        url = await diagnose(hosts, point)
        assert (await to_thread(http, "PUT", url, bytes(1_000_000)))[0].status == 201
    url = await diagnose(hosts, point)

    response, _ = await to_thread(http, "PUT", url, bytes(1_000_000))
    assert response.status == 507
    assert stored(hosts, "partial") == []
    oldest = (await hosts.call("diagnostics.list"))["diagnostics"][-1]["task"]
    await hosts.call("diagnostics.remove", task=oldest)
    assert (await to_thread(http, "PUT", url, bytes(1_000_000)))[0].status == 201


async def test_who_stalls_or_drips_is_dropped_and_leaves_nothing(impatient: Site) -> None:
    url = await diagnose(impatient, await impatient.raw("CP1"))
    parts = urlsplit(url)

    async def slow(pause: float, pieces: int) -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"PUT {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
        for _ in range(pieces):
            writer.write(b"x")
            await asyncio.sleep(pause)
        answer = await asyncio.wait_for(reader.readline(), 30)
        writer.close()
        return answer

    answers = list(await asyncio.gather(slow(0, 1), slow(0.2, 6)))  # idle too long; in all too long
    assert answers == [b"HTTP/1.1 408 Request Timeout\r\n"] * 2
    assert stored(impatient, "partial") == stored(impatient, "diagnostics") == []


async def test_a_cut_upload_leaves_nothing(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"PUT {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())
    await writer.drain()
    writer.transport.abort()

    assert (await to_thread(http, "PUT", url, b"whole"))[0].status == 201
    record = await upload_record(hosts)
    assert await diagnostics_file(hosts, record["task"]) == b"whole"
    assert stored(hosts, "partial") == []


async def test_two_uploads_at_once_give_one_file(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))

    answers = await asyncio.gather(*(to_thread(http, "PUT", url, bytes([n]) * 100_000) for n in range(4)))
    assert sorted(response.status for response, _ in answers)[0] == 201
    assert {response.status for response, _ in answers} <= {201, 410}
    assert [response.status for response, _ in answers].count(201) == 1
    assert len(stored(hosts, "diagnostics")) == 1


async def test_an_address_has_its_share_and_no_more(make_site: MakeSite) -> None:
    site = await make_site(hosting(max_transfers_per_address=2))
    await add_firmware(site)
    url = await update(site, await site.raw("CP1"))
    parts = urlsplit(url)
    opened = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(2)]

    assert (await to_thread(http, "GET", url))[0].status == 503
    with closing(HTTPConnection(parts.hostname or "", parts.port, 10, source_address=("127.0.0.2", 0))) as other:
        other.request("GET", parts.path)
        response = await to_thread(other.getresponse)
        assert (response.status, await to_thread(response.read)) == (200, FIRMWARE)
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()


@pytest.mark.slow
async def test_who_knows_no_token_gets_one_answer_and_little_time(impatient: Site) -> None:
    parts = urlsplit(await http_base(impatient))
    await add_firmware(impatient)
    known = urlsplit(await update(impatient, await impatient.raw("CP1")))

    async def told(*paths: str) -> tuple[bytes, float]:
        """What comes until csmsd closes the connection, and when it does."""
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        begun = monotonic()
        for path in paths:
            writer.write(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answers = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answers, monotonic() - begun

    (nothing, late), (once, soon), (known_twice, later) = await asyncio.gather(
        told(), told("/token-x/a", "/token-x/b"), told(known.path, known.path)
    )
    assert (nothing, once.count(b"404 Not Found"), known_twice.count(b"200 OK")) == (b"", 1, 2)
    assert soon < 5 < late < 15
    assert 5 < later < 15


async def http_base(site: Site) -> str:
    return next(base for base in await bases(site) if base.startswith("http:"))


async def test_one_connection_too_many_is_turned_away(hosts: Site) -> None:
    base = await http_base(hosts)
    parts = urlsplit(base)
    opened = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(8)]

    assert (await to_thread(http, "GET", base + "/x"))[0].status == 503
    for _, writer in opened:
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for reader, writer in opened:
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 404 ")
        writer.close()
    assert (await to_thread(http, "GET", base + "/x"))[0].status == 404
