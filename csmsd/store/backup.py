"""A copy of the site's file while it is in use: one moment of it, made beside the writer, which does not wait."""

import fcntl
import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from time import time_ns

from csmsd.ports.files import NoRoom
from csmsd.store.copying import MARGIN_BYTES, NO_ROOM, room_missing_at
from csmsd.store.finishing import finish_copy

_HASHED_AT_ONCE = 1024 * 1024


class DatabaseCopy:
    """A copy on its way to an operator. `make` and `read` block; `progress` and `cancel` are for another thread."""

    def __init__(self, source: Path) -> None:
        self._source = source
        # One name, so that what a crash left behind is found.
        self._path = source.with_name(f"{source.name}.copy")
        self._cancelled = False
        self._process: subprocess.Popen[str] | None = None
        self.progress = 0.0  # 0 to 1
        self.size = 0
        self.sha256 = ""

    def make(self) -> None:
        """A file to be read; it is finished. Raises NoRoom, or OSError when it comes to nothing."""
        self.remove()
        target = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            self._write(target)
        finally:
            os.close(target)
        try:
            finish_copy(self._path, time_ns() // 1_000_000, self._go_on)
        except sqlite3.Error as error:
            raise OSError(f"the copy cannot be sealed: {error}") from error
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while piece := file.read(_HASHED_AT_ONCE):
                self._go_on()
                digest.update(piece)
        self.sha256 = digest.hexdigest()

    def write_into(self, target: int) -> None:
        """Into a descriptor; to be finished by whoever has the file. Raises NoRoom, OSError."""
        check_descriptor(target)
        self.remove()  # what a crash left behind may take the room
        self._write(target)

    def _write(self, target: int) -> None:
        size = self._source.stat().st_size
        beside = os.fstat(target).st_dev == self._source.stat().st_dev
        if room_missing_at(os.fstatvfs(target), size + (MARGIN_BYTES if beside else 0)):
            spare = ", and some to spare" if beside else ""
            raise NoRoom(f"the copy needs {size // 1_048_576 + 1} MiB where it goes{spare}")
        said = self._run(target)
        self._go_on()
        assert self._process is not None
        if self._process.returncode == NO_ROOM:
            raise NoRoom(said)
        if self._process.returncode:
            ended = said if self._process.returncode > 0 else f"signal {-self._process.returncode} ended the process"
            raise OSError(f"the database cannot be copied: {ended}")
        self.size = os.fstat(target).st_size

    def _run(self, target: int) -> str:
        """What it said last."""
        command = [sys.executable, "-P", "-m", "csmsd.store.copying", str(self._source)]
        with subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.DEVNULL, stdout=target, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as self._process:
            if self._cancelled:
                self._process.kill()
            said = ""
            assert self._process.stderr is not None
            for line in self._process.stderr:
                said = line.strip()
                try:
                    self.progress = float(said)
                except ValueError:
                    continue
        return said

    def _go_on(self) -> None:
        if self._cancelled:
            raise OSError("nobody waits for the copy any more")

    def cancel(self) -> None:
        """Has `make` end soon."""
        self._cancelled = True
        if self._process is not None:
            self._process.kill()

    def read(self, offset: int, length: int) -> bytes:
        """Raises OSError."""
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def remove(self) -> None:
        """Nothing of it stays."""
        for path in (self._path, self._source.with_name(f"{self._source.name}.copying")):
            for suffix in ("", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def check_descriptor(descriptor: int) -> None:
    """Raises OSError for one that is no empty file open for writing: whoever passes it may write there themselves."""
    found, flags = os.fstat(descriptor), fcntl.fcntl(descriptor, fcntl.F_GETFL)
    writable = flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR) and not flags & os.O_APPEND
    if not stat.S_ISREG(found.st_mode) or found.st_size or not writable or os.lseek(descriptor, 0, os.SEEK_CUR):
        raise OSError("what was handed over is no empty file that is open for writing")
