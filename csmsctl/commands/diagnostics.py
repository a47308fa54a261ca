"""`diagnostics`: the files that charge points brought, and the uploads that they are at."""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Annotated

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import Output, live_parameter_values
from csmsctl.display.confirm import confirm
from csmsctl.display.files import write_bytes_to_file
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, size_text
from csmsctl.failure import OTHER, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result
from csmsctl.records.listing import Listing, show_whole_listing

_PIECE = 1024 * 1024
_HARMLESS_ENDING = re.compile(r"(\.[A-Za-z0-9]{1,5}){1,2}\Z")

TaskNumber = Annotated[
    int,
    typer.Argument(
        metavar="TASK", help="Task that it came of", min=1, autocompletion=live_parameter_values("diagnostics")
    ),
]


def _diagnostics_style(record: Record) -> str:
    state = str(record.get("state"))
    return "green" if state == "uploaded" else "red" if state in ("upload_failed", "unknown") else ""


_COLUMNS = (
    Column("task", "TASK", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("state", "STATE", style=_diagnostics_style),
    Column("name", "NAME", folds=True),
    Column("size", "SIZE", size_text, right=True),
    Column("received_at", "RECEIVED", moment_text),
    Column("changed_at", "CHANGED", moment_text, wide=True),
    Column("sha256", "SHA-256", wide=True),
    Column("error", "ERROR", folds=True),
    Column("kind", "KIND"),
)


LISTING = Listing(
    "diagnostics",
    _COLUMNS,
    name="task",
    time="received_at",
    empty="There are none; see how asking for them went: csmsctl diagnostics status",
)
UPLOADS = Listing(
    "diagnostics",
    _COLUMNS,
    name="charge_point",
    time="changed_at",
    empty="No diagnostics were ever asked for; ask with: csmsctl get-diagnostics",
)


@lists(time="received")
def diagnostics_list_command(ctx: typer.Context, *, view: View) -> None:
    """List the files of diagnostics that are kept, the newest first."""
    run = invocation(ctx)
    found = run.call("diagnostics.list", targets=view.targets)
    show_whole_listing(run, LISTING, view, found)
    if not found["diagnostics"]:
        _tell_of_failed_uploads(run, view)


def _tell_of_failed_uploads(run: Invocation, view: View) -> None:
    """Why there is nothing to list."""
    for upload in run.call("diagnostics.status", targets=view.targets)["diagnostics"]:
        if upload.get("state") in ("upload_failed", "unknown"):
            state = str(upload["state"]).replace("_", " ")
            error = f": {upload['error']}" if upload.get("error") else ""
            when = moment_text(upload.get("changed_at"), run.output.terminal)
            run.output.note(f"{upload['charge_point']}: {state} {when} (task {upload['task']}){error}")


@lists(time="changed")
def diagnostics_status_command(ctx: typer.Context, *, view: View) -> None:
    """Show the newest upload of each charge point: what it reports, and what arrived here."""
    run = invocation(ctx)
    show_whole_listing(run, UPLOADS, view, run.call("diagnostics.status", targets=view.targets))


def diagnostics_get_command(ctx: typer.Context, task: TaskNumber, output: Output = None) -> None:
    """Get a file of diagnostics; - writes it to standard output.

    Without --output it is called after the charge point and the task: the name that the charge point gave it is only
    shown.
    """
    run = invocation(ctx)
    first = run.call("diagnostics.read", task=task, length=_PIECE)
    file = output or _own_name_of_diagnostics(run, task, first)
    write_bytes_to_file(run.output, file, _diagnostics_pieces(run, task, first))


def _own_name_of_diagnostics(run: Invocation, task: int, first: Result) -> str:
    kept = run.call("diagnostics.status", tasks=[task])["diagnostics"]
    charge_point = re.sub(r"[^A-Za-z0-9._-]", "_", str(kept[0]["charge_point"])) if kept else "diagnostics"
    ending = _HARMLESS_ENDING.search(str(first.get("name") or ""))
    return f"{charge_point}-{task}{ending[0] if ending else '.bin'}"


def _diagnostics_pieces(run: Invocation, task: int, first: Result) -> Iterator[bytes]:
    total, seen, digest = int(first["size"]), 0, hashlib.sha256()
    answer = first
    while True:
        data = base64.b64decode(answer["data"])
        if not data and seen < total:
            raise Failure(OTHER, f"The file became shorter: {seen} of {total} bytes.")
        digest.update(data)
        seen += len(data)
        yield data
        if seen >= total:
            break
        answer = run.call("diagnostics.read", task=task, offset=seen, length=_PIECE)
    if digest.hexdigest() != first["sha256"]:
        raise Failure(OTHER, "The file is not what arrived: its SHA-256 differs.", "See the disk of csmsd.")


def diagnostics_remove_command(ctx: typer.Context, task: TaskNumber) -> None:
    """Remove a file of diagnostics."""
    run = invocation(ctx)
    if not run.options.yes:
        run.call("diagnostics.read", task=task, length=1)  # nobody is asked about one that is not there
    confirm(run.options, f"Remove the diagnostics of task {task}?")
    result = run.call("diagnostics.remove", task=task)
    run.output.outcome(result, f"The diagnostics of task {task} are removed.")
