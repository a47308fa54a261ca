"""`csmsctl conformance`: runs the cases on this machine and writes the report."""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Annotated

import typer

from csmsctl.arguments.shared_parameters import file_parameter_values
from csmsctl.display.report_forms import report_form_of
from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.invocation import Invocation, invocation

if TYPE_CHECKING:
    from csmsctl.conformance.case import Case, Outcome


def _case_ids(incomplete: str) -> list[tuple[str, str]]:
    from csmsctl.conformance.cases import all_cases

    return [(case.id, case.name) for case in all_cases() if case.id.startswith(incomplete.upper())]


def conformance_command(
    ctx: typer.Context,
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write the abstract of test report there; .txt, .json or .md chooses its form",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="ID", help="Run this case only; repeatable", autocompletion=_case_ids),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="csmsd.toml whose settings the private csmsd is to have (the defaults)",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    parallel: Annotated[
        int,
        typer.Option("--parallel", metavar="N", min=1, max=75, help="So many cases at once (4)", show_default=False),
    ] = 4,
) -> None:
    """Run the certification cases of OCPP 1.6 against a csmsd of its own, and print a line for each.

    It starts a private csmsd on a temporary directory, plays the charge point of each case, lets csmsctl be the
    operator, and checks every message. A csmsd that runs already is not touched. Ends with 0 only when all that was
    run passed.
    """
    run = invocation(ctx)
    form = report_form_of(report) if report is not None else None
    chosen = _chosen_cases(case or [])

    # Loaded only here: the help and the other commands do without asyncio and WebSockets.
    from csmsctl.conformance.conformance_report import conformance_failures, conformance_text_lines
    from csmsctl.conformance.player import play_all_cases
    from csmsctl.conformance.private_csmsd import read_private_settings

    quiet = run.options.json or run.output.quiet
    done = play_all_cases(
        chosen,
        read_private_settings(config),
        parallel=parallel,
        tell=counted_cases(run, len(chosen), quiet=quiet),
    )
    if report is not None and form is not None:
        from csmsctl.display.files import write_lines_to_file

        write_lines_to_file(run.output, report, done.written_as(form))
    if run.output.quiet and not run.options.json:
        for line in [] if done.passed else conformance_failures(done.as_record()):
            run.output.warn(line)
    elif not run.output.documented(done.as_record()):
        run.output.text("")
        run.output.lines(conformance_text_lines(done.as_record()))
    if run.options.verbose:
        for outcome in done.outcomes:
            if not outcome.passed:
                run.output.detail(f"{outcome.case.id}: the conversation")
                for line in outcome.observations.conversation:
                    run.output.detail(line)
    if not done.passed:
        run.exit_code = OTHER


def counted_cases(run: Invocation, cases: int, *, quiet: bool) -> Callable[["Outcome"], None]:
    """Tells of each case as soon as it is done, with how many are done of all."""
    from csmsctl.conformance.conformance_report import conformance_case_line

    done = count(1)

    def tell(outcome: "Outcome") -> None:
        number = next(done)
        if quiet:
            return
        for at, line in enumerate(conformance_case_line(outcome).splitlines()):
            place = f"{number:>{len(str(cases))}}/{cases}" if at == 0 else " " * (2 * len(str(cases)) + 1)
            run.output.text(f"{place}  {line}", style="" if outcome.passed else "red", flush=True)

    return tell


def _chosen_cases(ids: list[str]) -> "list[Case]":
    from csmsctl.conformance.cases import all_cases

    known = {name: case for case in all_cases() for name in (case.id, case.id.removesuffix("_CSMS"))}
    chosen = []
    for wanted in dict.fromkeys(word.upper() for word in ids):
        if wanted not in known:
            raise Failure(
                USAGE,
                f"There is no case {wanted!r}.",
                "They are named as in the test-case document, for example TC_003_CSMS.",
            )
        chosen.append(known[wanted])
    return list(dict.fromkeys(chosen)) or all_cases()
