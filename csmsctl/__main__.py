"""`csmsctl`: takes the global options out of the command line, runs the command, turns its end into an exit code."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from csmsctl.failure import INTERRUPTED, OK, OTHER, TERMINATED

if TYPE_CHECKING:
    from csmsctl.invocation import Invocation


def main() -> NoReturn:
    """The console script."""
    signal.signal(signal.SIGTERM, _terminate)
    # A closed descriptor (`>&-`) is None to Python. Nothing is read from it, and what is written there goes nowhere;
    # standard input first, or a file that is opened later would be it.
    sys.stdin = sys.stdin or Path(os.devnull).open()  # noqa: SIM115
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    # Start-up makes many objects and no garbage: to look for some all the time costs more than it brings.
    gc.set_threshold(50_000)
    code = _flush(run(sys.argv[1:]))
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    # Nothing is open any more; taking the interpreter apart would take as long as what most commands do.
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code; errors are printed."""
    from csmsctl.arguments.options import extract, split, wants_json
    from csmsctl.command_line import carry_out, failure_of, is_foreseen
    from csmsctl.display.output import report

    try:
        if arguments[:1] == ["__complete"]:
            from csmsctl.completion import print_completions

            print_completions(list(arguments[1:]))
            return OK
        options, rest = extract(arguments)

        from csmsctl.invocation import Invocation

        invocation = Invocation(options)
        if not os.path.exists(f"/usr/share/zoneinfo/{os.environ.get('TZ', '')}"):  # noqa: PTH110 - at every start
            _tell_of_no_time_zone(invocation)
        return carry_out(invocation, rest)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`).
        _drop_output()
        return OK
    except Exception as error:
        if not is_foreseen(error) and {"-v", "--verbose"}.intersection(arguments):
            raise
        failure = failure_of(error)
        if split(arguments)[1][:1] == ["check"]:
            # Its exit codes are those of monitoring plugins, also where the command line makes no sense.
            from csmsctl.arguments.options import GlobalOptions
            from csmsctl.commands.check import report_check_failure
            from csmsctl.invocation import Invocation

            return report_check_failure(Invocation(GlobalOptions(json=wants_json(arguments))), failure)
        report(failure, as_json=wants_json(arguments))
        if isinstance(error, OSError):
            _drop_output()
        return failure.code


def _tell_of_no_time_zone(invocation: "Invocation") -> None:
    """The system takes a TZ that it does not know for UTC, without a word."""
    from csmsd.time_zones import unknown_local_zone

    unknown = unknown_local_zone()
    if unknown is not None:
        invocation.output.note(f"TZ={unknown} is no time zone that is known here: local times are those of UTC.")


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def _flush(code: int) -> int:
    """Writes out what is left; a full disk is an error of the command, a closed pipe is not."""
    from csmsctl.command_line import failure_of
    from csmsctl.display.output import report

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            report(failure_of(error), as_json="--json" in sys.argv)
        _drop_output()
        return code or OTHER
    return code


def _drop_output() -> None:
    """What is still buffered goes nowhere, so that the interpreter does not try again on its way out."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass


if __name__ == "__main__":
    main()
