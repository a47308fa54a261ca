"""What a single setting may be, and what is wrong with one that cannot be used."""

import os
from pathlib import Path


class SettingsError(Exception):
    """A setting that cannot be used: where it stands and what is wrong with it."""


def parse_address_setting(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT`, `:PORT` or `PORT`. Raises ValueError."""
    host, separator, port = text.rpartition(":")
    if not separator:
        host = ""
    if not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - every interface is what no host means


def problem_of_executable_setting(command: str) -> str | None:
    """Why the command cannot be run; None when it can."""
    path = Path(command)
    if not path.is_absolute():
        return f"{command!r} is not an absolute path"
    if not path.is_file() or not os.access(path, os.X_OK):
        return f"{command!r} is no file that can be run"
    return None
