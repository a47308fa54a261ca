"""`config`: the configuration that charge points should have, in a file: exported, compared, applied."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csmsctl.arguments.shared_parameters import Output, Targets, file_parameter_values
from csmsctl.arguments.targets import choose_targets, expand_targets
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text
from csmsctl.failure import NOT_CONNECTED, OK, USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.operations.options import AllOption, DryRun, FailFast, Parallel

if TYPE_CHECKING:
    from csmsctl.desired_state.plan import Plan

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE|-", help="The desired state in TOML, - for standard input", autocompletion=file_parameter_values
    ),
]
Cached = Annotated[bool, typer.Option("--cached", help="Ask nobody: compare with what was reported last")]

_WORDS = {
    "change": "change",
    "reboot_pending": "waits for reboot",
    "read_only": "read-only",
    "unknown": "unknown there",
    "not_reported": "not reported",
}
_OUTCOMES = {"accepted": "changed", "reboot_required": "reboot required", "altered": "altered"}


def _configuration_will_be(record: Record) -> str:
    word = _WORDS[record["state"]]
    if record["state"] == "change" and record["needs_reboot"]:
        word += ", reboot"
    return word if record["connected"] else f"{word}, offline"


def _configuration_plan_style(record: Record) -> str:
    return "red" if record["state"] in ("read_only", "unknown") else "yellow"


def _configuration_result_style(record: Record) -> str:
    return "red" if record["code"] else "yellow" if record["outcome"] == "reboot_required" else "green"


_PLAN = (
    Column("charge_point", "CHARGE POINT"),
    Column("key", "KEY"),
    Column("current", "HAS", folds=True),
    Column("wanted", "SHOULD HAVE", folds=True),
    Column("from", "FROM", wide=True),
    Column("will_be", "PLAN", style=_configuration_plan_style, folds=True),
)
_PLAN_CSV = ("charge_point", "key", "current", "wanted", "from", "state", "needs_reboot", "connected")
_RESULTS = (
    Column("charge_point", "CHARGE POINT"),
    Column("key", "KEY"),
    Column("previous", "HAD", folds=True, wide=True),
    Column("wanted", "SHOULD HAVE", folds=True),
    Column("read_back", "HAS", folds=True),
    Column("shown", "RESULT", style=_configuration_result_style),
    Column("error", "DETAIL", folds=True),
)
_RESULTS_CSV = (
    "charge_point",
    "key",
    "previous",
    "wanted",
    "read_back",
    "outcome",
    "status",
    "verified",
    "error",
    "task",
)


def configuration_export_command(
    ctx: typer.Context,
    targets: Targets = None,
    all_: AllOption = False,
    all_keys: Annotated[bool, typer.Option("--all-keys", help="With the read-only keys, as comments")] = False,
    output: Output = None,
    parallel: Parallel = 8,
) -> None:
    """Print the configuration that charge points have, as a file.

    It is for `config plan` and `config apply`. What most of them have stands in defaults, what those with a label
    have in common below that label, the rest with each charge point. One that is not connected is written as it
    reported its configuration last. Secrets are never written.
    """
    from csmsctl.desired_state.exporting import exported
    from csmsctl.display.files import write_document_to_file, write_lines_to_file

    run = invocation(ctx)
    found = exported(run, choose_targets(targets, globs=run.options.globs, everyone=all_).targets, parallel=parallel)
    if run.options.json:
        write_document_to_file(run.output, output, found.as_record())
    else:
        write_lines_to_file(run.output, output, found.lines(all_keys=all_keys))


def configuration_plan_command(
    ctx: typer.Context,
    file: File,
    targets: Targets = None,
    cached: Cached = False,
    parallel: Parallel = 8,
) -> None:
    """Show how charge points differ from the desired state.

    Each key with what can be done about it. Without TARGET all charge points that the file says something about.
    Ends with 0 when nothing differs, 1 when something does, and with 6, 8 or 9 when nothing differs as far as is
    known, but not all could be asked.
    """
    run = invocation(ctx)
    _show_configuration_plans(run, _configuration_plans(run, file, targets, parallel, cached), file)


def configuration_drift_command(
    ctx: typer.Context,
    file: File,
    targets: Targets = None,
    skip_offline: Annotated[
        bool, typer.Option("--skip-offline", help="Pass over charge points that are not connected")
    ] = False,
    parallel: Parallel = 8,
) -> None:
    """Print what differs from the desired state, and nothing where nothing does.

    For cron. Prints and ends as `config plan` does, without its notes. One that is not connected is compared with
    what it reported last, and told of.
    """
    run = invocation(ctx)
    made = _configuration_plans(run, file, targets, parallel, False)
    if skip_offline:
        made = [one for one in made if one.connected or one.code != NOT_CONNECTED]
    _show_configuration_plans(run, made)


def _configuration_plans(
    run: Invocation, file: str, targets: list[str] | None, parallel: int, cached: bool
) -> "list[Plan]":
    from csmsctl.desired_state.document import read_document
    from csmsctl.desired_state.plan import make_plans

    name = "standard input" if file == "-" else file
    return make_plans(
        run,
        read_document(_configuration_text(file), name),
        expand_targets(targets, globs=run.options.globs) or None,
        parallel=parallel,
        cached=cached,
    )


def _configuration_text(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Failure(USAGE, f"{file} cannot be read: {reason}.") from error


def _show_configuration_plans(run: Invocation, made: "list[Plan]", file: str | None = None) -> None:
    """The differences, and with the name of the file a note that says what to do, or that there are none."""
    from csmsctl.desired_state.plan import plan_code

    run.exit_code = plan_code(made)
    rows = [row for one in made for row in one.rows()]
    if run.output.documented({"differences": rows, "charge_points": [one.summary() for one in made]}):
        return
    _tell_configuration_problems(run, made)
    if run.output.csv:
        run.output.csv_rows(_PLAN_CSV, rows, headers=run.output.headers)
    elif rows:
        run.output.table(_PLAN, [{**row, "will_be": _configuration_will_be(row)} for row in rows])
    if file is None:
        return
    keys = sum(len(one.keys) for one in made)
    if rows:
        how = f" Change them: csmsctl config apply {shlex.quote(file)}" if any(one.changes for one in made) else ""
        run.output.note(f"{len(rows)} of {keys} keys differ.{how}")
    elif made:
        run.output.note(
            f"No difference in {keys} keys of {_counted_charge_points(sum(bool(one.keys) for one in made))}."
        )
    else:
        run.output.note("The file says nothing about these charge points.")


def _tell_configuration_problems(run: Invocation, made: "list[Plan]") -> None:
    for one in made:
        if one.problem is not None:
            since = moment_text(one.reported_at, run.output.terminal)
            compared = f"; compared with what it reported last ({since})" if since else ""
            run.output.warn(f"{one.charge_point}: {one.problem}{compared}.")


def _counted_charge_points(number: int) -> str:
    return f"{number} charge point{'' if number == 1 else 's'}"


def configuration_apply_command(
    ctx: typer.Context,
    file: File,
    targets: Targets = None,
    parallel: Parallel = 8,
    fail_fast: FailFast = False,
    dry_run: DryRun = False,
) -> None:
    """Change what differs from the desired state, and read it back.

    Each key is a ChangeConfiguration of its own. RebootRequired counts as done; `csmsctl status` shows it until the
    charge point has booted again. A value that the charge point accepts and then reports otherwise fails (7).
    """
    from csmsctl.desired_state.applying import apply_code, apply_or_give_up, not_begun_applying
    from csmsctl.desired_state.fleet import for_each_of_fleet

    run = invocation(ctx)
    made = _configuration_plans(run, file, targets, parallel, False)
    if dry_run:
        _show_configuration_plans(run, made, file)
        return
    due = {one.charge_point: one for one in made if one.differences or one.code != OK}
    changing = [one for one in due.values() if one.changes]
    if len(changing) > 1 and not run.options.yes:
        if not run.options.json:
            _show_configuration_plans(run, made)
        confirm(
            run.options,
            f"Change {sum(len(one.changes) for one in changing)} keys of {_counted_charge_points(len(changing))}?",
        )

    try:
        done = for_each_of_fleet(
            run,
            list(due),
            lambda client, identity: apply_or_give_up(client, due[identity]),
            parallel=parallel,
            stop_after=lambda results: fail_fast and any(result["code"] for result in results),
        )
    except KeyboardInterrupt:
        run.output.warn("Interrupted. What was changed stays changed; see: csmsctl config plan")
        raise
    results: list[Record] = []
    for one, found in zip(due.values(), done, strict=True):
        results += [not_begun_applying(one)] if found is None else found
    run.exit_code = apply_code(results, several=len(made) > 1)
    _show_configuration_results(run, results, unchanged=len(made) - len(due))


def _show_configuration_results(run: Invocation, results: list[Record], *, unchanged: int) -> None:
    if run.options.json:
        kept = [{name: value for name, value in result.items() if name != "code"} for result in results]
        run.output.document({"results": kept, "unchanged": unchanged})
        return
    if run.output.csv:
        run.output.csv_rows(_RESULTS_CSV, results, headers=run.output.headers)
        return
    if results:
        run.output.table(_RESULTS, [{**result, "shown": _configuration_result_word(result)} for result in results])
    if unchanged:
        run.output.note(f"{_counted_charge_points(unchanged)} {'was' if unchanged == 1 else 'were'} so already.")
    rebooting = dict.fromkeys(one["charge_point"] for one in results if one["outcome"] == "reboot_required")
    if rebooting:
        run.output.note(f"To put it into effect: csmsctl reset {shlex.join(rebooting)} --type soft")


def _configuration_result_word(result: Record) -> str:
    outcome = str(result["outcome"])
    if outcome == "rejected":
        return str(result["status"])
    return _OUTCOMES.get(outcome, outcome.replace("_", " "))
