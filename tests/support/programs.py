"""Executables that tests bring."""

import shlex
import sys
from pathlib import Path


def python_program(file: Path, body: str) -> Path:
    """One in Python, with the environment that it is given and nothing else. The path of our Python may have blanks."""
    python = sys.executable if " " not in sys.executable else f"/usr/bin/env -S '{sys.executable}'"
    file.write_text(f"#!{python} -I\n{body}\n")
    file.chmod(0o755)
    return file


def shell_program(file: Path, *command: str) -> Path:
    """One that runs a command with the arguments that it is given."""
    file.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    file.chmod(0o755)
    return file
