"""`batch`: one command a line."""

import os
from codecs import BOM_UTF8
from collections.abc import Iterator
from functools import cache
from typing import Annotated

import typer

from csmsctl.arguments.shared_parameters import file_parameter_values
from csmsctl.failure import OTHER, SOME_FAILED, USAGE, Failure
from csmsctl.invocation import invocation
from csmsctl.lines.shell_words import is_skipped_line
from csmsctl.link.connection import MAX_LINE

_PIECE = 65_536


def batch_command(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="The lines; - reads them", autocompletion=file_parameter_values)
    ],
    parallel: Annotated[
        int,
        typer.Option("--parallel", metavar="N", min=1, max=200, help="So many lines at once (32)", show_default=False),
    ] = 32,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Begin no more lines after the first failure")] = False,
) -> None:
    """Run many commands, one a line, and print a line of JSON for each.

    A line is what would stand after csmsctl, in quotes where a shell needs them (JSON needs none), or a JSON object
    whose keys are the names of options and arguments. Blank lines and lines that begin with # are skipped.

    \b
      tag add A1B2C3 --note 'Ms Jones'
      {"command":"remote-start","targets":["CP1"],"tag":"A1B2C3","connector":1}

    Results come in the order of the lines, each with line, command, exit_code, result (what the command prints with
    --json) and error. Lines of the same command that name different charge points, idTags and so on run at the same
    time; any other waits until those before it are done. --parallel 1 runs one after the other. What asks for
    confirmation needs --yes, in its line or for all of them. A csmsd that is restarted meanwhile is waited for, not
    longer than for an answer; nothing is sent a second time. Ends with 9 when a line failed.
    """
    # Loaded only here: the help and the other commands do without threads.
    from csmsctl.batch.line import Line, line_without_standard_input, options_for_lines
    from csmsctl.batch.runner import Runner
    from csmsctl.link.shared_client import SharedClient
    from csmsctl.tree import tree_root

    run = invocation(ctx)
    if run.options.csv:
        raise Failure(USAGE, "The results of a batch are JSON.", "Leave out --csv.")
    options, tree = options_for_lines(run.options), tree_root()
    shared = SharedClient(run.options.socket, run.options.timeout)

    @cache
    def is_identity(word: str) -> bool:
        try:
            found = shared.part(run.options.timeout).call("charge_point.list", {"targets": [word]})
        except Failure:
            return False
        return [one["id"].casefold() for one in found["charge_points"]] == [word.casefold()]

    lines = (Line(number, text, options, tree, is_identity) for number, text in numbered_batch_lines(file))
    done = failed = skipped = last = 0
    ended = ""

    def show(line: Line) -> None:
        nonlocal done, failed, skipped, last
        assert line.result is not None
        last = line.number
        done += line.result["exit_code"] == 0
        failed += line.failed
        skipped += line.result["exit_code"] is None
        run.output.line(line.result, flush=False)

    with line_without_standard_input():
        runner = Runner(lines, shared, parallel=parallel, fail_fast=fail_fast)
        try:
            for line in runner.finished(run.output.flush):
                show(line)
        except (KeyboardInterrupt, SystemExit):  # Ctrl-C, and SIGTERM
            for line in runner.interrupted():
                show(line)
            ended = f"; interrupted: of the lines after {last} none was begun" if last else ""
            raise
        except BrokenPipeError as error:
            message = "Nobody reads the results any more; the lines that follow were not all run."
            raise Failure(OTHER, message, "See what was done: csmsctl task list") from error
        finally:
            shared.close()
            if done or failed or skipped:
                run.output.note(f"{done} done, {failed} failed" + (f", {skipped} not run" if skipped else "") + ended)
    if failed:
        run.exit_code = SOME_FAILED


def numbered_batch_lines(file: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that have something to say, as soon as each is complete. Raises Failure."""
    number, rest = 0, b""
    name = "Standard input" if file == "-" else file
    try:
        # Without a buffer of Python's: a thread that waits in one would be in the way of the end of the process.
        with os.fdopen(os.dup(0) if file == "-" else os.open(file, os.O_RDONLY), "rb", buffering=0) as source:
            while piece := source.read(_PIECE):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    number += 1
                    if not is_skipped_line(line.removeprefix(BOM_UTF8)):
                        yield number, line
                if len(rest) > MAX_LINE:
                    raise Failure(USAGE, f"Line {number + 1} is longer than {MAX_LINE} bytes.")
    except OSError as error:
        raise Failure(USAGE, f"{name} cannot be read: {error.strerror}.") from error
    if not is_skipped_line(rest.removeprefix(BOM_UTF8)):
        yield number + 1, rest
