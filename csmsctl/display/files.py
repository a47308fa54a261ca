"""Files that commands write: all of it or nothing."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from csmsctl.display.escape import escape_to_json
from csmsctl.display.output import Output, versioned_output
from csmsctl.display.part_files import part_file
from csmsctl.display.table import Record


def write_lines_to_file(output: Output, file: str | None, lines: Iterable[str]) -> None:
    """Harmless lines to the file, or to standard output where none is named (or `-`)."""
    if file is None or file == "-":
        output.lines(lines)
        return
    path = Path(file)
    if path.exists() and not path.is_file():  # /dev/full, a pipe: cannot be replaced
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(line + "\n" for line in lines)
        return
    with replacing_file(path, private=False) as (stream, _):
        stream.writelines(f"{line}\n".encode(errors="backslashreplace") for line in lines)
    output.note(f"Written: {file}")


def write_document_to_file(output: Output, file: str | None, data: Record) -> None:
    """The JSON document of a command to the file, or to standard output where none is named (or `-`)."""
    if file is None or file == "-":
        output.document(data)
    else:
        write_lines_to_file(output, file, [escape_to_json(versioned_output(data), indent=2)])


def write_list_to_file(output: Output, file: str | None, key: str, records: Iterator[Record]) -> None:
    """As `write_document_to_file`, of a list that may be long: a line for each of its records in a file."""
    if file is None or file == "-":
        output.stream(key, records, dict)
    else:
        write_lines_to_file(output, file, _list_lines(key, records))


def _list_lines(key: str, records: Iterator[Record]) -> Iterator[str]:
    yield escape_to_json(versioned_output({key: []})).removesuffix("]}")
    before: str | None = None
    for record in records:
        if before is not None:
            yield before + ","
        before = escape_to_json(record)
    if before is not None:
        yield before
    yield "]}"


def write_bytes_to_file(output: Output, file: str, pieces: Iterable[bytes]) -> None:
    """Bytes as they are to the file, or to standard output (`-`)."""
    if file == "-":
        for piece in pieces:
            output.raw(piece)
        return
    path = Path(file)
    with replacing_file(path, private=True) as (stream, _):
        stream.writelines(pieces)
    output.note(f"Written: {file}")


@contextmanager
def replacing_file(path: Path, *, private: bool) -> Iterator[tuple[BinaryIO, Path]]:
    """A stream, and where it goes for now. When all went well it is on disk under the name of `path`, else nowhere."""
    try:
        part = part_file(path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # by the name that was asked for
    with part as (stream, temporary):
        yield stream, temporary
        stream.flush()
        os.fsync(stream.fileno())
        if not private:
            temporary.chmod(0o666 & ~_umask_for_files())
        temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)  # its name, too
    finally:
        os.close(directory)


def _umask_for_files() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
