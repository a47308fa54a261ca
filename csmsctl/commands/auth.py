"""`auth`: what one may do, and by which socket."""

from typing import Annotated, Any

import typer

from csmsctl.failure import DENIED, USAGE, Failure
from csmsctl.groups import LazyGroup
from csmsctl.invocation import invocation

_MAY = {
    "read": "look",
    "reception": "remote start and stop, unlock, idTags, reservations; look",
    "all": "everything",
}


def auth_can_i_command(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="A command, with what belongs to it or not")],
) -> None:
    """Say whether you may give a command, without giving it: exit status 0, or 4 with the group that is missing.

    That goes by the command, not by what it is about; where it depends on options, the most that it may need counts.
    Each line of a batch or of the shell is for itself.
    """
    run = invocation(ctx)
    path, command, rest = _command_meant(ctx, words)
    wanted = _wanted_by(path, command, rest)
    if wanted is None:
        answer: dict[str, Any] = {"allowed": True, "needs": None, "reason": None, "next": None, "peer": None}
    else:
        answer = run.call("access.check", what=" ".join(path), **wanted)
    if run.output.documented({"command": " ".join(path)} | answer):
        run.exit_code = 0 if answer["allowed"] else DENIED
        return
    if not answer["allowed"]:
        raise Failure(DENIED, answer["reason"], answer["next"])
    run.output.text("yes")


# What belongs to the command in question is not for this one.
auth_can_i_command.context_settings = {  # type: ignore[attr-defined]
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}
auth_can_i_command.takes_command = True  # type: ignore[attr-defined]


def auth_whoami_command(ctx: typer.Context) -> None:
    """Show who csmsd takes you for, by which socket, and what you may do."""
    run = invocation(ctx)
    peer = run.call("access.check")["peer"]
    if run.output.documented({"peer": peer}):
        return
    run.output.fields(
        [
            ("user", str(peer["user"])),
            ("uid", str(peer["uid"])),
            ("socket", peer["socket"]),
            ("its group", peer["group"]),
            ("you may", _MAY.get(peer["right"], peer["right"])),
        ]
    )


def _command_meant(ctx: typer.Context, words: list[str]) -> tuple[list[str], Any, list[str]]:
    """The names that lead to the command, itself, and what follows."""
    context: Any = ctx.find_root()
    command: Any = context.command
    path: list[str] = []
    rest = list(words)
    while isinstance(command, LazyGroup):
        if not rest:
            raise Failure(USAGE, f"{' '.join(path)} is a group; it has {', '.join(command.list_commands(context))}.")
        by_default = command.default is not None and rest[0] not in command.list_commands(context)
        name = str(command.default) if by_default else rest.pop(0)
        context = command.context_of(context, name)
        command = context.command
        path.append(name)
    return path, command, rest


def _wanted_by(path: list[str], command: Any, rest: list[str]) -> dict[str, list[str]] | None:
    """What csmsd is to be asked about; None: the command does without it."""
    if command.operation is not None:
        return {"commands": [command.operation]}
    if path == ["rpc"] and rest:
        return {"methods": rest[:1]}
    return None if command.calls is None else {"methods": list(command.calls)}
