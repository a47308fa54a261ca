"""A command line, run inside this process: that of the process itself, one typed into the shell, one of a batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from csmsctl.failure import INTERRUPTED, OK, OTHER, USAGE, Failure

if TYPE_CHECKING:
    from csmsctl.invocation import Invocation
    from csmsctl.tree import Root


def carry_out_command_line(
    run: "Invocation", arguments: Sequence[str], *, tree: "Root | None" = None, helps: bool = True
) -> int:
    """Runs a command line without its global options, and returns its exit code. Raises whatever the command raises.

    A tree is worth keeping for many lines. Without `helps` there is no `--help`, which would go to standard output.
    """
    import typer

    from csmsctl.arguments.global_options import HELP_OPTIONS
    from csmsctl.tree import tree_root

    command = tree or tree_root()
    if list(arguments) == ["--version"]:
        from csmsd import __version__

        run.output.text(f"csmsctl {__version__}")
        return OK
    try:
        # Not command.main(): it has its own ideas of exit codes, pipes and interrupts.
        names = list(HELP_OPTIONS) if helps else []
        words = list(arguments) or ["--help"]
        with command.make_context("csmsctl", words, obj=run, help_option_names=names) as context:
            command.invoke(context)
        return run.exit_code
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        raise _command_line_usage(error) from error
    finally:
        run.close()


def failure_of_command_line(error: Exception) -> Failure:
    """What to tell of an error that ended a command."""
    match error:
        case Failure():
            return error
        case OSError(filename=None):
            return Failure(OTHER, f"Cannot write the output: {error.strerror or error}.")
        case OSError():
            return Failure(OTHER, f"{error.filename}: {error.strerror}.")
        case UnicodeDecodeError():
            return Failure(USAGE, f"The input is not UTF-8 (byte {error.start}).")
    return Failure(
        OTHER,
        f"This should not happen: {type(error).__name__}: {error}",
        "Repeat it with -v for the details. Are csmsctl and csmsd of one version? csmsctl daemon info",
    )


def is_foreseen_on_command_line(error: Exception) -> bool:
    """Whether `failure_of_command_line` says all there is to say; a traceback tells more of the others."""
    return isinstance(error, Failure | OSError | UnicodeDecodeError)


def _command_line_usage(error: Exception) -> Failure:
    """A usage error as a sentence, with the help page that tells more as the next step."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "csmsctl")
    message = " ".join(message.split())
    return Failure(USAGE, message if message.endswith((".", "?", "!")) else message + ".", f"See: {path} --help")
