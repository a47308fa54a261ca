"""`csmsctl cp test`: the command around the steps."""

import contextlib
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from csmsctl.arguments.shared_parameters import (
    Identity,
    duration_parameter_option,
    file_parameter_values,
    live_parameter_values,
)
from csmsctl.display.confirm import confirm
from csmsctl.display.report_forms import report_form_of
from csmsctl.display.table import Record
from csmsctl.failure import NOT_CONFIRMED, NOT_CONNECTED, NOT_THERE, OK, OTHER, USAGE, Failure
from csmsctl.invocation import Invocation, invocation

if TYPE_CHECKING:
    from csmsctl.commissioning.commissioning_report import Report
    from csmsctl.commissioning.step import Outcome, Step, Suite
    from csmsctl.commissioning.visit import Visit

_CSV = ("step", "title", "result", "seen", "reason", "advice", "duration_ms")
_STYLES = {"pass": "green", "fail": "red", "skipped": "dim"}


def _complete_step_names(incomplete: str) -> list[tuple[str, str]]:
    from csmsctl.commissioning.steps import all_steps

    return [(step.name, step.title) for step in all_steps() if step.name.startswith(incomplete.lower())]


def commissioning_command(
    ctx: typer.Context,
    charge_point: Identity,
    suite: Annotated[
        Literal["quick", "full"] | None,
        typer.Option("--suite", help="Without a person: quick is harmless, full starts transactions and restarts it"),
    ] = None,
    connector: Annotated[
        int, typer.Option("--connector", metavar="N", min=1, help="Connector to test with (1)", show_default=False)
    ] = 1,
    tag: Annotated[
        str | None,
        typer.Option(
            "--tag",
            metavar="TAG",
            help="idTag to start and reserve with (one for this test alone)",
            autocompletion=live_parameter_values("tags"),
        ),
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(
            "--step", metavar="NAME", help="Do this step only; repeatable", autocompletion=_complete_step_names
        ),
    ] = None,
    charge: Annotated[float, duration_parameter_option("--charge", "Let it charge so long (10)", least=0)] = 10.0,
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write the report there; .txt, .json or .md chooses its form",
            autocompletion=file_parameter_values,
        ),
    ] = None,
) -> None:
    """Lead through a new charge point, step by step.

    Link, boot, clock, configuration, triggers, charging, reset, limits, diagnostics. Without --suite it asks for
    what a person has to do: cars, cards, cables. Every step passes, fails with what to do about it, or is skipped
    with the reason. A running transaction is not disturbed, and what a step created is taken away again. Ends with
    0 when nothing failed, 6 when the charge point is not connected.
    """
    run = invocation(ctx)
    form = report_form_of(report) if report is not None else None
    kind: Suite = suite or "guided"
    steps = _chosen_steps(kind, step or [])
    connectors = run.call("charge_point.show", id=charge_point)["connectors"]
    told = {known["connector"] for known in connectors}
    if told - {0} and connector not in told:  # the charge point itself, 0, is told of before its connectors
        raise Failure(NOT_THERE, f"{charge_point} has reported no connector {connector}.")
    if tag is not None:
        run.call("tag.show", id=tag)
    if kind != "quick":
        _commissioning_may_begin(run, kind, charge_point, connectors)

    from csmsctl.commissioning.person import Person
    from csmsctl.commissioning.visit import Visit

    person = Person() if kind == "guided" else None
    visit = Visit(run, charge_point, connector=connector, tag=tag, charge=charge, person=person)
    done, code = _commission(run, visit, kind, steps)
    _show_commissioning(run, done)
    if report is not None and form is not None:
        from csmsctl.display.files import write_lines_to_file

        write_lines_to_file(run.output, report, done.written_as(form))
    unlinked = any(outcome.step.name == "link" and outcome.result == "fail" for outcome in done.outcomes)
    if code != OK:
        run.exit_code = code
    elif done.failed:
        run.exit_code = NOT_CONNECTED if unlinked and not done.charge_point["connected"] else OTHER


def _chosen_steps(suite: "Suite", names: list[str]) -> "list[Step]":
    from csmsctl.commissioning.steps import all_steps

    steps = [one for one in all_steps() if one.quick or suite != "quick"]
    unknown = sorted({name.lower() for name in names} - {one.name for one in steps})
    if unknown:
        there = ", ".join(one.name for one in steps)
        raise Failure(USAGE, f"The suite {suite} has no step {unknown[0]!r}.", f"It has: {there}.")
    return [one for one in steps if not names or one.name in {name.lower() for name in names}]


def _commissioning_may_begin(run: Invocation, suite: "Suite", charge_point: str, connectors: list[Record]) -> None:
    """Raises Failure when nobody is there to lead, or somebody would be disturbed."""
    if suite == "guided" and not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure(
            NOT_CONFIRMED,
            "A guided test asks, and there is no terminal to ask on.",
            "Without a person: --suite quick, which is harmless, or --suite full.",
        )
    running = [known for known in connectors if known["transaction"] is not None]
    if running:
        raise Failure(
            OTHER,
            f"Transaction {running[0]['transaction']} is running on connector {running[0]['connector']} of "
            f"{charge_point}; a test would disturb it.",
            "Wait for its end, or see what is harmless: --suite quick",
        )
    if suite == "full":
        confirm(run.options, f"This starts transactions on {charge_point}, limits and restarts it. Test it?")


def _commission(run: Invocation, visit: "Visit", suite: "Suite", steps: "list[Step]") -> "tuple[Report, int]":
    """The report, and the exit code when the test did not come to its end."""
    from csmsctl.commissioning.commissioning_report import Report, commissioning_step_lines
    from csmsctl.commissioning.runner import Runner

    width = shutil.get_terminal_size().columns if run.output.terminal else None

    def tell(outcome: "Outcome") -> None:
        if run.output.quiet and outcome.result == "fail":
            for line in commissioning_step_lines(outcome, None):
                run.output.warn(line)
        elif not run.options.json and not run.options.csv and not run.output.quiet:
            for line in commissioning_step_lines(outcome, width):
                run.output.text(line, style=_STYLES[outcome.result], flush=True)

    date = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    try:
        record = visit.record()
        before = _deviations_before_commissioning(record)
        runner = Runner(visit, tell)
        runner.run(steps)
        with contextlib.suppress(Failure):  # what was seen is told, whatever became of csmsd meanwhile
            record = visit.record()
    finally:
        visit.leave()
    grown = [
        {"action": action, "field": field, "kind": name, "count": count - before.get((action, field, name), 0)}
        for (action, field, name), count in _deviations_before_commissioning(record).items()
        if count > before.get((action, field, name), 0)
    ]
    done = Report(date, suite, visit.connector, record, runner.outcomes, grown, visit.left_behind)
    return done, runner.code


def _deviations_before_commissioning(record: Record) -> dict[tuple[str, str, str], int]:
    return {(one["action"], one["field"], one["kind"]): one["count"] for one in record["deviations"]}


def _show_commissioning(run: Invocation, done: "Report") -> None:
    from csmsctl.commissioning.commissioning_report import commissioning_closing_lines

    if run.output.documented(done.as_record()):
        return
    if run.options.csv:
        run.output.csv_rows(_CSV, done.as_record()["steps"], headers=run.output.headers)
        return
    if run.output.quiet:
        return
    run.output.text("")
    for line in commissioning_closing_lines(done.as_record()):
        run.output.text(line)
