"""Security events, as they are kept: those that charge points told, and what csmsd itself saw."""

from typing import Literal

import msgspec

from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, given_time
from csmsd.control.service import Service
from csmsd.control.targets import places
from csmsd.control.turns import MOST_TEXT, in_turns, rest_of
from csmsd.ports.listings import SecurityEventFilter
from csmsd.profiles.security.security_events import SecurityEvent


class SecurityEvents(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    types: list[str] | None = None
    source: Literal["charge_point", "csmsd"] | None = None
    since: str | None = None
    until: str | None = None
    limit: Count = 100
    before_id: RowId | None = None


async def list_security_events(service: Service, parameters: SecurityEvents, caller: Caller) -> Json:
    """The newest first, with what csmsd saw just now and has not written yet."""
    wanted = SecurityEventFilter(
        types=parameters.types,
        source=parameters.source,
        since=given_time(parameters.since),
        until=given_time(parameters.until),
        places=places(service.site, parameters.targets),
        before_id=parameters.before_id,
        limit=parameters.limit,
        most_text=MOST_TEXT,
    )
    found = await service.reader.security_events(wanted)
    more = rest_of(found)
    unwritten = {event.id: event for event in service.site.security.events.unwritten if _is_wanted(event, wanted)}
    if found.more or (wanted.limit and len(found) >= wanted.limit):  # what lies behind the page comes with another one
        unwritten = {number: event for number, event in unwritten.items() if number >= found[-1].id}
    merged = sorted(({event.id: event for event in found} | unwritten).values(), key=lambda event: -event.id)
    views = await in_turns(merged[: wanted.limit or None], lambda event: event.described())
    return {"schema_version": SCHEMA_VERSION, "security_events": views} | more


def _is_wanted(event: SecurityEvent, wanted: SecurityEventFilter) -> bool:
    """As the store chooses."""
    return (
        (wanted.types is None or event.type.lower() in {kind.lower() for kind in wanted.types})
        and wanted.source in (None, event.source)
        and (wanted.since is None or event.last_received_at >= wanted.since)
        and (wanted.until is None or event.received_at < wanted.until)
        and (wanted.places is None or wanted.places.has(event.charge_point))
        and (wanted.before_id is None or event.id < wanted.before_id)
    )


METHODS: Table[Service] = {"security_event.list": Method(SecurityEvents, list_security_events, READ)}
