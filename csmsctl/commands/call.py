"""`call`: any operation, raw."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from csmsctl.arguments.json_files import read_json_object
from csmsctl.arguments.shared_parameters import live_parameter_values
from csmsctl.arguments.targets import choose_targets
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import invocation
from csmsctl.operations.options import AllOption, How, sent_everywhere
from csmsctl.operations.request import Request, request_everywhere

if TYPE_CHECKING:
    from csmsd.profiles.action import Operation


def _complete_call_words(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Targets come first; an action may follow at any time."""
    from csmsd.profiles import outgoing

    actions = [(action, "action") for action in sorted(outgoing()) if action.startswith(incomplete)]
    return live_parameter_values("targets")(ctx, incomplete) + actions


Words = Annotated[
    list[str],
    typer.Argument(
        metavar="TARGET... ACTION [JSON|-]",
        help="Charge points, the action as OCPP spells it, and its payload (- reads it; {} when left out)",
        show_default=False,
        autocompletion=_complete_call_words,
    ),
]


@sent_everywhere(queued=True)
def call_command(ctx: typer.Context, words: Words, all_: AllOption = False, *, how: How) -> None:
    """Send any operation with the payload as given.

    The payload is checked against the specification first; --force sends it all the same.
    """
    targets, action, text = split_call_words(words)
    if text == "-" and "-" in targets:
        raise Failure(USAGE, "Standard input cannot be both the identities and the payload.")
    to = choose_targets(targets, globs=invocation(ctx).options.globs, everyone=all_)
    payload = read_json_object(sys.stdin.read() if text == "-" else text, "payload")
    same = _operation_of_call(action)
    request = Request(
        "operation.call",
        {"action": action, "payload": payload},
        how,
        same.asks(payload) if same is not None else None,
        exposed=same.exposed if same is not None else None,
    )
    request_everywhere(invocation(ctx), request, to)


def split_call_words(words: list[str]) -> tuple[list[str], str, str]:
    """Targets, action and payload: the last word is the payload when it begins like JSON or is `-`."""
    *targets, action = words
    text = "{}"
    if action == "-" or action.lstrip()[:1] in ("{", "[", '"'):
        if not targets:
            raise Failure(USAGE, "The action is missing.", """For example: csmsctl call CP1 Reset '{"type":"Soft"}'""")
        text = action
        action = targets.pop()
    if not (action.isascii() and action.isalnum()):
        raise Failure(
            USAGE, f"{action!r} is no action.", "It stands after the targets, for example: call CP1 ClearCache"
        )
    return targets, action, text


def _operation_of_call(action: str) -> "type[Operation] | None":
    """The operator command of the same action: what that asks before is asked here, too."""
    from importlib import import_module

    from csmsd.profiles import operations

    for declared in operations().values():
        outgoing = getattr(import_module(declared.__module__), "OUTGOING", None)
        if outgoing is not None and outgoing.action.casefold() == action.casefold():
            return declared
    return None
