"""`task`: every command that was ever sent."""

from typing import Annotated, Literal

import typer

from csmsctl.invocation import invocation
from csmsctl.parameters import ChargePointOption, Since, TaskId, limit_option
from csmsctl.table import Column, Record
from csmsctl.values import milliseconds, moment, plain


def _style(record: Record) -> str:
    return {"accepted": "green", None: "", "queued": "yellow"}.get(record.get("outcome"), "red")


_COLUMNS = (
    Column("id", "ID", right=True),
    Column("created_at", "TIME", moment),
    Column("user", "BY"),
    Column("charge_point", "CHARGE POINT"),
    Column("action", "ACTION"),
    Column("state", "STATE", wide=True),
    Column("outcome", "OUTCOME", style=_style),
    Column("status", "STATUS", wide=True),
    Column("duration_ms", "TOOK", milliseconds, right=True, wide=True),
    Column("error", "ERROR", folds=True, wide=True),
)


def list_(
    ctx: typer.Context,
    charge_point: ChargePointOption = None,
    action: Annotated[str | None, typer.Option("--action", metavar="ACTION", help="This action only")] = None,
    outcome: Annotated[
        Literal["accepted", "rejected", "call_error", "timeout", "not_connected", "unknown"] | None,
        typer.Option("--outcome", help="With this outcome only", case_sensitive=False),
    ] = None,
    since: Since = None,
    limit: Annotated[int, limit_option(100)] = 100,
) -> None:
    """List the commands that were sent, newest first: who, when, to whom, and the outcome."""
    run = invocation(ctx)
    found = run.call("task.list", charge_point=charge_point, action=action, outcome=outcome, since=since, limit=limit)
    if run.options.json:
        run.output.document(found)
        return
    run.output.table(_COLUMNS, found["tasks"], empty="There is no such task.")


def show(ctx: typer.Context, task: TaskId) -> None:
    """Show a task: the request, the answer, and the times of both."""
    run = invocation(ctx)
    found = run.record("task.show", "tasks", id=task)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(_COLUMNS, [found])
        return
    times = {"created_at", "sent_at", "settled_at"}
    shown = []
    for key, value in found.items():
        if key in ("request", "response") and value is not None:
            from csmsctl.escape import to_json

            shown.append((key, to_json(value)))
        else:
            text = moment(value, run.output.terminal) if key in times else plain(value)
            shown.append(
                (key.removesuffix("_ms").replace("_", " "), text + (" ms" if key == "duration_ms" and text else ""))
            )
    run.output.fields(shown)


def cancel(ctx: typer.Context, task: TaskId) -> None:
    """Cancel a task that has not been sent yet."""
    run = invocation(ctx)
    result = run.call("task.cancel", id=task)
    if run.options.json:
        run.output.document(result)
    else:
        run.output.note(
            f"Task {task} is cancelled."
            if result.get("changed")
            else f"There is nothing to cancel: task {task} was sent or settled before."
        )
