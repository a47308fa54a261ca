"""Groups of commands, each loaded when it is asked for, and the Typer command of a function."""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

from csmsctl.arguments.global_options import FLAGS, HELP_OPTIONS, VALUED
from csmsctl.arguments.optional_values import CommandWithOptionalValues


class Entry(NamedTuple):
    """A command: `module:function`, whose signature and docstring say the rest.

    One that runs `alone` has the terminal or the standard streams for itself, and is not for batches. It `calls` these
    methods of csmsd, besides such as only look; None: it does without csmsd.
    """

    where: str
    alone: bool = False
    calls: tuple[str, ...] | None = ()

    def load(self) -> Callable[..., Any]:
        module, _, function = self.where.partition(":")
        loaded: Callable[..., Any] = getattr(import_module(module), function)
        return loaded


class Section(NamedTuple):
    """A group of commands below one name; the `default` is meant where none of them is named."""

    help: str
    entries: dict[str, Entry]
    default: str | None = None


class LazyGroup(TyperGroup):
    """A group that loads a command when it is asked for."""

    entries: dict[str, Entry]
    default: str | None = None

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = build_command_of_entry(cmd_name, entry)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-"):
            self.named(ctx, name)
        return super().resolve_command(ctx, args)

    def named(self, ctx: Any, name: str) -> Any:
        """The command of that name; what is not there is refused with what may have been meant."""
        found = self.get_command(ctx, name)
        if found is None:
            ctx.fail(f"No such command {name!r}.{self._meant(ctx, name)}")
        return found

    def context_of(self, ctx: Any, name: str) -> Any:
        """The context of the command of that name, for what is not carried out; itself is its `command`."""
        return self.named(ctx, name).make_context(name, [], parent=ctx, resilient_parsing=True)

    def _meant(self, ctx: Any, word: str) -> str:
        """What may have been meant: by its meaning, or else by its letters."""
        from csmsctl.arguments.meanings import MEANINGS

        there = self.list_commands(ctx)
        by_meaning = [line for line in MEANINGS.get(word.casefold(), ()) if line.split()[0] in there]
        close = by_meaning or get_close_matches(word, there)
        return f" Did you mean {' or '.join(close)}?" if close else ""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        self.write_panel(ctx, formatter, "Commands", list(self.entries))
        write_global_options_of_groups(formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from csmsctl.examples import examples_of_command

        first = next(iter(self.entries), None)
        example = "csmsctl status" if first is None else examples_of_command(f"{self.name} {first}")[0]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"\b\nExample:\n  {example}")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            ctx.fail(f"The command is missing; there are {', '.join(self.list_commands(ctx))}.")
        if self.default is not None and args and args[0] not in (*self.entries, *HELP_OPTIONS):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def write_panel(self, ctx: Any, formatter: Any, title: str, names: list[str]) -> None:
        """A heading and its commands with their summaries."""
        rows = [(name, summary_in_group(command)) for name in names if (command := self.get_command(ctx, name))]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def write_global_options_of_groups(formatter: Any) -> None:
    """Those that every command has."""
    with formatter.section("Global options, at any position"):
        formatter.write_dl(
            [(f"{name} {metavar}", text) for name, (metavar, text) in VALUED.items()] + list(FLAGS.items())
        )


class Command(CommandWithOptionalValues):
    """A command whose help names the global options, too, and ends with examples."""

    declared_example: str = ""  # in its slice; those of all others are in examples.py
    alone: bool = False
    calls: tuple[str, ...] | None = ()
    operation: str | None = None  # of OCPP, that it gives
    takes_command: bool = False  # what follows is a command line of its own

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        write_global_options_of_groups(formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from csmsctl.examples import examples_of_command

        lines = examples_of_command(ctx.command_path.removeprefix("csmsctl").strip(), self.declared_example)
        with formatter.section("Examples" if len(lines) > 1 else "Example"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def group(kind: type[LazyGroup], name: str, help_text: str, entries: dict[str, Entry]) -> LazyGroup:
    """A group whose commands are loaded one by one."""
    made = kind(name=name, help=help_text, rich_markup_mode=None)
    made.entries = entries
    return made


def build_command_of_entry(name: str, entry: Entry) -> Any:
    """The Typer command of an entry."""
    command = build_command_of_group(name, entry.load())
    command.alone, command.calls = entry.alone, entry.calls
    return command


def build_command_of_group(name: str, function: Callable[..., Any]) -> Any:
    """The Typer command of a function; its attribute `optional_values` names options whose value may be left out."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=Command, context_settings=getattr(function, "context_settings", None))(function)
    command: Any = get_command(app)
    command.optional_values = getattr(function, "optional_values", {})
    command.takes_command = getattr(function, "takes_command", False)
    return command


def summary_in_group(command: Any) -> str:
    """The first sentence of a command's help."""
    first = (command.help or "").strip().split("\n")[0]
    return first.rstrip(".")


def arguments_of_group_command(words: list[str], options: dict[str, Any]) -> list[str]:
    """The words that are neither options, these being the command's by name, nor their values."""
    found: list[str] = []
    skip, ended = False, False
    for word in words:
        if skip:
            skip = False
        elif word == "--" and not ended:
            ended = True
        elif word.startswith("-") and word != "-" and not ended:
            param = options.get(word)
            skip = param is not None and not param.is_flag
        else:
            found.append(word)
    return found


def options_of_group_command(command: Any) -> dict[str, Any]:
    """The options of a command under their names."""
    return {name: param for param in command.params for name in param.opts if name.startswith("-")}
