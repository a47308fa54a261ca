"""The options of every command that is sent to charge points: to which, how, and how long it is kept or followed."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, NamedTuple

import typer

from csmsctl.arguments.optional_values import OptionalValue
from csmsctl.arguments.shared_parameters import duration_parameter_option
from csmsctl.arguments.signatures import give_signature
from csmsctl.arguments.when_and_duration import is_duration, parse_duration

AllOption = Annotated[bool, typer.Option("--all", help="Every registered charge point")]
Parallel = Annotated[
    int, typer.Option("--parallel", metavar="N", min=1, max=1000, help="So many at once (8)", show_default=False)
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Send no more after the first failure")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print targets and messages, send nothing")]
DEFAULT_QUEUE = "24h"
LONGEST_QUEUE = "366d"


def _ttl_option(text: str | None) -> str | None:
    """Checked while the command line is read."""
    if text is not None:
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        if not 1 <= seconds <= parse_duration(LONGEST_QUEUE):
            raise typer.BadParameter(f"A command is queued for 1s to {LONGEST_QUEUE}, not for {text}.")
    return text


def _ttl_option_values(incomplete: str) -> list[str]:
    return [text for text in ("15m", "2h", "24h", "3d") if text.startswith(incomplete)]


Queue = Annotated[
    str | None,
    typer.Option(
        "--queue",
        metavar="[TTL]",
        help=f"Keep it for those not connected: 90s, 15m, 2h, 3d ({DEFAULT_QUEUE})",
        show_default=False,
        callback=_ttl_option,
        autocompletion=_ttl_option_values,
    ),
]
UnlessTransaction = Annotated[
    bool, typer.Option("--unless-transaction", help="Not while a transaction is active there; with --queue, later")
]
QUEUE_VALUE = {"--queue": OptionalValue(DEFAULT_QUEUE, is_duration)}
WaitTimeout = Annotated[
    float | None,
    duration_parameter_option("--wait-timeout", "With --wait: longest wait for the effect: 90s, 10m", least=0.1),
]
Force = Annotated[bool, typer.Option("--force", help="Send it even when a check here speaks against it")]


class How(NamedTuple):
    """How a command goes to many charge points: what the options say that all such commands have."""

    parallel: int = 8
    fail_fast: bool = False
    dry_run: bool = False
    force: bool = False
    queue: str | None = None
    unless_transaction: bool = False

    def parameters(self) -> dict[str, Any]:
        """As csmsd takes them; what is not asked for is None."""
        return {
            "parallel": self.parallel,
            "fail_fast": self.fail_fast or None,
            "dry_run": self.dry_run or None,
            "force": self.force or None,
            "queue_s": None if self.queue is None else parse_duration(self.queue),
            "unless_transaction": self.unless_transaction or None,
        }


_TYPES = {
    "parallel": Parallel,
    "fail_fast": FailFast,
    "dry_run": DryRun,
    "force": Force,
    "queue": Queue,
    "unless_transaction": UnlessTransaction,
}
_OF_THE_QUEUE = ("queue", "unless_transaction")


def how_options(*, queued: bool) -> list[inspect.Parameter]:
    """The options that a How is made of, for a signature; those of the queue only where commands can be `queued`."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=How._field_defaults[name])
        for name, kind in _TYPES.items()
        if queued or name not in _OF_THE_QUEUE
    ]


def take_how_options(given: dict[str, Any]) -> How:
    """Takes the How out of what was typed."""
    return How(**{name: given.pop(name) for name in How._fields if name in given})


def sent_everywhere(*, queued: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command that goes to many charge points the options that its parameter `how` is made of."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(**given: Any) -> None:
            function(how=take_how_options(given), **given)

        own = [one for name, one in inspect.signature(function).parameters.items() if name != "how"]
        give_signature(command, [*own, *how_options(queued=queued)])
        command.optional_values = QUEUE_VALUE if queued else {}  # type: ignore[attr-defined]
        return command

    return declare
