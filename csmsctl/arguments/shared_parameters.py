"""Parameters that many commands share, each with its help and its completion."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from csmsctl.arguments.when_and_duration import parse_duration, parse_when


def live_parameter_values(kind: str) -> Callable[..., list[tuple[str, str]]]:
    """A completion that asks the daemon for values of a kind (control protocol, `complete`)."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from csmsctl.arguments.candidates import live_candidates

        return live_candidates(kind, incomplete, ctx)

    return complete


def file_parameter_values(incomplete: str) -> list[tuple[str, str]]:
    """A completion for file names."""
    from csmsctl.arguments.candidates import file_candidates

    return file_candidates(incomplete)


def when_parameter(text: str | None, *, past: bool = False, end: bool = False) -> str | None:
    """A WHEN as RFC 3339, for the daemon (see `parse_when`)."""
    if text is None:
        return None
    try:
        return parse_when(text, past=past, end=end)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _parameter_values_ahead(incomplete: str) -> list[tuple[str, str]]:
    now = [("now", datetime.now().astimezone().isoformat(timespec="seconds"))]
    return [*now, *((word, "") for word in ("+15m", "+2h", "tomorrow") if word.startswith(incomplete))]


def _parameter_values_back(incomplete: str) -> list[tuple[str, str]]:
    return [(word, "") for word in ("today", "yesterday", "monday", "2h", "1d", "7d") if word.startswith(incomplete)]


def when_parameter_option(name: str, help_text: str, *, past: bool = False, end: bool = False) -> Any:
    """An option that takes a WHEN."""

    def read(text: str | None) -> str | None:
        return when_parameter(text, past=past, end=end)

    return typer.Option(
        name,
        metavar="WHEN",
        help=help_text,
        callback=read,
        autocompletion=_parameter_values_back if past else _parameter_values_ahead,
    )


def duration_parameter_option(name: str, help_text: str, *, least: float = 1, most: float = 31_622_400) -> Any:
    """An option that takes a length of time, in seconds between `least` and `most`."""

    def read(given: Any) -> float:
        found = seconds_parameter(given) if isinstance(given, str) else float(given)
        if not least <= found <= most:
            raise typer.BadParameter(f"{given!r} is not between {least:g} and {most:g} seconds.")
        return int(found) if found == int(found) else found

    return typer.Option(name, metavar="DURATION", help=help_text, parser=read, show_default=False)


def seconds_parameter(text: str) -> float:
    """A length of time in seconds (see `parse_duration`)."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET]...",
        help="Charge points: identity, glob ('north-*'), label (@north), or - to read identities",
        show_default=False,
        autocompletion=live_parameter_values("targets"),
    ),
]
Identity = Annotated[
    str,
    typer.Argument(metavar="CHARGE_POINT", help="Its identity", autocompletion=live_parameter_values("charge_points")),
]
ChargePointOption = Annotated[
    str | None,
    typer.Option(
        "--charge-point",
        metavar="CHARGE_POINT",
        help="Of this one only",
        autocompletion=live_parameter_values("charge_points"),
    ),
]
TagId = Annotated[str, typer.Argument(metavar="TAG", help="The idTag", autocompletion=live_parameter_values("tags"))]
TagOption = Annotated[
    str | None,
    typer.Option("--tag", metavar="TAG", help="With this idTag only", autocompletion=live_parameter_values("tags")),
]
TransactionId = Annotated[
    int,
    typer.Argument(metavar="TRANSACTION", help="Its id", min=1, autocompletion=live_parameter_values("transactions")),
]
TaskId = Annotated[
    int, typer.Argument(metavar="TASK", help="Its number", min=1, autocompletion=live_parameter_values("tasks"))
]
QueuedTaskIds = Annotated[
    list[int],
    typer.Argument(
        metavar="TASK...", help="Their numbers", min=1, autocompletion=live_parameter_values("queued_tasks")
    ),
]
Since = Annotated[str | None, when_parameter_option("--since", "Not before this time", past=True)]
Until = Annotated[
    str | None, when_parameter_option("--until", "Before this time; a day means its end", past=True, end=True)
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write there, all or nothing", autocompletion=file_parameter_values
    ),
]


MOST = 2**31 - 1  # rows that can be asked for (control protocol)
