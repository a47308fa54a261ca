"""The identity of a charge point: which texts may be one, and how it stands in the URL (J 3.1.1)."""

import re
from urllib.parse import unquote

MAX_IDENTITY = 48
# Characters that no shell, terminal or file name trips over, beginning with a letter or digit.
IDENTITY = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:*+=~-]{{0,{MAX_IDENTITY - 1}}}\Z")

# What stands before the identity in the URL: one that names nothing else has none.
NO_IDENTITY = "ocpp"
_DIGITS = re.compile("([0-9]+)")

IDENTITY_RULE = f"1 to {MAX_IDENTITY} letters, digits and . _ : * + = ~ - beginning with a letter or digit"


def is_identity(text: str) -> bool:
    """Whether the text may name a charge point."""
    return IDENTITY.match(text) is not None


def fold(identity: str) -> str:
    """Identities (and idTags) that differ only in case are one: the key they are looked up by.

    So are idTags that differ in blanks before and behind them, which some card readers add; those inside count.
    """
    return identity.strip().casefold()


def natural_order(text: str) -> list[tuple[int, str]]:
    """The key that sorts identities and idTags as people count: CP2 before CP10, whatever the case."""
    parts = _DIGITS.split(text.strip().casefold())
    # Of two numbers the longer one is higher; however long they are, none of them is calculated.
    return [(len(part.lstrip("0")), part.lstrip("0")) if at % 2 else (-1, part) for at, part in enumerate(parts)]


def identity_from_path(target: str) -> str | None:
    """The identity in a request target: its last segment, decoded once; None when there is no valid one.

    The query is dropped and empty segments (`//`, a trailing `/`) do not count.
    """
    named = _last_segment(target)
    return named if named is not None and is_identity(named) and named.casefold() != NO_IDENTITY else None


def fault_of_identity_in_path(target: str) -> str | None:
    """Why the last segment, which names something, names no charge point: `60 characters, 48 at most`."""
    named = _last_segment(target)
    if named is None or named.casefold() == NO_IDENTITY or is_identity(named):
        return None
    if len(named) > MAX_IDENTITY:
        return f"{len(named)} characters, {MAX_IDENTITY} at most"
    return "it has characters that no identity has"


def _last_segment(target: str) -> str | None:
    path = target.partition("?")[0].partition("#")[0]
    segments = [segment for segment in path.split("/") if segment]
    return unquote(segments[-1], errors="replace") if segments else None
