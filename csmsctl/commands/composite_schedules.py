"""`profile preview` and `profile verify`: which limits hold when."""

import shutil
from datetime import datetime
from shlex import quote
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.json_files import name_or_json
from csmsctl.arguments.shared_parameters import (
    Identity,
    duration_parameter_option,
    live_parameter_values,
    when_parameter_option,
)
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.failure import OTHER
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result
from csmsctl.operations.options import Force
from csmsctl.operations.request import exit_code_of_request
from csmsctl.operations.results import show_results

Connector = Annotated[
    int,
    typer.Option(
        "--connector",
        metavar="N",
        min=0,
        help="Connector; 0 is the whole charge point",
        autocompletion=live_parameter_values("connectors"),
    ),
]
Seconds = Annotated[int, duration_parameter_option("--duration", "From now on: 30m, 24h (1d)")]
Unit = Annotated[
    Literal["A", "W"] | None, typer.Option("--unit", help="Of the limits (that of the profiles)", case_sensitive=False)
]
Phases = Annotated[int | None, typer.Option("--phases", metavar="N", min=1, max=3, help="That the connector has (3)")]


def _composite_limit(value: Any, human: bool) -> str:
    return "no limit" if value is None else plain_text(value)


def _composite_style(record: Record) -> str:
    return "dim" if record.get("limit") is None else ""


_PERIODS = (
    Column("start", "FROM", moment_text),
    Column("end", "TO", moment_text),
    Column("limit", "LIMIT", _composite_limit, right=True, style=_composite_style),
    Column("unit", "UNIT"),
    Column("phases", "PHASES", right=True, wide=True),
    Column("because_of", "BECAUSE OF", folds=True),
)
_DIFFERENCES = (
    Column("start", "FROM", moment_text),
    Column("end", "TO", moment_text),
    Column("expected", "EXPECTED", _composite_limit, right=True),
    Column("reported", "REPORTED", _composite_limit, right=True),
    Column("unit", "UNIT"),
    Column("kind", "REPORTED IS", style=lambda record: "red" if record.get("kind") == "higher" else "yellow"),
)


def composite_schedule_preview_command(
    ctx: typer.Context,
    charge_point: Identity,
    connector: Connector,
    seconds: Seconds = 86_400,
    unit: Unit = None,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="NAME|FILE|JSON",
            help="As if this profile were sent now: name in the library, file, or JSON",
            autocompletion=live_parameter_values("profiles"),
        ),
    ] = None,
    start: Annotated[str | None, when_parameter_option("--start", "From then on, instead of now")] = None,
    phases: Phases = None,
) -> None:
    """Show which limit will hold when, and which profiles make it.

    Worked out here from what the charge point has accepted; a running transaction counts.
    """
    run = invocation(ctx)
    found = run.call(
        "profile.preview",
        charge_point=charge_point,
        connector=connector,
        duration=seconds,
        unit=unit,
        start=start,
        phases=phases,
        **{"with": name_or_json(with_)},
    )
    if run.output.documented(found):
        return
    for finding in found.get("findings") or []:
        run.output.warn(str(finding.get("text")))
    _show_composite_periods(run, found)


def _show_composite_periods(run: Invocation, found: Result) -> None:
    periods = [_composite_row(period, found) for period in found.get("periods") or []]
    if run.output.terminal and not run.output.csv:
        _plot_composite_schedule(run, found)
    run.output.table(_PERIODS, periods)


def _composite_row(period: Record, found: Result) -> Record:
    causes = [_composite_cause(cause, found) for cause in period.get("because") or []]
    return {**period, "unit": found.get("unit") if period.get("limit") is not None else None,
            "because_of": ", ".join(causes)}  # fmt: skip


def _composite_cause(cause: Record, found: Result) -> str:
    """`night (TxDefaultProfile, level 0)`, and what it says where that is another unit or fewer phases."""
    name = cause.get("name") or f"id {cause.get('id')}"
    parts = [str(cause.get("purpose")), f"level {cause.get('stack_level')}"]
    if cause.get("unit") != found.get("unit"):
        parts.append(f"{plain_text(cause.get('limit'))} {cause.get('unit')}")
    if cause.get("decides") == "phases":
        parts.append(f"phases {cause.get('phases')}")
    return f"{name} ({', '.join(parts)})"


def _plot_composite_schedule(run: Invocation, found: Result) -> None:
    from csmsctl.display.step_plot import Step, step_plot

    steps = [
        Step(_composite_local_time(period["start"]), _composite_local_time(period["end"]), period.get("limit"))
        for period in found["periods"]
    ]
    width = min(120, shutil.get_terminal_size().columns)
    lines = step_plot(steps, str(found.get("unit")), width)
    for line in lines:
        run.output.text(line, style="cyan")
    if lines:
        run.output.text("")


def _composite_local_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


def composite_schedule_verify_command(
    ctx: typer.Context,
    charge_point: Identity,
    connector: Connector,
    seconds: Seconds = 86_400,
    unit: Unit = None,
    phases: Phases = None,
    force: Force = False,
) -> None:
    """Ask a charge point for its composite schedule and show how it differs from what should hold.

    Higher limits than expected mean that a profile has no effect; lower ones may come from limits of its own.
    """
    run = invocation(ctx)
    found = run.client.call(
        "profile.verify",
        {
            "charge_point": charge_point,
            "connector": connector,
            "duration": seconds,
            "unit": unit,
            "phases": phases,
            "force": force or None,
            "timeout": run.options.timeout,
        },
        timeout=2 * run.options.timeout + 5,
    )
    results = found.get("results") or []
    run.exit_code = exit_code_of_request(results) or (OTHER if found.get("agrees") is False else 0)
    if run.output.documented(found):
        return
    if found.get("agrees") is None:
        show_results(run.output, results)
        return
    _show_composite_difference(run, found)


def _show_composite_difference(run: Invocation, found: Result) -> None:
    where = f"{found.get('charge_point')} connector {found.get('connector')}"
    if found.get("reported") is None:
        run.output.warn(f"{where}: no schedule reported. The charge point accepted the question and gave no limits.")
    offset = found.get("clock_offset_s")
    if isinstance(offset, int) and abs(offset) > 60:
        run.output.warn(f"{where}: its clock is {abs(offset)} s {'ahead' if offset > 0 else 'behind'}.")
    for name in found.get("off_clock") or []:
        run.output.warn(
            f"{where}: clocks were changed since {name} was sent, which follows them. "
            f"Send it again: csmsctl profile reassert {quote(str(found.get('charge_point')))}"
        )
    rows = [{**difference, "unit": found.get("unit")} for difference in found.get("differences") or []]
    if rows or run.output.csv:
        run.output.table(_DIFFERENCES, rows)
    if not rows:
        run.output.note(f"{where}: what the charge point reckons with is what should hold.")
