"""Looks up what is known about a transaction: memory, the store's listings, and the log of messages and events."""

import json
from collections.abc import Sequence
from typing import Any

from csmsd.control.explanation.commands import BEFORE_MS, command_moment
from csmsd.control.explanation.facts import Facts, Measured, Presented, Told
from csmsd.control.explanation.limits import ACTIONS
from csmsd.control.log_book import LogBook
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold
from csmsd.ocpp.measurands import over_phases, state_of_charge
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ports.listings import ReservationFilter, TaskFilter
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.energy.verdict import Verdict
from csmsd.profiles.core.metering import metered_number
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.site import Site

_OF_CHARGE_POINT = [
    "connector.status",
    "charge_point.connected",
    "charge_point.disconnected",
    "charge_point.booted",
    "transaction.abandoned",
]
_OF_CSMSD = ["daemon.started", "daemon.stopping", "store.failed", "store.recovered"]
_AFTER_MS = 300_000  # what follows from its end
_LONGEST_IN_QUEUE_MS = 7 * 86_400_000  # of a command that is looked for
_MOST = 5000  # events, and messages, of one transaction
_MOST_TEXT = 16 * 1024 * 1024  # characters of these messages
_AT_ONCE_MS = 2000  # a message is logged before it is handled
_MOST_DOWNS = 50


async def gather_facts(service: Service, log: LogBook, transaction: Transaction) -> Facts:
    """All of it; what is not kept any more is left out, and the facts say so."""
    site, now = service.site, service.now()
    state = site.charge_point(transaction.charge_point)
    verdict = state.running_verdict(transaction) if state is not None else None
    readings = await service.reader.meter_values(transaction.id)
    end = await _end(service, transaction)
    if end is None and transaction.state == "abandoned":  # its charge point was removed: nobody saw more of it
        end = max([transaction.start_time, *(reading.time for reading in readings)])
    end = end or now
    received = transaction.start_received_at
    since = min(transaction.start_time, received) - BEFORE_MS
    until = max(end, transaction.stop_received_at or end) + _AFTER_MS
    own = [transaction.charge_point]
    own_readings = [reading for reading in readings if reading.connector == transaction.connector]

    tasks = await service.reader.tasks(
        TaskFilter(charge_point=transaction.charge_point, since=since - _LONGEST_IN_QUEUE_MS, limit=0)
    )
    about_profiles = [
        task
        for action in ACTIONS
        for task in await service.reader.tasks(
            TaskFilter(charge_point=transaction.charge_point, action=action, limit=0)
        )
        if task.created_at <= until
    ]
    reservation = None
    if transaction.reservation is not None:
        found = await service.reader.reservations(
            ReservationFilter(charge_point=transaction.charge_point, number=transaction.reservation, limit=1)
        )
        reservation = found[0] if found else None
    events = [
        *await log.events(own, _OF_CHARGE_POINT, since=since, until=until, limit=_MOST),
        *await log.events(None, _OF_CSMSD, since=since, until=until, limit=_MOST),
    ]
    messages = await log.messages(
        own, since=received - BEFORE_MS, until=received + _AT_ONCE_MS, before_id=None, limit=_MOST, most_text=_MOST_TEXT
    )
    frames = [(message.time, frame) for message in messages if (frame := _frame(message.text)) is not None]
    local_list = site.local_lists.get(transaction.charge_point).content
    told = sorted((_told(event) for event in events), key=lambda event: event.time)
    return Facts(
        transaction=transaction,
        now=now,
        end=end,
        connected=state is not None and state.connected,
        heard_at=_heard_at(state, readings),
        free_since=_free_since(state, transaction),
        registered_at=state.record.registered_at if state is not None else 0,
        pruned_at=pruned.at if (pruned := site.milestones.get("prune")) is not None else None,
        downs=await _downs(log, told),
        energy_wh=verdict.energy_wh if verdict is not None else transaction.energy_wh,
        doubts=list(verdict.doubts) if verdict is not None else transaction.doubts,
        bounds=_bounds(transaction, verdict),
        basis=verdict.basis if verdict is not None else transaction.basis,
        in_local_list=None if local_list is None else fold(transaction.id_tag) in local_list,
        reservation=reservation,
        of_one_group=reservation is not None and _of_one_group(site, reservation, transaction),
        tasks=sorted((task for task in tasks if since <= command_moment(task) <= until), key=command_moment),
        profile_tasks=about_profiles,
        profile_names={record.id: record.name for record in site.smart_charging.library},
        events=told,
        presented=_presented(frames),
        measured=sorted((_measured(reading) for reading in own_readings), key=lambda reading: reading.time),
        start_is_logged=any(_is_start(frame, transaction) for _, frame in frames),
        tasks_since=await service.reader.tasks_since(),
        events_since=await log.first_event_time(),
        connectors=tuple(sorted(state.connectors)) if state is not None else (),
        voltage=site.policies.voltage,
    )


def _bounds(transaction: Transaction, verdict: Verdict | None) -> tuple[int, int] | None:
    if verdict is not None:
        return verdict.at_least_wh, verdict.at_most_wh
    if transaction.at_least_wh is None or transaction.at_most_wh is None:
        return None
    return transaction.at_least_wh, transaction.at_most_wh


async def _end(service: Service, transaction: Transaction) -> Milliseconds | None:
    """When it ended; one that was never stopped ended at the latest when the next one began on its connector."""
    if transaction.state in ("abandoned", "closed"):
        for flag in transaction.flags:
            kind, _, successor = flag.partition(":")
            found = await service.reader.transaction(int(successor)) if kind == "abandoned_for" else None
            if found is not None:
                return found.start_time
    return transaction.stop_time


def _told(event: Any) -> Told:
    data = json.loads(event.data)
    status_at = data.get("status_at")
    time = parse_timestamp(status_at) if isinstance(status_at, str) else None
    return Told(event.time if time is None else time, event.type, data)


def _frame(text: str) -> list[Any] | None:
    """A message as a frame; what is none says nothing."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, list) and len(frame) >= 3 else None


def _presented(frames: Sequence[tuple[Milliseconds, list[Any]]]) -> list[Presented]:
    """Every Authorize.req, with the status that its answer gave."""
    answers: dict[str, str] = {}
    for _, frame in frames:
        match frame:
            case [3, str(unique_id), {"idTagInfo": {"status": str(status)}}]:
                answers[unique_id] = status
    found = []
    for time, frame in frames:
        match frame:
            case [2, str(unique_id), "Authorize", {"idTag": str(id_tag)}]:
                found.append(Presented(time, id_tag, answers.get(unique_id)))
    return found


def _is_start(frame: list[Any], transaction: Transaction) -> bool:
    match frame:
        case [2, _, "StartTransaction", {"timestamp": str(text)}]:
            return text == transaction.start_text
        case [2, _, "StartTransaction", _]:
            return not transaction.start_text
    return False


def _heard_at(state: ChargePointState | None, readings: Sequence[Any]) -> Milliseconds | None:
    """When its charge point said anything last, as far as that is known."""
    times = [reading.time for reading in readings]
    if state is not None:
        times += [connector.received_at for connector in state.connectors.values()]
        times += [time for time in (state.record.last_seen_at, *state.heard.values()) if time is not None]
    return max(times, default=None)


def _free_since(state: ChargePointState | None, transaction: Transaction) -> Milliseconds | None:
    """Since when its connector has been Available, although it runs."""
    connector = state.connectors.get(transaction.connector) if state is not None else None
    if connector is None or transaction.state != "active" or connector.status != "Available":
        return None
    return connector.received_at if connector.received_at > transaction.start_received_at else None


def _of_one_group(site: Site, reservation: Reservation, transaction: Transaction) -> bool:
    tag = site.id_tag(transaction.id_tag)
    parents = (reservation.parent_id_tag, tag.parent if tag is not None else None)
    return None not in parents and fold(str(parents[0])) == fold(str(parents[1]))


async def _downs(log: LogBook, events: Sequence[Told]) -> list[tuple[Milliseconds, Milliseconds]]:
    """When csmsd did not run: from its end, or where it was killed from the last that was logged, to its start."""
    found: list[tuple[Milliseconds, Milliseconds]] = []
    stopped: Milliseconds | None = None
    for event in events:
        if event.type == "daemon.stopping":
            stopped = event.time
        elif event.type == "daemon.started" and len(found) < _MOST_DOWNS:
            last = stopped if stopped is not None else await _last_before(log, event.time)
            stopped = None
            if last is not None:
                found.append((last, event.time))
    return found


async def _last_before(log: LogBook, time: Milliseconds) -> Milliseconds | None:
    messages = await log.messages(None, since=None, until=time, before_id=None, limit=1)
    events = await log.events(None, None, until=time, limit=1)
    return max((logged.time for logged in (*messages, *events)), default=None)


def _measured(reading: Any) -> Measured:
    """The numbers of a meter value that the story looks at, in base units."""
    soc: float | None = None
    power: dict[str, float] = {}
    currents: list[float] = []
    for sample in reading.samples:
        read = metered_number(sample)
        if read is None or sample.location not in (None, "", "Outlet") or sample.phase == "N":
            continue
        match sample.measurand, read[1]:
            case "SoC", unit:
                soc = state_of_charge(read[0], unit)
            case "Current.Import", "A":
                currents.append(read[0])
            case "Power.Active.Import", "W":
                power[sample.phase or ""] = read[0]
    return Measured(reading.time, soc, max(currents, default=None), over_phases(power))
