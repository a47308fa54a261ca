"""Files that are not whole yet: hidden, gone when their command fails, and when it was killed, with the next one."""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_PREFIX, _SUFFIX = ".csmsctl-", ".part"
_OURS = re.compile(r"\.csmsctl-[a-z0-9_]{8}\.part")  # the characters of mkstemp


def part_file(directory: Path) -> AbstractContextManager[tuple[BinaryIO, Path]]:
    """A stream into a new file of that directory, and its name, which is gone afterwards. Raises OSError.

    Whoever writes it, csmsd too when it is handed over, holds a lock on it. What commands of the same user left there,
    when they were killed, goes first.
    """
    _remove_leavings(directory)
    number, path = _made_part(directory)
    return _open_part(number, path)


@contextmanager
def _open_part(number: int, path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    with os.fdopen(number, "wb") as stream:
        try:
            yield stream, path
        finally:
            path.unlink(missing_ok=True)


def _made_part(directory: Path) -> tuple[int, Path]:
    import tempfile  # most commands write no file

    while True:
        number, name = tempfile.mkstemp(dir=directory, prefix=_PREFIX, suffix=_SUFFIX)
        with suppress(OSError):  # not on every file system: there none can be found free either
            fcntl.flock(number, fcntl.LOCK_EX)
        if os.fstat(number).st_nlink:
            return number, Path(name)
        os.close(number)  # taken for one that was left, before it was locked


def _remove_leavings(directory: Path) -> None:
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_where_free(Path(entry.path))


def _remove_where_free(path: Path) -> None:
    """Nothing but a file of ours that nobody holds. Raises OSError."""
    number = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(number)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    finally:
        os.close(number)
