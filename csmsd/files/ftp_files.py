"""What pyftpdlib reads from and writes to: firmware and diagnostics, in place of files."""

import errno
import os
from collections.abc import Callable
from io import BufferedReader

from pyftpdlib.handlers import DTPHandler

from csmsd.files.arrival import Wire
from csmsd.files.grants import Delivery, Download, Pace, Upload
from csmsd.files.storage import Intake
from csmsd.ports.files import NoRoom, StoredFile


class Outgoing:
    """Firmware on its way out. Where it begins is known with the first byte that is read, after REST."""

    def __init__(self, begin: Callable[[Download, int, Wire], Delivery], grant: Download, descriptor: int) -> None:
        self.grant = grant
        self.name = "firmware"
        self.delivery: Delivery | None = None
        self.channel: DTPHandler | None = None  # that it goes over
        self.refused = False
        self._begin = begin
        self._file: BufferedReader = os.fdopen(descriptor, "rb")

    @property
    def closed(self) -> bool:
        return self._file.closed

    def read(self, size: int = -1) -> bytes:
        if self.delivery is None:
            assert self.channel is not None
            wire = Wire(self.channel.socket.fileno())
            try:
                self.delivery = self._begin(self.grant, self._file.tell(), wire)
            except OSError:
                self.refused = True
                wire.close()
                raise
        return self._file.read(size)

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


class Incoming:
    """Diagnostics on their way in."""

    def __init__(self, grant: Upload, intake: Intake, name: str) -> None:
        self.grant = grant
        self.name = name
        self.closed = False
        self._intake = intake
        self._pace = Pace()
        self.failure: str | None = None

    @property
    def due(self) -> bool:
        return self._pace.due()

    @property
    def size(self) -> int:
        return self._intake.size

    def write(self, data: bytes) -> None:
        try:
            self._intake.write(data)
        except NoRoom as error:
            self.failure = f"552 {error}."
            raise OSError(errno.ENOSPC, str(error)) from None

    def finish(self) -> StoredFile:
        return self._intake.finish()

    def close(self) -> None:
        self.closed = True
        self._intake.abort()
