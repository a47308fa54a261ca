"""`shell`: the interactive console."""

import sys

import typer

from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import invocation


def shell_command(ctx: typer.Context) -> None:
    """Open the interactive console: the same commands, with completion, history and the site's live figures.

    Global options given here hold for every line. JSON needs no quotes, and may go over several lines; so may quoted
    text. Tab completes, also from the middle of a name, with identities and what they are doing; the arrow keys find
    earlier lines, Ctrl-R searches them, the right arrow takes what is suggested. Lines with passwords or keys are not
    remembered. Ctrl-C takes back the line, or ends the command that runs; Ctrl-D or exit ends the shell.
    """
    run = invocation(ctx)
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failure(USAGE, "The shell needs a terminal.", "For lines from a file or a pipe: csmsctl batch FILE|-")

    from csmsctl.shell.console import Console

    Console(run.options).run()
