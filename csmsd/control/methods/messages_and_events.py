"""The log of OCPP messages, and events: listed and followed."""

from collections.abc import Callable
from itertools import count
from typing import Any, get_args

import msgspec

from csmsd.control.log_book import LogBook
from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Count, Json, Method, RowId, Table, given_time, usage
from csmsd.control.service import Service
from csmsd.control.targets import resolve_targets
from csmsd.control.turns import MOST_TEXT, in_turns, rest_of
from csmsd.control.views import message_view, stored_event_view, torn_view
from csmsd.events import EventBus, NumberedEvent
from csmsd.ocpp.identity import fold
from csmsd.profiles.record import EventType


class Feeds(Service):
    """With the log, and where what happens now comes from."""

    log: LogBook
    bus: EventBus
    message_subscribers: dict[int, Callable[[Any], None]]


class Messages(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    since: str | None = None
    until: str | None = None
    limit: Count = 100
    before_id: RowId | None = None
    after_id: RowId | None = None
    oldest: bool = False  # of those that are meant the oldest, not the newest


class Events(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    types: list[str] | None = None
    since: str | None = None
    until: str | None = None
    after: RowId | None = None
    before: RowId | None = None
    limit: Count = 100
    oldest: bool = False


class FollowMessages(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


class FollowEvents(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    types: list[str] | None = None
    after: RowId | None = None


class Subscription(msgspec.Struct, forbid_unknown_fields=True):
    subscription: str


_tickets = count(1)


def _identities_of_messages(service: Feeds, targets: list[str] | None) -> list[str] | None:
    return None if targets is None else [state.id for state in resolve_targets(service.site, targets)]


async def list_messages(service: Feeds, parameters: Messages, caller: Caller) -> Json:
    found = await service.log.messages(
        _identities_of_messages(service, parameters.targets),
        since=given_time(parameters.since),
        until=given_time(parameters.until),
        before_id=parameters.before_id,
        after_id=parameters.after_id,
        oldest=parameters.oldest,
        limit=parameters.limit,
        most_text=MOST_TEXT,
    )
    answer = {"schema_version": SCHEMA_VERSION, "messages": await in_turns(found, message_view)} | rest_of(found)
    return answer | ({"torn": [torn_view(part) for part in found.torn]} if found.torn else {})


async def list_events(service: Feeds, parameters: Events, caller: Caller) -> Json:
    found = await service.log.events(
        _identities_of_messages(service, parameters.targets),
        parameters.types,
        since=given_time(parameters.since),
        until=given_time(parameters.until),
        after=parameters.after,
        before=parameters.before,
        oldest=parameters.oldest,
        limit=parameters.limit,
        most_text=MOST_TEXT,
    )
    return {"schema_version": SCHEMA_VERSION, "events": await in_turns(found, stored_event_view)} | rest_of(found)


async def follow_messages(service: Feeds, parameters: FollowMessages, caller: Caller) -> Json:
    chosen = _identities_of_messages(service, parameters.targets)
    folded = None if chosen is None else {fold(identity) for identity in chosen}

    def take(message: Any) -> None:
        if folded is None or fold(message.charge_point) in folded:
            caller.notify("message", message_view(message))

    ticket = next(_tickets)
    service.message_subscribers[ticket] = take
    return {"subscription": caller.subscribe(lambda: service.message_subscribers.pop(ticket, None) and None)}


async def follow_events(service: Feeds, parameters: FollowEvents, caller: Caller) -> Json:
    chosen = _identities_of_messages(service, parameters.targets)
    folded = None if chosen is None else {fold(identity) for identity in chosen}
    types = [kind for kind in get_args(EventType) if kind in parameters.types] if parameters.types else None

    def wanted(kind: str, charge_point: str | None) -> bool:
        if types is not None and kind not in types:
            return False
        return folded is None or (charge_point is not None and fold(charge_point) in folded)

    def take(event: NumberedEvent) -> None:
        if wanted(event.type, event.charge_point):
            caller.notify("event", event.described())

    last = service.bus.last
    missed: list[Json] = []
    if parameters.after is not None:
        remembered = service.bus.remembered_after(parameters.after)
        if remembered is not None:
            missed = [event.described() for event in remembered if wanted(event.type, event.charge_point)]
            end = service.bus.subscribe(take, types)
        else:
            # Older than memory reaches: from the log. What comes in meanwhile waits behind it.
            waiting: list[NumberedEvent] = []
            hold = service.bus.subscribe(waiting.append, types)
            try:
                stored = await service.log.events(chosen, parameters.types, after=parameters.after)
            finally:
                hold()
            listed = [stored_event_view(event) for event in stored]
            newest = listed[-1]["number"] if listed else parameters.after
            missed = listed + [
                event.described()
                for event in waiting
                if event.number > newest and wanted(event.type, event.charge_point)
            ]
            end = service.bus.subscribe(take, types)
    else:
        end = service.bus.subscribe(take, types)
    subscription = caller.subscribe(end)
    caller.catch_up(missed, last if parameters.after is None else parameters.after)
    return {"subscription": subscription, "last": last}


async def unfollow_messages_or_events(service: Feeds, parameters: Subscription, caller: Caller) -> Json:
    if not caller.unsubscribe(parameters.subscription):
        raise usage(f"No subscription {parameters.subscription} on this connection.")
    return {}


METHODS: Table[Feeds] = {
    "log.list": Method(Messages, list_messages, READ),
    "log.subscribe": Method(FollowMessages, follow_messages, READ),
    "event.list": Method(Events, list_events, READ),
    "event.subscribe": Method(FollowEvents, follow_events, READ),
    "unsubscribe": Method(Subscription, unfollow_messages_or_events, READ),
}
