"""Backups: a copy of the database for the operator who asks for it.

It is written into a file that they have opened and hand over; or it is kept beside the database, read piece by piece,
and gone when they are.
"""

import asyncio
import base64
import os
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.rights import ALL
from csmsd.control.rpc import Caller, Json, Method, RpcError, Table, not_there
from csmsd.control.service import Service
from csmsd.control.views import milestone_view
from csmsd.ports.files import NoRoom
from csmsd.ports.store import DatabaseCopy
from csmsd.profiles.milestone import Milestone

_LONGEST_PIECE = 4 * 1024 * 1024  # as base64 it must fit into a line of the protocol
_LONGEST_WAIT_SECONDS = 1.0


class Copying(msgspec.Struct):
    """A copy of the database that is being made, or is there to be read."""

    copy: DatabaseCopy
    made: asyncio.Task[bool]  # whether it was written into the operator's file
    ended: asyncio.Task[None] | None = None


class Backups(Service):
    """With the copies that are being made, or read: one at most."""

    copy_database: Callable[[], DatabaseCopy]
    under_way: dict[str, Copying] = {}


class Begun(msgspec.Struct, forbid_unknown_fields=True):
    descriptor: bool = False  # that of a file follows, with an empty line


class Named(msgspec.Struct, forbid_unknown_fields=True):
    backup: str


class Piece(msgspec.Struct, forbid_unknown_fields=True):
    backup: str
    offset: Annotated[int, Meta(ge=0, le=2**62)] = 0
    length: Annotated[int, Meta(ge=1, le=_LONGEST_PIECE)] = 1024 * 1024


async def begin_backup(service: Backups, parameters: Begun, caller: Caller) -> Json:
    """One at a time: each keeps the disk busy, and may need as much room as the database."""
    if service.under_way:
        raise RpcError(1, "Another backup is being made.", "Try again when it is done.")
    name = secrets.token_hex(8)
    copy = service.copy_database()
    handed_over = caller.await_descriptor() if parameters.descriptor and caller.await_descriptor else None
    service.under_way[name] = Copying(copy, asyncio.create_task(_make(copy, handed_over), name="backup"))
    caller.subscribe(partial(_let_go, service, name))
    return {"backup": name}


async def _make(copy: DatabaseCopy, handed_over: Awaitable[int | None] | None) -> bool:
    """Where none comes, since something between the two passes on bytes only, it is made to be read."""
    descriptor = await handed_over if handed_over is not None else None
    if descriptor is None:
        await asyncio.to_thread(copy.make)
        return False
    await asyncio.to_thread(_write_into, copy, descriptor)
    return True


def _write_into(copy: DatabaseCopy, descriptor: int) -> None:
    """Closing it may take long: where its operator has removed the file, that is when the disk lets go of it."""
    try:
        copy.write_into(descriptor)
    finally:
        os.close(descriptor)


def _end_backup(service: Backups, name: str) -> "asyncio.Task[None] | None":
    """Also in the middle of it: the file goes when its thread has let go of it. Returns what is done then."""
    copying = service.under_way.get(name)
    if copying is None:
        return None
    copying.copy.cancel()
    if copying.ended is None:
        copying.ended = asyncio.create_task(_remove_backup(service, name, copying), name="end of backup")
    return copying.ended


def _let_go(service: Backups, name: str) -> None:
    """Its operator has gone, or done with it."""
    _end_backup(service, name)


async def _remove_backup(service: Backups, name: str, copying: Copying) -> None:
    await asyncio.wait({copying.made})
    if not copying.made.cancelled():
        copying.made.exception()  # nobody is left to be told
    try:
        await asyncio.to_thread(copying.copy.remove)
    finally:
        service.under_way.pop(name, None)


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
        return {"made": False, "progress": round(copy.progress, 3), "size": None, "sha256": None, "written": False}
    try:
        written = made.result()
    except NoRoom as error:
        raise RpcError(1, f"There is no room for a backup: {error}.", "Make room in the state directory.") from None
    except OSError as error:
        raise RpcError(1, f"The backup failed: {error}.") from None
    return {"made": True, "progress": 1.0, "size": copy.size, "sha256": copy.sha256 or None, "written": written}


async def read_backup(service: Backups, parameters: Piece, caller: Caller) -> Json:
    copying = _known_backup(service, parameters.backup)
    if not copying.made.done():
        raise RpcError(1, "The copy is not made yet.", "See: backup.wait")
    if copying.made.exception() is None and copying.made.result():
        raise RpcError(1, "The copy is in the file that was handed over.")
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
    if (ended := _end_backup(service, parameters.backup)) is not None:
        await ended
    return {"changed": True, "backup": milestone_view(milestone)}


METHODS: Table[Backups] = {
    "backup.begin": Method(Begun, begin_backup, ALL),
    "backup.wait": Method(Named, wait_for_backup, ALL, goes_on=True),
    "backup.read": Method(Piece, read_backup, ALL, goes_on=True),
    "backup.finish": Method(Named, finish_backup, ALL, goes_on=True),
}
