"""Which limits held while a transaction ran: its charge point's profiles as they were then, from the commands of the
time, through the composite schedule (C 3.13)."""

import json
from contextlib import suppress

import msgspec

from csmsd.control.explanation.facts import Facts
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import read_payload_value
from csmsd.profiles.core.remote_start_transaction import RemoteStartTransactionReq
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfileReq
from csmsd.profiles.smart_charging.composite_schedule import (
    Moment,
    Period,
    Running,
    Supply,
    compose_schedule,
    rounded_schedule_limit,
)
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfiles, profile_installed_now
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileReq
from csmsd.profiles.task import Task

ACTIONS = ("SetChargingProfile", "ClearChargingProfile", "RemoteStartTransaction")

# IEC 61851-1: a vehicle is offered 6 A or nothing. A limit below that stops it.
LEAST_AMPERES = 6


class Limit(msgspec.Struct, frozen=True):
    """From `start` to `end` that much was allowed; None: nothing limited it. `because` names the profiles."""

    start: Milliseconds
    end: Milliseconds
    limit: float | None
    unit: str
    because: str
    stops: bool = False  # no vehicle can charge with so little

    @property
    def text(self) -> str:
        if self.limit is None:
            return "no profile limits it"
        number = int(self.limit) if self.limit == int(self.limit) else self.limit
        return f"{number} {self.unit} by {self.because}"


def limits_held(facts: Facts, started_by: Task | None) -> list[Limit]:
    """The limits from the beginning to the end; nothing where no profile ever said anything about it."""
    book = InstalledProfiles()
    transaction, begin, end = facts.transaction, facts.began, max(facts.end, facts.began + 1)
    running = {transaction.connector: Running(transaction.id, begin)}
    connectors = tuple(sorted({*facts.connectors, transaction.connector} - {0}))
    found: list[Limit] = []
    since = begin
    for task in [*sorted(facts.profile_tasks, key=_time), None]:
        until = end if task is None else max(begin, min(_time(task), end))
        if until > since:
            outlook = Outlook(
                [record.source() for record in book.of(transaction.charge_point) if not record.pending],
                Moment(since, running, connectors, Supply(facts.voltage)),
                {},
            )
            periods = compose_schedule(
                outlook.sources, transaction.connector, since, until, outlook.unit, outlook.moment
            )
            for period in periods:
                _append(found, _limit(period, outlook.unit, facts))
            since = until
        if task is not None:
            with suppress(OcppError):  # sent by force, and not what the specification has
                _replay(book, task, facts, started_by)
    return found if any(limit.limit is not None for limit in found) else []


def at(found: list[Limit], time: Milliseconds, around: Milliseconds) -> Limit | None:
    """The lowest limit that held within `around` of a moment."""
    near = [limit for limit in found if limit.start - around <= time < limit.end + around and limit.limit is not None]
    return min(near, key=lambda limit: limit.limit or 0, default=None)


def _time(task: Task) -> Milliseconds:
    return task.settled_at or task.created_at


def _replay(book: InstalledProfiles, task: Task, facts: Facts, started_by: Task | None) -> None:
    """What the charge point had after a command, as far as it confirmed it."""
    request = json.loads(task.request)
    if task.action == "ClearChargingProfile":
        cleared, _ = read_payload_value(ClearChargingProfileReq, request)
        if task.status in ("Accepted", "Unknown"):
            book.clear(
                task.charge_point,
                id=cleared.id,
                connector=cleared.connector_id,
                purpose=cleared.charging_profile_purpose,
                stack_level=cleared.stack_level,
            )
        return
    if task.outcome != "accepted":
        return
    if task.action == "SetChargingProfile":
        given, _ = read_payload_value(SetChargingProfileReq, request)
        connector, profile = given.connector_id, given.cs_charging_profiles
    else:
        start, _ = read_payload_value(RemoteStartTransactionReq, request)
        if start.charging_profile is None or started_by is None or task.id != started_by.id:
            return  # it belongs to another transaction
        connector, profile = facts.transaction.connector, start.charging_profile
        profile.transaction_id = facts.transaction.id
    name = facts.profile_name(profile.charging_profile_id)
    book.accept(profile_installed_now(task.charge_point, connector, profile, _time(task), name=name))


def _limit(period: Period, unit: str, facts: Facts) -> Limit:
    value = None if period.limit is None else rounded_schedule_limit(period.limit)
    because = " and ".join(
        f"{cause.source.name or f'profile {cause.source.profile.charging_profile_id}'} "
        f"({cause.source.profile.charging_profile_purpose}, level {cause.source.profile.stack_level})"
        for cause in period.because
    )
    stops = False
    if value is not None:
        least = LEAST_AMPERES * (1 if unit == "A" else facts.voltage * (period.phases or 3))
        stops = value < max(least, period.minimum or 0)
    return Limit(period.start, period.end, value, unit, because, stops)


def _append(found: list[Limit], limit: Limit) -> None:
    """Equal neighbours are one: a profile that was sent again changed nothing."""
    last = found[-1] if found else None
    if last is not None and (last.limit, last.unit, last.because) == (limit.limit, limit.unit, limit.because):
        found[-1] = msgspec.structs.replace(last, end=limit.end)
    else:
        found.append(limit)
