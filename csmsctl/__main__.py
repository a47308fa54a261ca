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
    signal.signal(signal.SIGTERM, _terminate_main)
    # A closed descriptor (`>&-`) is None to Python. Nothing is read from it, and what is written there goes nowhere;
    # standard input first, or a file that is opened later would be it.
    sys.stdin = sys.stdin or Path(os.devnull).open()  # noqa: SIM115
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    # Start-up makes many objects and no garbage: to look for some all the time costs more than it brings.
    gc.set_threshold(50_000)
    code = _flush_main_output(run_main(sys.argv[1:]))
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    # Nothing is open any more; taking the interpreter apart would take as long as what most commands do.
    os._exit(code)


def run_main(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code; errors are printed."""
    from csmsctl.arguments.global_options import extract_global_options, split_global_options, wants_json_globally
    from csmsctl.command_line import carry_out_command_line, failure_of_command_line, is_foreseen_on_command_line
    from csmsctl.display.output import output_failure

    try:
        if arguments[:1] == ["__complete"]:
            from csmsctl.completion import print_completions

            print_completions(list(arguments[1:]))
            return OK
        options, rest = extract_global_options(arguments)

        from csmsctl.invocation import Invocation

        invocation = Invocation(options)
        if not os.path.exists(f"/usr/share/zoneinfo/{os.environ.get('TZ', '')}"):  # noqa: PTH110 - at every start
            _tell_of_no_time_zone(invocation)
        return carry_out_command_line(invocation, rest)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`).
        _drop_main_output()
        return OK
    except Exception as error:
        if not is_foreseen_on_command_line(error) and {"-v", "--verbose"}.intersection(arguments):
            raise
        failure = failure_of_command_line(error)
        if split_global_options(arguments)[1][:1] == ["check"]:
            # Its exit codes are those of monitoring plugins, also where the command line makes no sense.
            from csmsctl.arguments.global_options import GlobalOptions
            from csmsctl.commands.check import report_check_failure
            from csmsctl.invocation import Invocation

            return report_check_failure(Invocation(GlobalOptions(json=wants_json_globally(arguments))), failure)
        output_failure(failure, as_json=wants_json_globally(arguments))
        if isinstance(error, OSError):
            _flush_or_drop_main_output()
        return failure.code


def _tell_of_no_time_zone(invocation: "Invocation") -> None:
    """The system takes a TZ that it does not know for UTC, without a word."""
    from csmsd.runtime.time_zones import unknown_local_zone

    unknown = unknown_local_zone()
    if unknown is not None:
        invocation.output.note(f"TZ={unknown} is no time zone that is known here: local times are those of UTC.")


def _terminate_main(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def _flush_main_output(code: int) -> int:
    """Writes out what is left; a full disk is an error of the command, a closed pipe is not."""
    from csmsctl.command_line import failure_of_command_line
    from csmsctl.display.output import output_failure

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_main_output()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            output_failure(failure_of_command_line(error), as_json="--json" in sys.argv)
        _drop_main_output()
        return code or OTHER
    return code


def _flush_or_drop_main_output() -> None:
    """It may have been another file that could not be written."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _drop_main_output()


def _drop_main_output() -> None:
    """What is still buffered goes nowhere, so that the interpreter does not try again on its way out."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass


if __name__ == "__main__":
    main()
