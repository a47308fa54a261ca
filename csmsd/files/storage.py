"""Files on disk. Their names are drawn here at random: no word of a charge point or an operator is ever a path."""

import hashlib
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from csmsd.ports.files import NoRoom, StoredFile

log = logging.getLogger(__name__)

Kind = Literal["firmware", "diagnostics"]
_KINDS: tuple[Kind, ...] = ("firmware", "diagnostics")
_LOST = "lost"  # where files go that no record knows: of a crash, or of a time after the backup that was restored
_MOST_LOST = 100  # files; the oldest of more go
_NAME = re.compile(r"[0-9a-f]{32}\Z")
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Intake:
    """A file on its way in. It is read by nobody before `finish`, and leaves nothing behind after `abort`."""

    def __init__(self, storage: "Storage", kind: Kind, limit: int) -> None:
        self._storage = storage
        self._kind = kind
        self._limit = limit
        self._name = secrets.token_hex(16)
        self._partial = storage.directory("partial") / self._name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor: int | None = os.open(self._partial, flags, 0o600)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Raises NoRoom when that is more than is allowed, OSError when the disk does not take it."""
        if self._descriptor is None:
            raise NoRoom("the transfer is over")
        if self.size + len(data) > self._limit:
            raise NoRoom(f"the file is larger than {self._limit // 1_048_576} MiB", too_large=True)
        if self._kind == "diagnostics":
            self._storage.take_room(len(data))
        self.size += len(data)
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def finish(self) -> StoredFile:
        """On disk, under its name. Raises OSError."""
        assert self._descriptor is not None
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = None
        directory = self._storage.directory(self._kind)
        self._partial.rename(directory / self._name)
        synced = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(synced)
        finally:
            os.close(synced)
        return StoredFile(self._name, self.size, self._hash.hexdigest())

    def abort(self) -> None:
        """Nothing of it stays. After `finish` it does nothing."""
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        self._partial.unlink(missing_ok=True)
        if self._kind == "diagnostics":
            self._storage.give_room(self.size)


class Storage:
    """The directory of files. Threads may use it: the hosts write while the daemon goes on."""

    def __init__(self, directory: Path, quota: int) -> None:
        self._directory = directory
        self._quota = quota  # of diagnostics: what charge points bring; firmware is the operators' own
        self._used = 0
        self._lock = threading.Lock()

    def open(self, kept: Mapping[Kind, Iterable[str]]) -> None:
        """Makes the directories. What was cut off by a crash goes; what no record knows is laid aside.

        After an older backup was restored the files that came later are unknown; with a newer one they are back.
        """
        for name in ("", "partial", _LOST, *_KINDS):
            self.directory(name).mkdir(exist_ok=True, mode=0o700)
        for file in self.directory("partial").iterdir():
            with suppress(OSError):
                file.unlink()
        for kind in _KINDS:
            self._sort_out(kind, set(kept[kind]))
        self._limit_lost()
        with suppress(OSError):
            self._used = sum(file.lstat().st_size for file in self.directory("diagnostics").iterdir())

    def _sort_out(self, kind: Kind, known: set[str]) -> None:
        directory, lost = self.directory(kind), self.directory(_LOST)
        there = {file.name for file in directory.iterdir()}
        found, unknown = [], sorted(there - known)
        for name in known - there:
            with suppress(FileNotFoundError):
                (lost / f"{kind}-{name}").rename(directory / name)
                found.append(name)
        for name in unknown:
            (directory / name).rename(lost / f"{kind}-{name}")
        if found:
            log.info("%d files of %s were found again in %s", len(found), kind, lost)
        if unknown:
            log.warning("%d files of %s that the database does not know were moved to %s", len(unknown), kind, lost)

    def _limit_lost(self) -> None:
        lost = sorted(self.directory(_LOST).iterdir(), key=lambda file: file.lstat().st_mtime)
        for file in lost[:-_MOST_LOST]:
            with suppress(OSError):
                file.unlink()
        if len(lost) > _MOST_LOST:
            log.warning("the oldest %d files in %s were deleted", len(lost) - _MOST_LOST, self.directory(_LOST))

    def directory(self, name: str) -> Path:
        return self._directory / name

    def begin(self, kind: Kind, limit: int) -> Intake:
        """Raises OSError."""
        return Intake(self, kind, limit)

    def open_for_reading(self, kind: Kind, stored: str) -> int:
        """A descriptor. Raises OSError."""
        if not _NAME.match(stored):
            raise FileNotFoundError(stored)
        return os.open(self.directory(kind) / stored, _READ_ONLY)

    def read(self, kind: Kind, stored: str, offset: int, length: int) -> bytes:
        """Raises OSError."""
        descriptor = self.open_for_reading(kind, stored)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def remove(self, kind: Kind, stored: str) -> None:
        """A file that is gone already is no error."""
        if not _NAME.match(stored):
            return
        path = self.directory(kind) / stored
        with suppress(OSError):
            size = path.lstat().st_size
            path.unlink()
            if kind == "diagnostics":
                self.give_room(size)

    # --- the quota

    def take_room(self, size: int) -> None:
        with self._lock:
            if self._used + size > self._quota:
                raise NoRoom(f"the diagnostics kept here would be more than {self._quota // 1_048_576} MiB")
            self._used += size

    def give_room(self, size: int) -> None:
        with self._lock:
            self._used = max(0, self._used - size)
