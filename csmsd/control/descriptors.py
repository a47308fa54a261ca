"""A file that a client has opened, handed over on its connection: SCM_RIGHTS, with an empty line between two others."""

import array
import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable

_PATIENCE_SECONDS = 5.0
_AT_ONCE = 64 * 1024
_MOST = 8  # descriptors; one is wanted


def await_descriptor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Awaitable[int | None]:
    """A descriptor, to be closed by the caller; None when none comes.

    From this call on nothing is read otherwise, since that would lose it; the client sends it when it is answered.
    """
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return _descriptor(reader, writer)


async def _descriptor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    number = os.dup(writer.get_extra_info("socket").fileno())  # a transport's own may not be waited for
    try:
        with socket.socket(fileno=number) as own:
            loop.add_reader(number, arrived.set)
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    while True:
                        await arrived.wait()
                        arrived.clear()
                        data, descriptor = _receive(own)
                        if not data or writer.is_closing():
                            return descriptor
                        reader.feed_data(data)  # requests may have come before it
                        if descriptor is not None or data.startswith(b"\n") or b"\n\n" in data:
                            return descriptor  # None: something between the two has passed on the bytes alone
            except (TimeoutError, OSError):
                return None
            finally:
                loop.remove_reader(number)
    finally:
        with contextlib.suppress(RuntimeError):  # it may be closed
            writer.transport.resume_reading()  # type: ignore[attr-defined]


def _receive(own: socket.socket) -> tuple[bytes, int | None]:
    size = array.array("i").itemsize
    data, ancillary, _, _ = own.recvmsg(_AT_ONCE, socket.CMSG_SPACE(_MOST * size), _FLAGS)
    found: list[int] = []
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers = array.array("i")
            numbers.frombytes(content[: len(content) - len(content) % size])
            found += numbers
    for surplus in found[1:]:
        os.close(surplus)
    return data, found[0] if found else None


_FLAGS = socket.MSG_DONTWAIT | getattr(socket, "MSG_CMSG_CLOEXEC", 0)
