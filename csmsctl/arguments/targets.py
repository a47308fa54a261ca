"""Which charge points a command is for, as typed."""

import sys
from typing import NamedTuple

from csmsctl.failure import USAGE, Failure

EVERYONE = "*"


class Chosen(NamedTuple):
    """Targets for the daemon. `single` when one identity was named, or is implied, which needs no confirmation."""

    targets: list[str]

    @property
    def single(self) -> bool:
        return len(self.targets) < 2 and not any(map(_target_may_be_several, self.targets))


def choose_targets(words: list[str] | None, *, globs: bool, everyone: bool = False, optional: bool = False) -> Chosen:
    """The targets of a command that needs some; `optional` when its parameters may imply one."""
    found = expand_targets(words, globs=globs)
    if everyone and found:
        raise Failure(USAGE, "--all means every charge point; leave out the others, or --all.")
    if everyone:
        return Chosen([EVERYONE])
    if not found and not optional:
        raise Failure(
            USAGE,
            "No charge point is named.",
            "Name one or more (identity, glob 'north-*', label @north), or use --all. They are: csmsctl cp list",
        )
    return Chosen(found)


def expand_targets(words: list[str] | None, *, globs: bool) -> list[str]:
    """The words with `-` replaced by the identities on standard input, without repetitions.

    An asterisk may belong to an identity; with `globs` it never does.
    """
    found: list[str] = []
    for word in words or []:
        if word != "-":
            found.append(word)
            continue
        identities = sys.stdin.read().split()
        if not identities:
            raise Failure(USAGE, "There are no identities on standard input.")
        found += identities
    return list(dict.fromkeys(map(_plain_glob, found) if globs else found))


def _plain_glob(word: str) -> str:
    """`[D]E*` matches what `DE*` does, and can be no identity."""
    return f"[{word[0]}]{word[1:]}" if "*" in word and word[0].isalnum() else word


def _target_may_be_several(word: str) -> bool:
    return word.startswith("@") or any(letter in word for letter in "*?[")
