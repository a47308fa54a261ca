"""`audit`: who gave which command through which socket, and who was refused it."""

from typing import Annotated, Any

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.invocation import invocation
from csmsctl.records.listing import Listing, listing_pages, show_listing


def _audit_outcome(refused: Any, human: bool) -> str:
    return ("refused" if refused else "given") if human else plain_text(refused)


def _audit_socket(path: Any, human: bool) -> str:
    return str(path).rpartition("/")[2] if human else plain_text(path)


def _audit_style(entry: Record) -> str:
    return "red" if entry.get("refused") else ""


_COLUMNS = (
    Column("id", "ID", right=True),
    Column("last_time", "TIME", moment_text),
    Column("user", "BY"),
    Column("socket", "SOCKET", _audit_socket),
    Column("command", "COMMAND"),
    Column("about", "ABOUT", folds=True),
    Column("refused", "REFUSED", _audit_outcome, style=_audit_style),
    Column("times", "TIMES", right=True, wide=True),
    Column("uid", "UID", right=True, wide=True),
    Column("time", "FIRST", moment_text, wide=True),
)
LISTING = Listing("audit", _COLUMNS, limit=100, empty="There is no such command.")


@lists(targets=False, time="given", limit=100)
def audit_command(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Given by this user only")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused")] = False,
    *,
    view: View,
) -> None:
    """List the commands that were given, newest first: who, by which socket, about what; and what was refused.

    A command is here before anything comes of it; what charge points were sent stands in task list, too. What is
    refused again within an hour is one row that says how often.
    """
    run = invocation(ctx)
    wanted = {"user": user, "refused": True if refused else None, "since": view.since, "until": view.until}
    show_listing(run, LISTING, view, listing_pages(run, "audit.list", wanted, LISTING, view))
