"""Options whose value may be left out: `--queue`, `--queue 2h`, `--queue=2h`, at any position."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from typer.core import TyperCommand


class OptionalValue(NamedTuple):
    """What is meant without a value, and which words after the option are its value: any other is something else."""

    default: str
    fits: Callable[[str], bool]


class CommandWithOptionalValues(TyperCommand):
    """A command whose options of `optional_values` are given their value before the parser sees them."""

    optional_values: dict[str, OptionalValue] = {}

    def attach(self, arguments: Sequence[str]) -> list[str]:
        """The arguments with `--queue` and `--queue 2h` written as `--queue=…`."""
        attached: list[str] = []
        waiting = list(arguments)
        while waiting:
            argument = waiting.pop(0)
            if argument == "--":
                return [*attached, argument, *waiting]
            optional = self.optional_values.get(argument)
            if optional is not None:
                value = waiting.pop(0) if waiting and optional.fits(waiting[0]) else optional.default
                argument = f"{argument}={value}"
            attached.append(argument)
        return attached

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self.attach(args))
