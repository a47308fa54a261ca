"""Passwords on a command line: the file that has it, since everybody on the machine can read command lines."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from csmsctl.arguments.shared_parameters import file_parameter_values
from csmsctl.failure import USAGE, Failure

PasswordFile = Annotated[
    str | None,
    typer.Option(
        "--password-file", metavar="FILE|-", help="Read the password from there", autocompletion=file_parameter_values
    ),
]


def password_of_file(file: str | None) -> str | None:
    """The password from a file or standard input, typed blindly on a terminal; None where no file is named.

    Raises Failure, OSError.
    """
    if file is None:
        return None
    if file != "-":
        text = Path(file).read_text("utf-8")
    elif sys.stdin.isatty():
        from getpass import getpass

        text = getpass("Password: ")
    else:
        text = sys.stdin.read()
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise Failure(USAGE, "The password is empty.")
    return text
