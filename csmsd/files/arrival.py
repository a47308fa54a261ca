"""Whether what was sent has arrived: the kernel takes megabytes of it long before the other side has them."""

import asyncio
import fcntl
import os
import socket
import struct
import termios
from array import array
from contextlib import suppress

_FIRST_LOOK, _LONGEST_PAUSE = 0.005, 0.5  # seconds
_TCP_CLOSE = 7  # tcp_states.h: reset, or acknowledged to the end


class Wire:
    """A second hold on a TCP connection, which can be asked after its owner, in whatever thread, has closed it."""

    def __init__(self, descriptor: int) -> None:
        """Raises OSError."""
        self._socket = socket.socket(fileno=os.dup(descriptor))

    def close(self) -> None:
        self._socket.close()

    def unacknowledged(self) -> int:
        """How many bytes are on their way, the end of the connection counted as one; 0 when that cannot be told."""
        count = array("i", [0])
        with suppress(OSError, ValueError):  # it may be closed
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, count)
        return count[0]

    async def arrived(self, seconds: float) -> bool:
        """Waits until all that was sent is acknowledged; False when the connection is lost, or stalls for so long."""
        pause, waited, before = _FIRST_LOOK, 0.0, 0
        while (left := self.unacknowledged()) > 0:
            if left != before:
                waited, before = 0.0, left
            closed = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
            if closed or waited >= seconds:
                return False
            await asyncio.sleep(pause)
            waited += pause
            pause = min(2 * pause, _LONGEST_PAUSE)
        return True

    def cut(self) -> None:
        """Nothing of what is on its way arrives any more; the owner finds out."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RDWR)
