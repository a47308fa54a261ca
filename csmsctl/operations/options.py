"""The options of every command that is sent to charge points: to which, how, and how long it is kept or followed."""

from typing import Annotated

import typer

from csmsctl.arguments.optional_values import OptionalValue
from csmsctl.arguments.when import is_duration, parse_duration

AllOption = Annotated[bool, typer.Option("--all", help="Every registered charge point")]
Parallel = Annotated[
    int, typer.Option("--parallel", metavar="N", min=1, max=1000, help="So many at once (8)", show_default=False)
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Send no more after the first failure")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print targets and messages, send nothing")]
DEFAULT_QUEUE = "24h"
LONGEST_QUEUE = "366d"


def _ttl(text: str | None) -> str | None:
    """Checked while the command line is read."""
    if text is not None:
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        if not 1 <= seconds <= parse_duration(LONGEST_QUEUE):
            raise typer.BadParameter(f"A command is queued for 1s to {LONGEST_QUEUE}, not for {text}.")
    return text


def _ttls(incomplete: str) -> list[str]:
    return [text for text in ("15m", "2h", "24h", "3d") if text.startswith(incomplete)]


Queue = Annotated[
    str | None,
    typer.Option(
        "--queue",
        metavar="[TTL]",
        help=f"Keep it for those not connected: 90s, 15m, 2h, 3d ({DEFAULT_QUEUE})",
        show_default=False,
        callback=_ttl,
        autocompletion=_ttls,
    ),
]
UnlessTransaction = Annotated[
    bool, typer.Option("--unless-transaction", help="Not while a transaction is active there; with --queue, later")
]
QUEUE_VALUE = {"--queue": OptionalValue(DEFAULT_QUEUE, is_duration)}
WaitTimeout = Annotated[
    float | None,
    typer.Option(
        "--wait-timeout",
        metavar="SECONDS",
        min=0.1,
        max=31_622_400,
        help="With --wait: longest wait for the effect",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Send it even when a check here speaks against it")]
