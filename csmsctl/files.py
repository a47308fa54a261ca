"""Files that commands write: all of it or nothing."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from csmsctl.escape import to_json
from csmsctl.output import Output, versioned
from csmsctl.table import Record


def write_lines(output: Output, file: str | None, lines: Iterable[str]) -> None:
    """Harmless lines to the file, or to standard output where none is named (or `-`)."""
    if file is None or file == "-":
        output.lines(lines)
        return
    path = Path(file)
    if path.exists() and not path.is_file():  # /dev/full, a pipe: cannot be replaced
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(line + "\n" for line in lines)
        return
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            stream.writelines(line + "\n" for line in lines)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    output.note(f"Written: {file}")


def write_document(output: Output, file: str | None, data: Record) -> None:
    """The JSON document of a command to the file, or to standard output where none is named (or `-`)."""
    if file is None or file == "-":
        output.document(data)
    else:
        write_lines(output, file, [to_json(versioned(data), indent=2)])


def write_bytes(output: Output, file: str, pieces: Iterable[bytes]) -> None:
    """Bytes as they are to the file, or to standard output (`-`)."""
    if file == "-":
        for piece in pieces:
            output.raw(piece)
        return
    path = Path(file)
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    output.note(f"Written: {file}")


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
