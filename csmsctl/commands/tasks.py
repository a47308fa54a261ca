"""`task`: every command that was ever sent."""

from time import monotonic
from typing import Annotated, Literal

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import QueuedTaskIds, TaskId
from csmsctl.display.progress import progress_spinner
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import milliseconds_text, moment_text, plain_text
from csmsctl.failure import NOT_THERE, SOME_FAILED, TIMED_OUT, USAGE, Failure
from csmsctl.invocation import invocation
from csmsctl.operations.request import exit_code_of_request
from csmsctl.operations.results import show_results
from csmsctl.records.listing import Listing, listing_pages
from csmsctl.records.listing import show_listing as show_list
from csmsctl.records.news import News

_SETTLED = ("task.settled", "task.delivered", "task.expired", "task.cancelled")
_LONGEST_SILENCE = 10.0  # seconds; a look now and then needs no event


def _task_style(record: Record) -> str:
    return {"accepted": "green", None: "", "queued": "yellow"}.get(record.get("outcome"), "red")


_COLUMNS = (
    Column("id", "ID", right=True),
    Column("created_at", "TIME", moment_text),
    Column("user", "BY"),
    Column("socket", "SOCKET", wide=True),
    Column("charge_point", "CHARGE POINT"),
    Column("action", "ACTION"),
    Column("state", "STATE", wide=True),
    Column("expires_at", "UNTIL", moment_text, wide=True),
    Column("outcome", "OUTCOME", style=_task_style),
    Column("status", "STATUS", wide=True),
    Column("duration_ms", "TOOK", milliseconds_text, right=True, wide=True),
    Column("error", "ERROR", folds=True, wide=True),
)


LISTING = Listing("tasks", _COLUMNS, limit=100, empty="There is no such task.")


@lists(time="given", limit=100)
def task_list_command(
    ctx: typer.Context,
    action: Annotated[str | None, typer.Option("--action", metavar="ACTION", help="This action only")] = None,
    outcome: Annotated[
        Literal["accepted", "rejected", "call_error", "timeout", "not_connected", "queued", "unknown", "not_sent"]
        | None,
        typer.Option("--outcome", help="With this outcome only", case_sensitive=False),
    ] = None,
    state: Annotated[
        Literal["queued", "recorded", "settled", "expired", "cancelled"] | None,
        typer.Option(
            "--state", help="In this state only; queued ones wait for their charge point", case_sensitive=False
        ),
    ] = None,
    *,
    view: View,
) -> None:
    """List the commands that were given, newest first: who, when, to whom, and the outcome."""
    run = invocation(ctx)
    wanted = {"targets": view.targets, "since": view.since, "until": view.until}
    wanted |= {"action": action, "outcome": outcome, "state": state}
    show_list(run, LISTING, view, listing_pages(run, "task.list", wanted, LISTING, view))


def task_show_command(ctx: typer.Context, task: TaskId) -> None:
    """Show a task: the request, the answer, and the times of both."""
    run = invocation(ctx)
    found = run.record("task.show", "tasks", id=task)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(_COLUMNS, [found])
        return
    times = {"created_at", "sent_at", "settled_at", "expires_at"}
    shown = []
    for key, value in found.items():
        if key in ("request", "response") and value is not None:
            from csmsctl.display.escape import escape_to_json

            shown.append((key, escape_to_json(value)))
        else:
            text = moment_text(value, run.output.terminal) if key in times else plain_text(value)
            shown.append(
                (key.removesuffix("_ms").replace("_", " "), text + (" ms" if key == "duration_ms" and text else ""))
            )
    run.output.fields(shown)


def task_cancel_command(ctx: typer.Context, tasks: QueuedTaskIds) -> None:
    """Cancel tasks that have not been sent yet; what is queued is given up for good."""
    run = invocation(ctx)
    answers: list[Record] = []
    failures: list[Failure] = []
    for task in dict.fromkeys(tasks):
        try:
            answers.append({"task": task, "changed": run.call("task.cancel", id=task)["changed"]})
        except Failure as failure:
            if len(tasks) == 1 or failure.code not in (USAGE, NOT_THERE):
                raise
            failures.append(failure)
    for refused in failures:
        run.output.warn(refused.message)
    if failures:
        run.exit_code = SOME_FAILED
    if run.options.json:
        each = {"tasks": answers} if len(tasks) > 1 else {}
        run.output.document({"changed": any(answer["changed"] for answer in answers)} | each)
        return
    for answer in answers:
        run.output.note(
            f"Task {answer['task']} is cancelled."
            if answer["changed"]
            else f"There is nothing to cancel: task {answer['task']} is over."
        )


def task_wait_command(ctx: typer.Context, tasks: QueuedTaskIds) -> None:
    """Wait until tasks are settled, with the results and the exit code that the commands themselves would have had.

    Without --timeout this takes as long as it takes. Interrupting it changes nothing about the tasks.
    """
    run = invocation(ctx)
    numbers = ", ".join(map(str, tasks))
    deadline = None if run.options.patience is None else monotonic() + run.options.patience
    try:
        with News(run, _SETTLED) as news, progress_spinner(run.output, f"waiting for task {numbers}"):
            while (found := run.call("task.results", ids=tasks))["waiting"]:
                left = _LONGEST_SILENCE if deadline is None else deadline - monotonic()
                if left <= 0:
                    still = ", ".join(map(str, found["waiting"]))
                    raise Failure(
                        TIMED_OUT,
                        f"Not settled within {run.options.patience:g} s: task {still}.",
                        "Nothing was given up; see: csmsctl task list --state queued",
                    )
                news.next(min(left, _LONGEST_SILENCE))
    except KeyboardInterrupt:
        run.output.warn("Interrupted. The tasks go on; see: csmsctl task list --state queued")
        raise
    results = found["results"]
    run.exit_code = exit_code_of_request(results, several=len(tasks) > 1)
    if not run.output.documented({"results": results}):
        show_results(run.output, results)
