"""The HTTP host: `GET` and `HEAD` fetch firmware, `PUT` and `POST` bring diagnostics. The token in the path decides."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import closing

from aiohttp import BodyPartReader, web
from aiohttp.hdrs import METH_GET, METH_HEAD, METH_POST, METH_PUT
from aiohttp.web_protocol import RequestHandler

from csmsd.files.arrival import Wire
from csmsd.files.grants import Delivery, Download, Grants, Pace, Spent, Upload
from csmsd.files.limits import CHUNK, TOKEN_SECONDS, Limits
from csmsd.ports.files import NoRoom
from csmsd.runtime.gate import Gate, Guest, Place

log = logging.getLogger(__name__)
# aiohttp tells of every malformed request with a traceback: strangers could fill the log.
_SILENT = logging.getLogger("csmsd.files.aiohttp")
_SILENT.setLevel(logging.CRITICAL)


class HttpHost:
    """One listener."""

    def __init__(self, grants: Grants, limits: Limits) -> None:
        self._grants = grants
        self._limits = limits
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.on_response_prepare.append(_sign)
        # auto_decompress off: a small body must not become a large file, and what is kept is what was sent.
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_SILENT,
            auto_decompress=False,
            keepalive_timeout=15,
            lingering_time=2,
            shutdown_timeout=2,
            handle_signals=False,
        )
        self._gate = Gate(self._guest, limits.connections, limits.connections_per_address)
        self._places: dict[RequestHandler, Place] = {}
        self._expected: dict[RequestHandler, asyncio.TimerHandle] = {}  # connections that are to say what they want

    async def open(self, hosts: list[str], port: int) -> int:
        """Returns the port. Raises OSError."""
        await self._runner.setup()
        listening = [one for host in dict.fromkeys(hosts) for one in await self._gate.listen(host, port)]
        return int(listening[0].getsockname()[1])

    async def close(self) -> None:
        self._gate.close()
        await self._runner.cleanup()

    def _guest(self, place: Place) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None
        protocol = server()
        self._places[protocol] = place
        self._expect_request(protocol)
        return Guest(protocol, place, lambda: self._gone(protocol))

    def _gone(self, protocol: RequestHandler) -> None:
        del self._places[protocol]

    def _expect_request(self, protocol: RequestHandler) -> None:
        """A connection that does not say what it wants is closed, the first time and later."""

        def close() -> None:
            del self._expected[protocol]
            if protocol.transport is not None:
                protocol.transport.abort()

        self._expected[protocol] = asyncio.get_running_loop().call_later(TOKEN_SECONDS, close)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        expected = self._expected.pop(request.protocol, None)
        if expected is not None:
            expected.cancel()
        try:
            return await self._answer(request)
        finally:
            if request.transport is not None and request.protocol in self._places:
                self._places[request.protocol].idle()
                self._expect_request(request.protocol)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        grant = self._grants.find(request.match_info["path"])
        if isinstance(grant, Download | Upload) and request.protocol in self._places:
            self._places[request.protocol].let_in()
        try:
            async with asyncio.timeout(self._limits.transfer):
                match grant:
                    case None:
                        return _last_answer(404, "There is nothing here.")
                    case Spent():
                        return _last_answer(410, "This was here once; its time is over.")
                    case Download() if request.method in (METH_GET, METH_HEAD):
                        return await self._send(request, grant)
                    case Upload() if request.method in (METH_PUT, METH_POST):
                        return await self._receive(request, grant)
                    case _:
                        allowed = "GET, HEAD" if isinstance(grant, Download) else "PUT, POST"
                        return _answer(405, "Not that way.", Allow=allowed)
        except TimeoutError:
            _drop(request)
            failure = _answer(408, "This took too long.")
        except Exception:
            log.exception("a request of %s could not be handled", request.remote)
            failure = _answer(500, "This could not be handled.")
        begun: web.StreamResponse | None = request.get("begun")
        if begun is None:
            return failure
        _cut(request)  # half an answer: what is said now would be taken for a part of the file
        return begun

    # --- firmware goes out

    async def _send(self, request: web.Request, grant: Download) -> web.StreamResponse:
        try:
            start, stop = _wanted(request, grant.size)
        except ValueError:
            return _answer(416, "Not satisfiable.", **{"Content-Range": f"bytes */{grant.size}"})
        try:
            descriptor = self._grants.storage.open_for_reading("firmware", grant.stored)
        except OSError as error:
            log.error("firmware for %s cannot be read: %s", grant.charge_point, error.strerror)
            return _answer(500, "It cannot be read.")
        try:
            ranged = _wants_a_part(request) and (start, stop) != (0, 0)
            response = web.StreamResponse(status=206 if ranged else 200)
            response.content_type = "application/octet-stream"
            response.content_length = stop - start
            response.headers["Accept-Ranges"] = "bytes"
            if ranged:
                response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{grant.size}"
            if request.method == METH_HEAD:
                await response.prepare(request)
                return response
            return await self._deliver(request, response, descriptor, grant, start, stop)
        finally:
            os.close(descriptor)

    async def _deliver(
        self,
        request: web.Request,
        response: web.StreamResponse,
        descriptor: int,
        grant: Download,
        start: int,
        stop: int,
    ) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            return response
        transport.set_write_buffer_limits(high=0)  # what was written is with the kernel, which can be asked
        with closing(Wire(transport.get_extra_info("socket").fileno())) as wire:
            delivery = await self._grants.begin(grant, start, stop, wire)
            if delivery is None:
                return _answer(410, "This was fetched often enough.")
            request["begun"] = response
            try:
                await response.prepare(request)
                await self._stream(response, descriptor, delivery)
            except ConnectionError:
                _cut(request)
            except TimeoutError:  # an OSError, too
                raise
            except OSError as error:
                log.error("firmware for %s cannot be read: %s", grant.charge_point, error.strerror)
                _cut(request)
            finally:
                await self._grants.end(delivery, self._limits.idle)
        return response

    async def _stream(self, response: web.StreamResponse, descriptor: int, delivery: Delivery) -> None:
        pace = Pace()
        while True:
            data = await asyncio.to_thread(os.pread, descriptor, min(CHUNK, delivery.stop - delivery.at), delivery.at)
            last = delivery.at + len(data) >= delivery.stop
            if not data and not last:
                raise ConnectionResetError("the file became shorter")
            async with asyncio.timeout(self._limits.idle):
                await (response.write_eof(data) if last else response.write(data))
            delivery.at += len(data)
            if last:
                return
            if pace.due():
                self._grants.progress(delivery.grant, delivery.at, delivery.grant.size)

    # --- diagnostics come in

    async def _receive(self, request: web.Request, grant: Upload) -> web.StreamResponse:
        length = request.content_length
        if length is not None and length > self._limits.upload + CHUNK:  # the frame of multipart included
            _drop(request)
            return _answer(413, "The file is too large.")
        try:
            intake = self._grants.storage.begin("diagnostics", self._limits.upload)
        except OSError as error:
            return _disk(request, grant, error)
        pace = Pace()
        try:
            name, body = await self._body(request)
            async for data in body:
                await asyncio.to_thread(intake.write, data)
                if pace.due():
                    self._grants.progress(grant, intake.size, length)
            file = await asyncio.to_thread(intake.finish)
        except NoRoom as error:
            _drop(request)
            return _answer(413 if error.too_large else 507, f"{error}.")
        except (ValueError, web.HTTPException):
            _drop(request)
            return _answer(400, "The body cannot be read.")
        except TimeoutError:  # an OSError, too
            raise
        except OSError as error:  # the charge point's ConnectionError included
            return _disk(request, grant, error)
        finally:
            intake.abort()
        try:
            if not await self._grants.received(grant, name, file):
                return _answer(410, "Another upload was faster.")
        except Exception as error:
            log.error("diagnostics of %s could not be kept: %s", grant.charge_point, error)
            return _answer(503, "It cannot be kept at the moment.")
        return _answer(201, "Received.")

    async def _body(self, request: web.Request) -> tuple[str, AsyncIterator[bytes]]:
        """The name that the charge point gives the file, and what is in it."""
        name = request.match_info["path"].rstrip("/").rpartition("/")[2]
        if "/" not in request.match_info["path"].rstrip("/"):
            name = ""  # the token is no name
        if request.content_type != "multipart/form-data":
            return name, self._chunks(request.content)
        parts = await request.multipart()
        while True:
            async with asyncio.timeout(self._limits.idle):
                part = await parts.next()
            if part is None:
                raise ValueError("no file in it")
            # Fields may come before the file.
            if isinstance(part, BodyPartReader) and (part.filename is not None or part.name == "file"):
                return part.filename or name, self._chunks(part)
            if isinstance(part, BodyPartReader):
                await self._skip(part)

    async def _skip(self, part: BodyPartReader) -> None:
        size = 0
        async for data in self._chunks(part):
            size += len(data)
            if size > CHUNK:
                raise ValueError("a field is too long")

    async def _chunks(self, source: "asyncio.StreamReader | BodyPartReader | object") -> AsyncIterator[bytes]:
        while True:
            async with asyncio.timeout(self._limits.idle):
                if isinstance(source, BodyPartReader):
                    data = await source.read_chunk(CHUNK)
                else:
                    data = await source.read(CHUNK)  # type: ignore[attr-defined]
            if not data:
                return
            yield data


def _wants_a_part(request: web.Request) -> bool:
    """Which file the rest was of is not known here: with If-Range all of it is sent, as for another one (RFC 9110)."""
    return "Range" in request.headers and "If-Range" not in request.headers


def _wanted(request: web.Request, size: int) -> tuple[int, int]:
    """The bytes from..to that are asked for. Raises ValueError for a range that does not exist."""
    if not _wants_a_part(request):
        return 0, size
    asked = request.http_range
    start = 0 if asked.start is None else asked.start
    if start < 0:  # the last so many bytes
        return max(0, size + start), size
    stop = size if asked.stop is None else min(asked.stop, size)
    if start >= stop:
        raise ValueError("beyond the end")
    return start, stop


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "csmsd"  # versions are nobody's business


def _answer(status: int, text: str, **headers: str) -> web.Response:
    return web.Response(status=status, text=text + "\n", headers=headers)


def _last_answer(status: int, text: str) -> web.Response:
    """For who knows no token that is good: nothing more is taken from this connection."""
    response = _answer(status, text)
    response.force_close()
    return response


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _drop(request: web.Request) -> None:
    """What is still to come of the body is not kept, and the connection closes after the answer."""
    request.protocol.close()


def _disk(request: web.Request, grant: Upload, error: OSError) -> web.Response:
    _drop(request)
    if not isinstance(error, ConnectionError):
        log.error("diagnostics of %s cannot be written: %s", grant.charge_point, error.strerror or error)
    return _answer(500, "It cannot be written.")
