"""The lines that a client sends: bounded in length, and in the time that half of one may take."""

import asyncio

MAX_LINE = 8 * 1024 * 1024  # bytes
_CHUNK = 64 * 1024


class TooLong(Exception):
    """A line has more bytes than it may have."""


class TooSlow(Exception):
    """A line was begun and not ended in time."""


class Lines:
    """Reads lines of at most `longest` bytes, each within so many seconds from its first byte."""

    def __init__(self, reader: asyncio.StreamReader, longest: int, seconds: float) -> None:
        self._reader = reader
        self._longest = longest
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._deadline: float | None = None

    async def next(self) -> bytes:
        """One line, the end of line included, or what is left at the end; empty when there is no more.

        Raises TooLong, TooSlow, ConnectionError.
        """
        looked_at = 0
        while (end := self._buffer.find(b"\n", looked_at)) < 0:
            looked_at = len(self._buffer)
            if looked_at >= self._longest:
                raise TooLong
            if looked_at and self._deadline is None:
                self._deadline = self._loop.time() + self._seconds
            try:
                async with asyncio.timeout_at(self._deadline):
                    more = await self._reader.read(_CHUNK)
            except TimeoutError:
                raise TooSlow from None
            if not more:
                end = len(self._buffer) - 1
                break
            self._buffer += more
        self._deadline = None
        if end >= self._longest:
            raise TooLong
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line
