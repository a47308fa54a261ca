"""A cursor file: how far an export has come. It moves on when all that was exported is out of our hands."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from csmsctl.display.files import replacing_file
from csmsctl.display.table import Record
from csmsctl.failure import OTHER, USAGE, Failure

_KEYS = {"booking": int, "transaction": int, "start_time": str}


class Cursor:
    """The last booking that was exported, with what tells that it is still the same one; nothing before the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.at: Record | None = _read_cursor(path)

    @property
    def booking(self) -> int:
        return int(self.at["booking"]) if self.at is not None else 0

    def move_to(self, transaction: Record) -> None:
        """Puts a new file in the place of the old one; a crash leaves either."""
        at = {"booking": transaction["booking"], "transaction": transaction["id"]}
        at["start_time"] = transaction["start_time"]
        with replacing_file(self._path, private=True) as (stream, _):
            stream.write(json.dumps({"schema_version": 1, **at}).encode() + b"\n")
        self.at = at


@contextmanager
def cursor(file: str) -> Iterator[Cursor]:
    """The cursor in a file, which need not be there yet; of two exports with one cursor the second fails."""
    path = Path(file)
    if path.exists() and not path.is_file():
        raise Failure(USAGE, f"{file} is no file that could hold a cursor.")
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(OTHER, f"Another export is at work with {file}.", "Wait until it is done.") from None
        if not os.path.samestat(os.fstat(held), path.stat()):
            raise Failure(OTHER, f"Another export has just finished with {file}.", "Repeat it.")
        yield Cursor(path)
    finally:
        os.close(held)


def _read_cursor(path: Path) -> Record | None:
    text = path.read_text("utf-8")
    if not text:
        return None  # just made, or left by a first run that failed
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or any(type(found.get(key)) is not kind for key, kind in _KEYS.items()):
        raise Failure(
            USAGE,
            f"{path} is not a cursor that csmsctl wrote; nothing was exported.",
            "Name the right file. With a new one everything is exported from the beginning.",
        )
    return {key: found[key] for key in _KEYS}
