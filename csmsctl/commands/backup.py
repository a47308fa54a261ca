"""`backup`: the site's database as it is now, in a file of the operator's; and whether such a file is any good."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns
from typing import IO, TYPE_CHECKING, Annotated

import typer

from csmsctl.arguments.shared_parameters import file_parameter_values
from csmsctl.display.files import replacing_file, write_bytes_to_file
from csmsctl.display.part_files import part_file
from csmsctl.display.progress import progress_bar
from csmsctl.display.table import Record
from csmsctl.display.value_texts import moment_text, size_text
from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result

if TYPE_CHECKING:
    from csmsd.store.inspection import Inspection

_PIECE = 1024 * 1024
_NAMED_BY_TIME = "csms-%Y%m%dT%H%M%SZ.db"


def backup_create_command(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Where it goes; in a directory it is named after the time; - is standard output",
            autocompletion=file_parameter_values,
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Look through all of it before it counts")] = False,
) -> None:
    """Back up the database of csmsd while it runs: all of it, or nothing.

    `create` may be left out: csmsctl backup FILE. The file is a database of its own, as of one moment, readable by its
    owner only. It holds everything but the log of messages and the files of firmware and diagnostics. It is sealed. All
    of it is looked through by: csmsctl backup verify FILE. With --verify that is done before it counts. How to put it
    back is in csmsd(8). What goes to standard output is made in a temporary file first.
    """
    run = invocation(ctx)
    if file == "-":
        _backup_to_output(run, verify=verify)
        return
    path = _backup_target(file, force=force)
    with replacing_file(path, private=True) as (stream, temporary):
        backup, found = _made_backup(run, stream, temporary, verify=verify)
        if not force and path.exists():
            raise _backup_is_there(path)
    finished = run.call("backup.finish", backup=backup)
    run.output.outcome(
        {**finished, "file": str(path), **_backup_record(found)},
        f"Written: {path} ({size_text(found.bytes, True)}, {found.counts['transactions']} transactions)",
    )


def _backup_to_output(run: Invocation, *, verify: bool) -> None:
    """Nothing but the database goes there; it counts once it has all been taken."""
    import tempfile

    if run.output.terminal or run.options.json:
        raise Failure(USAGE, "What goes to standard output is a database.", "Send it to a program, or to a file.")
    if run.output.closed:
        raise Failure(OTHER, "Standard output is closed: no backup was made.", "Send it to a program, or to a file.")
    with part_file(Path(tempfile.gettempdir())) as (stream, temporary):
        backup, _ = _made_backup(run, stream, temporary, verify=verify)
        with temporary.open("rb", buffering=0) as whole:  # the first stream only writes
            try:
                write_bytes_to_file(run.output, "-", iter(lambda: whole.read(_PIECE), b""))
                run.output.sync()
            except BrokenPipeError:
                raise Failure(
                    OTHER, "Nobody reads the output any more: it is not all of the backup.", "What read it has ended."
                ) from None
    run.call("backup.finish", backup=backup)


def _made_backup(run: Invocation, stream: IO[bytes], path: Path, *, verify: bool) -> tuple[str, "Inspection"]:
    """Has it made in the stream, which is that file: (how csmsd calls it, what is in it). Raises Failure."""
    backup = _begun_backup(run, stream.fileno())
    made = _backup_when_made(run, backup)
    if made["written"]:
        _finish_backup(path)
    else:  # a csmsd that is reached by way of something that hands over no files
        stream.writelines(_backup_pieces(run, backup, made))
        stream.flush()
    found = _inspect_backup(path, thoroughly=verify)
    if found.problems:
        raise Failure(OTHER, f"The backup is no good: {'; '.join(found.problems)}.", _DAMAGED)
    return backup, found


def _begun_backup(run: Invocation, descriptor: int) -> str:
    """How csmsd calls what it writes into the file from now on."""
    backup = str(run.call("backup.begin", descriptor=True)["backup"])
    run.client.send_descriptor(descriptor)
    return backup


def _finish_backup(path: Path) -> None:
    import sqlite3

    from csmsd.store.finishing import finish_copy

    try:
        finish_copy(path, time_ns() // 1_000_000)
    except (OSError, sqlite3.Error) as error:
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        raise Failure(OTHER, f"The backup cannot be sealed: {error}.", _DAMAGED if damaged else _NO_ROOM) from error


_NO_ROOM = "Nothing is kept of it. Is there room for it where it is to be?"
_DAMAGED = "The database itself may be damaged. See: csmsctl daemon info, and the log of csmsd"


_VERBS = frozenset(
    ["list", "ls", "show", "info", "status", "check", "restore", "remove", "rm", "delete", "help", "export", "import"]
)


def _backup_target(file: str, *, force: bool) -> Path:
    if file in _VERBS:
        raise Failure(
            USAGE,
            f"There is no command 'backup {file}', and {file} is an odd name for a backup.",
            f"Where backups lie is up to you; how to put one back: csmsd(8). If it is meant: csmsctl backup ./{file}",
        )
    path = Path(file)
    if path.is_dir():
        return path / datetime.now(UTC).strftime(_NAMED_BY_TIME)
    if path.exists() and not path.is_file():
        raise Failure(USAGE, f"{file} is no file.", "A backup needs a file that can be replaced as a whole.")
    if path.exists() and not force:
        raise _backup_is_there(path)
    return path


def _backup_is_there(path: Path) -> Failure:
    return Failure(USAGE, f"{path} is there already.", "Name another file, or a directory; or replace it with --force.")


def _backup_when_made(run: Invocation, backup: str) -> Result:
    """Waits for the copy. However long it takes, csmsd says every second that it is at it."""
    with progress_bar(run.output, "copying") as show:
        while True:
            answer = run.call("backup.wait", backup=backup)
            show(answer["progress"])
            if answer["made"]:
                return answer


def _backup_pieces(run: Invocation, backup: str, made: Result) -> Iterator[bytes]:
    seen, digest = 0, hashlib.sha256()
    while seen < made["size"]:
        data = base64.b64decode(run.call("backup.read", backup=backup, offset=seen, length=_PIECE)["data"])
        if not data:
            break
        digest.update(data)
        seen += len(data)
        yield data
    if digest.hexdigest() != made["sha256"]:
        raise Failure(OTHER, "What arrived is not what csmsd copied: its SHA-256 differs.", "Try again.")


def backup_verify_command(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup", autocompletion=file_parameter_values)],
) -> None:
    """Check a backup, without a daemon: integrity, references, schema, and what is in it.

    Exit status 0 when csmsd of this version can start on it, 1 otherwise.
    """
    run = invocation(ctx)
    found = _inspect_backup(Path(file), thoroughly=True)
    if not run.output.documented({"file": file, "good": not found.problems, **_backup_record(found)}):
        _show_backup(run, file, found)
    run.exit_code = OTHER if found.problems else 0


def _inspect_backup(path: Path, *, thoroughly: bool) -> "Inspection":
    from csmsd.store.inspection import inspect_copy

    return inspect_copy(path, thoroughly=thoroughly)


def _backup_record(found: "Inspection") -> Record:
    return {
        "size": found.bytes,
        "schema": found.schema,
        "problems": found.problems,
        "notes": found.notes,
        "counts": found.counts,
        "newest_transaction": found.newest_transaction,
        "newest_start_time": _backup_time(found),
    }


def _backup_time(found: "Inspection") -> str | None:
    from csmsd.ocpp.timestamps import format_timestamp

    return format_timestamp(found.newest_start_time) if found.newest_start_time is not None else None


def _show_backup(run: Invocation, file: str, found: "Inspection") -> None:
    newest = moment_text(_backup_time(found), run.output.terminal)
    if run.output.quiet:
        for text in found.problems:
            run.output.warn(f"{file}: {text}")
        return
    run.output.fields(
        [
            ("file", file),
            ("size", size_text(found.bytes, True)),
            ("schema", str(found.schema) if found.schema is not None else ""),
            *((name.replace("_", " "), str(count)) for name, count in found.counts.items()),
            ("newest transaction", f"{found.newest_transaction}, begun {newest}" if newest else ""),
            ("verdict", "no good" if found.problems else "good"),
        ]
    )
    for text in [*found.problems, *found.notes]:
        run.output.warn(text)
