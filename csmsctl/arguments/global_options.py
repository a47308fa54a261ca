"""The global options: taken out of the command line wherever they stand, before Typer sees it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

from csmsctl.failure import USAGE, Failure
from csmsctl.link.socket_paths import default_socket_path

Color = Literal["auto", "always", "never"]
HELP_OPTIONS = ("--help", "-h")
COLORS: tuple[Color, ...] = ("auto", "always", "never")

# Option: (metavar, help). Help, manual and completion are made from these.
VALUED = {
    "--socket": ("PATH", "Socket of the daemon (environment: CSMS_SOCKET)"),
    "--timeout": ("DURATION", "Longest wait for an answer: 90s, 5m, seconds when bare (30)"),
    "--locale": ("NAME", "CSV for a spreadsheet: de, fr, gb … (environment: CSMS_LOCALE)"),
    "--color": ("auto|always|never", "Colours and tables; auto: on a terminal"),
}
FLAGS = {
    "--json": "Print one JSON document, streams as JSON Lines",
    "--csv": "Print rows as CSV",
    "--no-headers": "Leave out the line of column titles",
    "--no-pager": "Never pipe long tables into a pager",
    "--yes": "Do not ask for confirmation",
    "--glob": "A target with * is a glob, also where identities have asterisks",
    "-q, --quiet": "Print nothing about what went well: only what was asked for, and errors",
    "-v, --verbose": "Say more on standard error",
}
_NAMES = {name.strip(): flag.split(",")[-1].strip() for flag in FLAGS for name in flag.split(",")}


@dataclass
class GlobalOptions:
    """What the global options say."""

    socket: Path = field(default_factory=default_socket_path)
    timeout: float = 30.0
    patience: float | None = None  # --timeout where it was given: for what is otherwise waited for without end
    color: Color = "auto"
    json: bool = False
    csv: bool = False
    locale: str | None = None  # of CSV; none: commas, points, UTC
    headers: bool = True
    pager: bool = True
    yes: bool = False
    globs: bool = False
    quiet: bool = False
    verbose: bool = False


def wants_json_globally(arguments: Sequence[str]) -> bool:
    """Whether JSON is asked for among the arguments; for errors in the others."""
    before = list(arguments[: list(arguments).index("--")]) if "--" in arguments else list(arguments)
    forms = [after for name, after in pairwise(before) if name in ("-o", "--format")]
    return "--json" in before or "-ojson" in before or forms[-1:] in (["json"], ["jsonl"])


def extract_global_options(
    arguments: Sequence[str], given_before: GlobalOptions | None = None
) -> tuple[GlobalOptions, list[str]]:
    """The global options, and the arguments without them. What stands after `--` is left alone.

    `--note=--json` is one argument and none of ours; that is how a value gets past that looks like one.
    A line of the shell has those `given_before`, with the shell itself, unless it says something else.
    """
    given, rest = split_global_options(arguments)
    options = GlobalOptions() if given_before is None else replace(given_before)
    environment = os.environ.get("CSMS_SOCKET")
    if environment and given_before is None:
        options.socket = Path(environment)
    if given_before is None and os.environ.get("CSMS_LOCALE"):
        _apply_global_option(options, "--locale", os.environ["CSMS_LOCALE"])
    if {"--json", "--csv"} <= {name for name, _ in given}:
        raise Failure(USAGE, "--json and --csv exclude each other.")
    for name, value in given:
        _apply_global_option(options, name, value)
    return options, rest


def split_global_options(arguments: Sequence[str]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The global options with their values (None: it is missing), and all other arguments."""
    given: list[tuple[str, str | None]] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return given, [*rest, argument, *waiting]
        name, equals, value = argument.partition("=")
        if name in VALUED:
            given.append((name, value if equals else waiting.pop(0) if waiting else None))
        elif argument in _NAMES:
            given.append((_NAMES[argument], None))
        elif len(argument) > 2 and argument[0] == "-" and set(argument[1:]) <= {"q", "v"}:
            given += [(_NAMES["-" + letter], None) for letter in argument[1:]]
        else:
            rest.append(argument)
    return given, rest


def _apply_global_option(options: GlobalOptions, name: str, value: str | None) -> None:
    if name in VALUED and not value:
        raise Failure(USAGE, f"{name} needs a value.", f"Give it as {name} {VALUED[name][0]}.")
    match name:
        case "--socket":
            options.socket = Path(cast(str, value))
        case "--timeout":
            options.timeout = options.patience = _seconds_of_global_option(cast(str, value))
        case "--color":
            if value not in COLORS:
                raise Failure(USAGE, f"--color knows {', '.join(COLORS)}, not {value!r}.")
            options.color = value
        case "--locale":
            from csmsctl.arguments.locales import LOCALES, locale_named

            if locale_named(cast(str, value)) is None:
                raise Failure(USAGE, f"--locale knows {', '.join(LOCALES)}, not {value!r}.")
            options.locale = value
        case "--json":
            options.json, options.csv = True, False
        case "--csv":
            options.json, options.csv = False, True
        case "--no-headers":
            options.headers = False
        case "--no-pager":
            options.pager = False
        case "--yes":
            options.yes = True
        case "--glob":
            options.globs = True
        case "--quiet":
            options.quiet = True
        case "--verbose":
            options.verbose = True


def _seconds_of_global_option(text: str) -> float:
    from csmsctl.arguments.when_and_duration import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86_400:
        raise Failure(USAGE, f"--timeout wants a length of time such as 90s, more than 0 and at most 1d, not {text!r}.")
    return seconds
