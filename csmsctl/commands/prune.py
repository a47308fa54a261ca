"""`prune`: lets go of old records."""

from typing import Annotated, Any

import typer

from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column
from csmsctl.display.value_texts import moment_text
from csmsctl.invocation import Invocation, invocation

_KINDS = (
    "transactions",
    "meter_values",
    "tasks",
    "reservations",
    "firmware_updates",
    "diagnostics",
    "quarantine",
    "audit",
    "security_events",
    "security_upgrades",
)

_PLAN = (
    Column("kind", "KIND"),
    Column("before", "OLDER THAN", moment_text),
    Column("rows", "ROWS", right=True),
    Column("kept_unexported", "KEPT, NOT EXPORTED", right=True),
)
_DONE = (Column("kind", "KIND"), Column("before", "OLDER THAN", moment_text), Column("removed", "REMOVED", right=True))


def _complete_prune_kinds(incomplete: str) -> list[tuple[str, str]]:
    return [(kind, "") for kind in _KINDS if kind.startswith(incomplete)]


def prune_command(
    ctx: typer.Context,
    kinds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND]...", help=", ".join(_KINDS), show_default=False, autocompletion=_complete_prune_kinds
        ),
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", metavar="DAYS", min=1, max=36_500, help="Keep so many days of each KIND"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing")] = False,
) -> None:
    """Remove records that are older than they are to be kept, now instead of next night.

    Without KIND all kinds for which csmsd.toml has a time in [retention]. What is not over stays: transactions that are
    active or abandoned, active reservations, commands under way; and transactions that no export has delivered, unless
    retention.keep_unexported is false. Numbers are never used again. It goes in small steps, and can be interrupted.
    """
    run = invocation(ctx)
    chosen = [kind.replace("-", "_") for kind in kinds or []]
    if older_than is not None and not chosen:
        raise typer.BadParameter(f"With --older-than say of which kinds: {', '.join(_KINDS)}.")
    if unknown := [kind for kind in chosen if kind not in _KINDS]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(_KINDS)}.")
    plans: list[Any] = run.call("prune.plan", kinds=chosen or None, days=older_than)["prune"]
    if not plans and not run.options.json:
        run.output.note("Everything is kept for ever: see [retention] in csmsd.toml, or name a KIND and --older-than.")
        return
    if dry_run:
        if not run.output.documented({"prune": plans}):
            run.output.table(_PLAN, plans)
        return
    rows = sum(plan["rows"] for plan in plans)
    if rows:
        what = ", ".join(f"{plan['rows']} {plan['kind'].replace('_', ' ')}" for plan in plans if plan["rows"])
        confirm(run.options, f"{what} will be removed for good. Go on?")
    done = [{"kind": plan["kind"], "before": plan["before"], "removed": _prune_kind(run, plan)} for plan in plans]
    size = _finish_prune(run, sum(one["removed"] for one in done))
    if not run.output.documented({"changed": rows > 0, "pruned": done, "database_bytes": size}):
        run.output.table(_DONE, done)
        for plan in plans:
            if kept := plan["kept_unexported"]:
                what = plan["kind"].replace("_", " ")
                run.output.note(f"{kept} {what} are kept since no export has delivered the transactions.")


def _prune_kind(run: Invocation, plan: dict[str, Any]) -> int:
    removed, more = 0, plan["rows"] > 0
    while more:
        answer = run.call("prune.run", kind=plan["kind"], before=plan["before"])
        removed, more = removed + answer["removed"], answer["more"]
        run.output.progress(f"{plan['kind']}: {removed} of {plan['rows']} removed", last=not more)
    return removed


def _finish_prune(run: Invocation, removed: int) -> int:
    """The size of the database when all is done."""
    while True:
        answer = run.call("prune.finish", removed=removed)
        if not answer["more"]:
            return int(answer["database_bytes"])
