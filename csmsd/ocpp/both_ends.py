"""Configuration keys that csmsd and a charge point have alike: neither is changed at one end alone (W A01, A05)."""

from typing import Literal

_MEANT: dict[str, Literal["key", "profile"]] = {"authorizationkey": "key", "securityprofile": "profile"}


def of_both_ends(name: object) -> Literal["key", "profile"] | None:
    """Which of them is meant, however it is spelled: nobody knows how exactly a charge point reads."""
    return _MEANT.get(letters_of(name))


def letters_of(name: object) -> str:
    """A name without what is no letter or digit of it, in one case."""
    return "".join(filter(str.isalnum, str(name))).casefold()
