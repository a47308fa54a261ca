"""Who may do what: each right has those before it, and each socket gives one (docs/security.md, "Local rights")."""

import grp
import os
from typing import Any, Literal

import msgspec

from csmsd.settings.sections import Door

Right = Literal["read", "reception", "all"]
READ: Right = "read"  # what changes nothing, and sends nothing to a charge point
RECEPTION: Right = "reception"  # remote start and stop, unlock, idTags, reservations
ALL: Right = "all"

_RIGHTS: tuple[Right, ...] = (READ, RECEPTION, ALL)
_NEEDED = {READ: "the right to look", RECEPTION: "the rights of a reception", ALL: "all rights"}
_MEANT_FOR = {READ: "looking only", RECEPTION: "the reception only", ALL: "everything"}


def is_enough(has: Right, needs: Right) -> bool:
    """Whether one who has that right may do what needs this one."""
    return _RIGHTS.index(has) >= _RIGHTS.index(needs)


class Access(msgspec.Struct, frozen=True):
    """The socket that somebody came by, and all that are open."""

    door: Door
    doors: tuple[Door, ...]

    def allows(self, needs: Right) -> bool:
        return is_enough(self.door.right, needs)

    def refusal(self, what: str, needs: Right) -> str:
        """What speaks against it."""
        return f"{what} needs {_NEEDED[needs]}; {self.door.path} is for {_MEANT_FOR[self.door.right]}."

    def help(self, needs: Right) -> str:
        """How to come by the right: the narrowest socket that has it, and its group."""
        enough = next(door for door in self.doors if is_enough(door.right, needs))
        if not is_group(enough.group):
            return f"Who may open {enough.path} may; see docs/security.md."
        return (
            f'Members of group {enough.group} may, through {enough.path}: sudo usermod -aG {enough.group} "$USER", '
            "then log in again."
        )

    def view(self) -> dict[str, Any]:
        return {"right": self.door.right, "socket": str(self.door.path), "group": self.door.group}


def is_open(door: Door) -> bool:
    """Whether it is to be there: named in the settings, or for a group that is here and csmsd may give a socket to."""
    if door.named or not is_group(door.group):
        return door.named
    return os.geteuid() == 0 or grp.getgrnam(door.group).gr_gid in (os.getegid(), *os.getgroups())


def is_group(name: str) -> bool:
    """Whether there is a group of that name here."""
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
