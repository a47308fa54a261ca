"""What may stand where a value is typed: what csmsd knows, files, and the choices of an option."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.failure import Failure
from csmsctl.link.client import Client

LETTERS = "csmsctl.letters"  # in the context: what live values must have in them
_PATIENCE = 0.3  # seconds; a shell waits for this with its hands tied

Candidates = list[tuple[str, str]]


def candidates_in_the_case_of(word: str, choices: Iterable[str]) -> list[str]:
    """The choices that the word begins, whatever the case; the letters that were typed stay as they are."""
    return [word + choice[len(word) :] for choice in choices if choice.casefold().startswith(word.casefold())]


def live_candidates(kind: str, prefix: str, context: Any) -> Candidates:
    """Values that the daemon knows; none when it is down or slow."""
    named = context.params.get("targets") or context.params.get("charge_point")
    charge_point = named[0] if isinstance(named, (list, tuple)) and len(named) == 1 else named
    options = context.find_object(GlobalOptions)
    try:
        with Client(options.socket, _PATIENCE) as client:
            answer = client.call(
                "complete",
                {
                    "kind": kind,
                    "prefix": prefix or None,
                    "letters": context.meta.get(LETTERS) or None,
                    "charge_point": charge_point if isinstance(charge_point, str) else None,
                },
            )
    except Failure:
        return []
    return [(str(value), str(text or "")) for value, text in answer.get("values") or []]


def file_candidates(word: str) -> Candidates:
    """Files and directories that begin like the word."""
    directory, _, start = word.rpartition("/")
    shown = directory + "/" if "/" in word else ""
    try:
        entries = sorted(Path(os.path.expanduser(shown) or ".").iterdir())  # noqa: PTH111 - `~/` stays as typed
    except OSError:
        return []
    return [
        (shown + entry.name + ("/" if entry.is_dir() else ""), "")
        for entry in entries
        if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith("."))
    ]
