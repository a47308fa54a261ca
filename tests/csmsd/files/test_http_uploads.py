"""Diagnostics over the HTTP host of a real csmsd, with http.client as the charge point's client."""

import asyncio
import gzip
import io
import stat
import zlib
from asyncio import to_thread
from http.client import HTTPConnection
from time import monotonic
from urllib.parse import urlsplit

import pytest

from tests.csmsd.files.file_site import (
    calmed,
    diagnose,
    diagnostics_file,
    http,
    nothing_partial,
    stored,
    upload_record,
)
from tests.support.site import Site


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

    assert await answer(most) == b"HTTP/1.1 408 Request Timeout\r\n"  # that much is waited for
    parts = urlsplit(await calmed(impatient, parts.geturl()))
    assert (await answer(most + 1)).startswith(b"HTTP/1.1 413 ")  # its words are those of the Python


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
    await nothing_partial(hosts)


async def test_two_uploads_at_once_give_one_file(hosts: Site) -> None:
    url = await diagnose(hosts, await hosts.raw("CP1"))

    answers = await asyncio.gather(*(to_thread(http, "PUT", url, bytes([n]) * 100_000) for n in range(4)))
    assert sorted(response.status for response, _ in answers)[0] == 201
    assert {response.status for response, _ in answers} <= {201, 410}
    assert [response.status for response, _ in answers].count(201) == 1
    assert len(stored(hosts, "diagnostics")) == 1
