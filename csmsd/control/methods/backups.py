"""Backups: a copy of the database, read piece by piece by the operator who asked for it, and gone when they are."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.rpc import Caller, Json, Method, NoParameters, RpcError, Table, not_there
from csmsd.control.service import Service
from csmsd.control.views import milestone_view
from csmsd.ports import DatabaseCopy, NoRoom
from csmsd.profiles.milestone import Milestone

_LONGEST_PIECE = 4 * 1024 * 1024  # as base64 it must fit into a line of the protocol
_LONGEST_WAIT_SECONDS = 1.0


class Copying(msgspec.Struct):
    """A copy of the database that is being made, or is there to be read."""

    copy: DatabaseCopy
    made: asyncio.Task[None]


class Backups(Service):
    """With the copies that are being made, or read: one at most."""

    copy_database: Callable[[], DatabaseCopy]
    under_way: dict[str, Copying] = {}


class Named(msgspec.Struct, forbid_unknown_fields=True):
    backup: str


class Piece(msgspec.Struct, forbid_unknown_fields=True):
    backup: str
    offset: Annotated[int, Meta(ge=0, le=2**62)] = 0
    length: Annotated[int, Meta(ge=1, le=_LONGEST_PIECE)] = 1024 * 1024


async def begin_backup(service: Backups, parameters: NoParameters, caller: Caller) -> Json:
    """One at a time: each needs as much room as the database."""
    if service.under_way:
        raise RpcError(1, "Another backup is being made.", "Try again when it is done.")
    name = secrets.token_hex(8)
    copy = service.copy_database()
    service.under_way[name] = Copying(copy, asyncio.create_task(asyncio.to_thread(copy.make), name="backup"))
    caller.subscribe(lambda: _end_backup(service, name))
    return {"backup": name}


def _end_backup(service: Backups, name: str) -> None:
    """Also in the middle of it: the file goes when its thread has let go of it."""
    copying = service.under_way.get(name)
    if copying is None:
        return

    def remove(made: "asyncio.Task[None]") -> None:
        if not made.cancelled():
            made.exception()  # nobody is left to be told
        service.under_way.pop(name, None)
        copying.copy.remove()

    copying.copy.cancel()
    copying.made.add_done_callback(remove)


def _known_backup(service: Backups, name: str) -> Copying:
    copying = service.under_way.get(name)
    if copying is None:
        raise not_there("This backup is over.")
    return copying


async def wait_for_backup(service: Backups, parameters: Named, caller: Caller) -> Json:
    """Answers when the copy is made, and after a second in any case."""
    copying = _known_backup(service, parameters.backup)
    copy, made = copying.copy, copying.made
    await asyncio.wait({made}, timeout=_LONGEST_WAIT_SECONDS)
    if not made.done():
        return {"made": False, "progress": round(copy.progress, 3), "size": None, "sha256": None}
    try:
        made.result()
    except NoRoom as error:
        raise RpcError(1, f"There is no room for a backup: {error}.", "Make room in the state directory.") from None
    except OSError as error:
        raise RpcError(1, f"The backup failed: {error}.") from None
    return {"made": True, "progress": 1.0, "size": copy.size, "sha256": copy.sha256}


async def read_backup(service: Backups, parameters: Piece, caller: Caller) -> Json:
    copying = _known_backup(service, parameters.backup)
    if not copying.made.done():
        raise RpcError(1, "The copy is not made yet.", "See: backup.wait")
    try:
        data = await asyncio.to_thread(copying.copy.read, parameters.offset, parameters.length)
    except OSError as error:
        raise RpcError(1, f"The copy cannot be read: {error}.") from None
    return {"data": base64.b64encode(data).decode()}


async def finish_backup(service: Backups, parameters: Named, caller: Caller) -> Json:
    """The operator has it: that is what `check` counts from."""
    copy = _known_backup(service, parameters.backup).copy
    service.live.require()
    milestone = Milestone(name="backup", at=service.now(), number=copy.size, user=caller.user)
    service.site.milestones["backup"] = milestone
    await service.live.keep([milestone])
    _end_backup(service, parameters.backup)
    return {"changed": True, "backup": milestone_view(milestone)}


METHODS: Table[Backups] = {
    "backup.begin": Method(NoParameters, begin_backup),
    "backup.wait": Method(Named, wait_for_backup),
    "backup.read": Method(Piece, read_backup),
    "backup.finish": Method(Named, finish_backup),
}
