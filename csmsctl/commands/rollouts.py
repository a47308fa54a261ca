"""`rollout`: how firmware gets to many charge points, and when it is halted."""

from typing import Annotated

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import live_parameter_values
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Listing, is_listing_document, show_whole_listing
from csmsctl.records.listing import show_listing as show_list

RolloutId = Annotated[
    int, typer.Argument(metavar="ROLLOUT", help="Its id", min=1, autocompletion=live_parameter_values("rollouts"))
]


def _rollout_style(record: Record) -> str:
    return {"done": "green", "failed": "red", "paused": "yellow", "updating": "cyan"}.get(str(record.get("state")), "")


_ROLLOUTS = (
    Column("id", "ID", right=True),
    Column("file", "FILE"),
    Column("state", "STATE", style=_rollout_style),
    Column("charge_points", "ALL", right=True),
    Column("done", "DONE", right=True),
    Column("updating", "UPDATING", right=True),
    Column("waiting", "WAITING", right=True),
    Column("failed", "FAILED", right=True),
    Column("cancelled", "CANCELLED", right=True, wide=True),
    Column("reason", "REASON", folds=True),
    Column("created_at", "CREATED", moment_text),
    Column("user", "BY", wide=True),
)
_MEMBERS = (
    Column("charge_point", "CHARGE POINT"),
    Column("state", "STATE", style=_rollout_style),
    Column("canary", "CANARY", lambda value, human: plain_text(value)),
    Column("version_before", "BEFORE"),
    Column("version_after", "AFTER"),
    Column("confirmed", "CONFIRMED", lambda value, human: plain_text(value)),
    Column("begun_at", "BEGUN", moment_text),
    Column("ended_at", "ENDED", moment_text),
    Column("task", "TASK", right=True),
    Column("note", "NOTE", folds=True),
)


LISTING = Listing(
    "rollouts", _ROLLOUTS, time="created_at", empty="There is no rollout; see: csmsctl firmware rollout --help"
)
MEMBERS = Listing("members", _MEMBERS, name="charge_point", time="begun_at")


@lists(time="created")
def rollout_list_command(ctx: typer.Context, *, view: View) -> None:
    """List the rollouts, the newest first; with TARGETs those that they are part of."""
    run = invocation(ctx)
    show_whole_listing(run, LISTING, view, run.call("rollout.list", targets=view.targets))


def rollout_show_command(ctx: typer.Context, rollout: RolloutId) -> None:
    """Show a rollout: what was ordered, where it stands, and what it waits for."""
    run = invocation(ctx)
    found = run.record("rollout.show", "rollouts", id=rollout)
    if run.options.json:
        return
    times = {"created_at", "ended_at"}
    run.output.fields(
        [
            (key.replace("_", " "), moment_text(value, run.output.terminal) if key in times else plain_text(value))
            for key, value in found.items()
            if key != "members"
        ]
    )


@lists(targets=False, time="begun")
def rollout_report_command(ctx: typer.Context, rollout: RolloutId, *, view: View) -> None:
    """Report what became of each charge point of a rollout."""
    run = invocation(ctx)
    found = run.call("rollout.show", id=rollout)
    if is_listing_document(run, view):
        run.output.document({"rollouts": [{name: value for name, value in found.items() if name != "schema_version"}]})
        return
    show_list(run, MEMBERS, view, found["members"])
    if run.output.json or view.form in ("jsonl", "name"):
        return
    counts = [f"{found[key]} {key}" for key in ("done", "updating", "waiting", "failed", "cancelled") if found[key]]
    run.output.note(f"Rollout {found['id']} is {found['state']}: {', '.join(counts)}.")


def rollout_pause_command(ctx: typer.Context, rollout: RolloutId) -> None:
    """Begin with no more charge points; what is under way goes on."""
    _change_rollout(invocation(ctx), "rollout.pause", rollout, "is paused", "was paused already")


def rollout_resume_command(ctx: typer.Context, rollout: RolloutId) -> None:
    """Go on with a rollout; what failed so far counts no more."""
    _change_rollout(invocation(ctx), "rollout.resume", rollout, "goes on", "was running already")


def rollout_cancel_command(ctx: typer.Context, rollout: RolloutId) -> None:
    """End a rollout; what is under way cannot be taken back."""
    run = invocation(ctx)
    if not run.options.yes:
        run.call("rollout.show", id=rollout)  # nobody is asked about one that is not there
    confirm(run.options, f"End rollout {rollout} for all that wait?")
    _change_rollout(run, "rollout.cancel", rollout, "is cancelled", "was over already")


def _change_rollout(run: Invocation, method: str, rollout: int, done: str, before: str) -> None:
    result = run.call(method, id=rollout)
    run.output.outcome(result, f"Rollout {rollout} {done if result.get('changed') else before}.")
