"""`help`, `version`, `completion`: what stands elsewhere, too, where people look for it."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.groups import LazyGroup
from csmsctl.invocation import invocation

# Where `pip` and packages put them, below the prefix; and their names in our own tree.
_SCRIPTS = {
    "bash": ("share/bash-completion/completions/csmsctl.bash", "csmsctl.bash"),
    "zsh": ("share/zsh/site-functions/_csmsctl", "_csmsctl"),
    "fish": ("share/fish/vendor_completions.d/csmsctl.fish", "csmsctl.fish"),
}


def help_command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="The command", show_default=False)
    ] = None,
) -> None:
    """Show the help of a command, like its --help."""
    run = invocation(ctx)
    context: Any = ctx.find_root()
    for word in words or []:
        if not isinstance(context.command, LazyGroup):
            raise Failure(USAGE, f"{context.command_path} has no commands below it.", f"See: {context.command_path} -h")
        context = context.command.context_of(context, word)
    run.output.lines(context.command.get_help(context).splitlines())


help_command.takes_command = True  # type: ignore[attr-defined]


def version_command(ctx: typer.Context) -> None:
    """Show the version of csmsctl; that of csmsd: csmsctl daemon info."""
    from csmsd import __version__

    run = invocation(ctx)
    if not run.output.documented({"version": __version__}):
        run.output.text(f"csmsctl {__version__}")


def completion_command(
    ctx: typer.Context,
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="bash|zsh|fish", help="The shell")],
) -> None:
    """Print the completions for a shell, to be kept in a file that it reads.

    \b
      bash  ~/.local/share/bash-completion/completions/csmsctl
      zsh   ~/.zfunc/_csmsctl, with fpath+=~/.zfunc before compinit
      fish  ~/.config/fish/completions/csmsctl.fish
    """
    installed, ours = _SCRIPTS[shell]
    places = [Path(sys.prefix) / installed, Path(__file__).parents[2] / "completions" / ours]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise Failure(OTHER, f"The completions for {shell} are not installed with this csmsctl.")
    invocation(ctx).output.lines(found.read_text("utf-8").splitlines())
