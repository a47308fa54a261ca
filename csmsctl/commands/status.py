"""`status`: the site at a glance."""

from typing import Annotated, Any

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.invocation import Invocation, invocation


@lists(time="in its state")
def status_command(
    ctx: typer.Context,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only what wants attention, each with the command that tells more")
    ] = False,
    *,
    view: View,
) -> None:
    """Show the daemon, its policies, and every connector with what it does.

    A status is what the charge point said last; that of one that is offline is history.
    """
    run = invocation(ctx)
    found = run.call("status", targets=view.targets)
    if problems:
        _show_problems_of_status(run, found, view)
        return
    # Imported below because `status --json` is what monitoring asks for every few seconds.
    if view == View(view.targets) and run.output.documented(found):
        return
    from csmsctl.records.connectors import COLUMNS, CSV_COLUMNS, connector_rows
    from csmsctl.records.listing import Listing, show_listing

    records = connector_rows(found["charge_points"])
    if view.targets is None and view.plain and view.form in ("table", "wide", None) and not run.output.csv:
        for line, style in [*status_summary(found.get("daemon") or {}), *_status_worries(found)]:
            run.output.text(line, style=style)
        if records:
            run.output.text("")
    columns = [column for column in COLUMNS if column.key != "note" or any(row["note"] for row in records)]
    listing = Listing(
        "connectors",
        columns,
        name="charge_point",
        time="since",
        fields=[column.key for column in CSV_COLUMNS],
        empty="No charge point is registered; begin with: csmsctl cp add CP1",
    )
    if view.form == "json" and view.plain:
        run.output.document(found)
    else:
        show_listing(run, listing, view, records)


def _show_problems_of_status(run: Invocation, found: dict[str, Any], view: View) -> None:
    from csmsctl.records.listing import Listing, show_listing
    from csmsctl.records.problems import COLUMNS, CSV_COLUMNS, problem_told, problems_in_status

    rows = problems_in_status(found)
    if view.form in ("table", "wide") or (view.form is None and not run.output.json and not run.output.csv):
        rows = [{**row, "told": problem_told(row, run.output.terminal)} for row in rows]
    fields = [column.key for column in CSV_COLUMNS]
    empty = "Nothing wants attention."
    show_listing(
        run, Listing("problems", COLUMNS, name="charge_point", time="since", fields=fields, empty=empty), view, rows
    )


def _status_worries(found: dict[str, Any]) -> list[tuple[str, str]]:
    """How many charge points want attention; that is a line of its own for what concerns the whole site."""
    worried = [charge_point for charge_point in found["charge_points"] if charge_point.get("problems")]
    if not worried:
        return []
    critical = any(problem.get("severity") == "critical" for one in worried for problem in one["problems"])
    noun = "charge point wants" if len(worried) == 1 else "charge points want"
    return [(f"{len(worried)} {noun} attention; see: csmsctl status --problems", "bold red" if critical else "yellow")]


def status_summary(daemon: dict[str, Any]) -> list[tuple[str, str]]:
    """The daemon in two lines, and a line for each thing that wants attention; with styles."""
    from csmsctl.display.value_texts import duration_text

    policies = daemon.get("policies") or {}
    running = daemon.get("active_transactions", 0)
    lines = [
        (
            f"csmsd {daemon.get('version')}, up {duration_text(daemon.get('uptime_s'))}: "
            f"{daemon.get('connected')} of {daemon.get('charge_points')} charge points connected, "
            f"{running} transaction{'' if running == 1 else 's'} running",
            "bold",
        ),
        (
            f"Policies: unknown charge points {policies.get('unknown_charge_points')}, "
            f"unknown idTags {policies.get('unknown_id_tags')}",
            "",
        ),
    ]
    if daemon.get("store") == "slow":
        lines.append(("The store is slow: answers wait for a commit. See: csmsctl daemon info", "yellow"))
    elif daemon.get("store", "ok") != "ok":
        lines.append(("The store is failing: nothing can be booked. See: csmsctl daemon info", "bold red"))
    if queued := daemon.get("queued_commands"):
        noun = "command waits" if queued == 1 else "commands wait"
        lines.append((f"{queued} {noun} for offline charge points; see: csmsctl task list --state queued", ""))
    if unknown := daemon.get("unknown_charge_points"):
        noun = "unknown charge point" if unknown == 1 else "unknown charge points"
        lines.append((f"{unknown} {noun} knocked; see: csmsctl cp pending", "yellow"))
    return lines
