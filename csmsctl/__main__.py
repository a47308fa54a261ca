"""`csmsctl`: takes the global options out of the command line, runs the command, turns its end into an exit code."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from csmsctl.failure import INTERRUPTED, OK, OTHER, TERMINATED, USAGE, Failure

if TYPE_CHECKING:
    from csmsctl.options import GlobalOptions


def main() -> NoReturn:
    """The console script."""
    signal.signal(signal.SIGTERM, _terminate)
    # A closed descriptor (`>&-`) is None to Python; what is written there goes nowhere.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    sys.exit(_flush(run(sys.argv[1:])))


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code; errors are printed."""
    from csmsctl.options import extract, wants_json
    from csmsctl.output import report

    as_json = wants_json(arguments)
    try:
        if arguments[:1] == ["__complete"]:
            from csmsctl.completion import print_completions

            print_completions(list(arguments[1:]))
            return OK
        options, rest = extract(arguments)
        return _run_command(options, rest)
    except Failure as failure:
        report(failure, as_json=as_json)
        return failure.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`).
        _drop_output()
        return OK
    except OSError as error:
        report(Failure(OTHER, _describe(error)), as_json=as_json)
        _drop_output()
        return OTHER
    except UnicodeDecodeError as error:
        report(Failure(USAGE, f"The input is not UTF-8 (byte {error.start})."), as_json=as_json)
        return USAGE
    except Exception as error:
        if {"-v", "--verbose"}.intersection(arguments):
            raise
        bug = f"This should not happen: {type(error).__name__}: {error}"
        next_step = "Repeat it with -v for the details. Are csmsctl and csmsd of one version? csmsctl daemon info"
        report(Failure(OTHER, bug, next_step), as_json=as_json)
        return OTHER


def _run_command(options: "GlobalOptions", arguments: list[str]) -> int:
    import typer

    from csmsctl.invocation import Invocation
    from csmsctl.tree import root

    invocation = Invocation(options)
    command = root()
    if arguments == ["--version"]:
        from csmsd import __version__

        invocation.output.text(f"csmsctl {__version__}")
        return OK
    try:
        # Not command.main(): it has its own ideas of exit codes, pipes and interrupts.
        with command.make_context("csmsctl", arguments or ["--help"], obj=invocation) as context:
            command.invoke(context)
        return invocation.exit_code
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        raise _usage(error) from error
    finally:
        invocation.close()


def _usage(error: Exception) -> Failure:
    """A usage error as a sentence, with the help page that tells more as the next step."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "csmsctl")
    message = " ".join(message.split())
    return Failure(USAGE, message if message.endswith((".", "?", "!")) else message + ".", f"See: {path} --help")


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def _flush(code: int) -> int:
    """Writes out what is left; a full disk is an error of the command, a closed pipe is not."""
    from csmsctl.output import report

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            report(Failure(OTHER, _describe(error)), as_json="--json" in sys.argv)
        _drop_output()
        return code or OTHER
    return code


def _describe(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return f"Cannot write the output: {error.strerror or error}."


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
