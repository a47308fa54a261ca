"""The audit: who gave which command through which socket, and who was refused it."""

import asyncio
from contextlib import suppress

import msgspec

from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, given_time
from csmsd.control.service import Service
from csmsd.control.turns import MOST_TEXT, in_turns, rest_of
from csmsd.control.views import time_text
from csmsd.ports.listings import AuditFilter
from csmsd.ports.store import NotStored
from csmsd.profiles.audit import Audited


class Entries(msgspec.Struct, forbid_unknown_fields=True):
    user: str | None = None
    refused: bool | None = None
    since: str | None = None
    until: str | None = None
    limit: Count = 100
    before_id: RowId | None = None


_PATIENCE_SECONDS = 1.0


async def list_audit(service: Service, parameters: Entries, caller: Caller) -> Json:
    """With what came just before, unless the disk is slow or takes nothing."""
    with suppress(NotStored, TimeoutError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await service.live.settled()
    found = await service.reader.audit(
        AuditFilter(
            user=parameters.user,
            refused=parameters.refused,
            since=given_time(parameters.since),
            until=given_time(parameters.until),
            before_id=parameters.before_id,
            limit=parameters.limit,
            most_text=MOST_TEXT,
        )
    )
    return {"schema_version": SCHEMA_VERSION, "audit": await in_turns(found, _audit_view)} | rest_of(found)


def _audit_view(entry: Audited) -> Json:
    return {
        "id": entry.id,
        "time": time_text(entry.time),
        "last_time": time_text(entry.last_time),
        "uid": entry.uid,
        "user": entry.user,
        "socket": entry.socket,
        "command": entry.command,
        "about": entry.about,
        "refused": entry.refused,
        "times": entry.times,
    }


METHODS: Table[Service] = {"audit.list": Method(Entries, list_audit, READ)}
