"""`load`: what is on the circuits now, and what each member may draw."""

from typing import Annotated, Any

import typer

from csmsctl.arguments.shared_parameters import live_parameter_values
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text
from csmsctl.invocation import invocation

_WIDTH = 20


def _load_bar(record: Record) -> str:
    """What else draws, what is given, and what is free, of the limit."""
    limit = float(record["limit"]) or 1.0
    other = min(_WIDTH, round(_WIDTH * float(record["other"]) / limit))
    given = min(_WIDTH - other, round(_WIDTH * float(record["given"]) / limit))
    return "▒" * other + "█" * given + "·" * (_WIDTH - other - given)


def _over_style(record: Record) -> str:
    return "red" if float(record["other"]) + float(record["given"]) > float(record["limit"]) else "green"


def _standing_style(record: Record) -> str:
    return {"unmanaged": "red", "waiting": "yellow", "away": "yellow", "charging": "green"}.get(
        str(record["state"]), ""
    )


LINES = (
    Column("circuit", "CIRCUIT"),
    Column("phase", "PHASE"),
    Column("limit", "LIMIT", right=True),
    Column("other", "OTHER", right=True),
    Column("given", "GIVEN", right=True, style=_over_style),
    Column("drawn", "DRAWN", right=True),
    Column("stale", "STALE", wide=True),
)
MEMBERS = (
    Column("circuit", "CIRCUIT"),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("state", "STATE", style=_standing_style),
    Column("transaction", "TX", right=True),
    Column("limit", "LIMIT A", right=True),
    Column("most", "MOST A", right=True),
    Column("drawn", "DRAWN A", right=True),
    Column("fallback", "FALLBACK A", right=True),
    Column("lease_until", "LEASE UNTIL", moment_text),
)


def load_status_command(ctx: typer.Context) -> None:
    """Show the circuits by phase, in A, or in W where power is limited; then their members.

    OTHER draws besides the members. GIVEN is the most that they may draw now, given all that they may or may not have
    received; DRAWN is what they measure. A member is unmanaged when csmsd knows of no limit that it goes by: it counts
    with its rating.
    """
    run = invocation(ctx)
    answer = run.call("load.status")
    if run.output.documented(answer):
        return
    lines: list[dict[str, Any]] = answer["circuits"]
    if run.output.csv:
        run.output.table(MEMBERS, answer["members"])
        return
    if not lines:
        run.output.note("There are no circuits; for example: csmsctl circuit add main --limit 63A")
        return
    columns: tuple[Column, ...] = LINES
    if run.output.terminal:
        for line in lines:
            line["bar"] = _load_bar(line)
        columns = (*LINES, Column("bar", "", style=_over_style))
    run.output.table(columns, lines)
    run.output.text("")
    run.output.table(MEMBERS, answer["members"])


def load_explain_command(
    ctx: typer.Context,
    charge_point: Annotated[
        str,
        typer.Argument(
            metavar="CHARGE-POINT", help="Its identity", autocompletion=live_parameter_values("charge_points")
        ),
    ],
    connector: Annotated[int, typer.Option("--connector", metavar="N", min=1, help="Its connector (1)")] = 1,
) -> None:
    """Say in sentences why a connector may draw what it may: where it hangs, until when, and what leaves no more."""
    run = invocation(ctx)
    answer = run.call("load.explain", charge_point=charge_point, connector=connector)
    if run.output.documented(answer):
        return
    for sentence in answer["because"]:
        run.output.text(sentence)
