"""Asking before something is destroyed."""

import sys

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.display.escape import escape_text
from csmsctl.failure import NOT_CONFIRMED, Failure


def confirm(options: GlobalOptions, question: str) -> None:
    """Returns when the answer is yes, or `--yes` was given; default is No, and without a terminal nobody is asked."""
    if options.yes:
        return
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure(
            NOT_CONFIRMED,
            f"This asks for confirmation, and there is no terminal to ask on: {question}",
            "Repeat it with --yes if it is meant.",
        )
    sys.stderr.write(escape_text(question) + " [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    if answer.strip().casefold() not in ("y", "yes"):
        raise Failure(NOT_CONFIRMED, "Nothing was done.")
