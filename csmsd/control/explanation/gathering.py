"""Looks up what is known about a transaction: memory, the store's listings, and the log of messages and events."""

import json
from collections.abc import Sequence
from typing import Any

from csmsd.control.explanation.commands import BEFORE_MS, moment
from csmsd.control.explanation.facts import Facts, Measured, Presented, Told
from csmsd.control.explanation.limits import ACTIONS
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import parse_time
from csmsd.ports import ReservationFilter, TaskFilter
from csmsd.profiles.core.metering import number
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds

_OF_CHARGE_POINT = [
    "connector.status",
    "charge_point.connected",
    "charge_point.disconnected",
    "charge_point.booted",
    "transaction.abandoned",
]
_OF_CSMSD = ["daemon.started", "store.failed", "store.recovered"]
_AFTER_MS = 300_000  # what follows from its end
_LONGEST_IN_QUEUE_MS = 7 * 86_400_000  # of a command that is looked for
_MOST = 5000  # events, and messages, of one transaction
_AT_ONCE_MS = 2000  # a message is logged before it is handled


async def gather(service: Service, transaction: Transaction) -> Facts:
    """All of it; what is not kept any more is left out, and the facts say so."""
    site, now = service.site(), service.clock()
    state = site.charge_point(transaction.charge_point)
    register = state.transactions.registers.get(transaction.id) if state is not None else None
    readings = await service.reader.meter_values(transaction.id)
    end = await _end(service, transaction)
    if end is None and transaction.state == "abandoned":  # its charge point was removed: nobody saw more of it
        end = max([transaction.start_time, *(reading.time for reading in readings)])
    end = end or now
    received = transaction.start_received_at
    since = min(transaction.start_time, received) - BEFORE_MS
    until = max(end, transaction.stop_received_at or end) + _AFTER_MS
    own = [transaction.charge_point]

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
    log = service.log
    events = [
        *await log.events(own, _OF_CHARGE_POINT, since=since, until=until, limit=_MOST),
        *await log.events(None, _OF_CSMSD, since=since, until=until, limit=_MOST),
    ]
    messages = await log.messages(
        own, since=received - BEFORE_MS, until=received + _AT_ONCE_MS, before_id=None, limit=_MOST
    )
    frames = [(message.time, frame) for message in messages if (frame := _frame(message.text)) is not None]
    local_list = site.local_lists.get(transaction.charge_point).content
    return Facts(
        transaction=transaction,
        end=end,
        energy_wh=round(register.total) if register is not None else transaction.energy_wh,
        energy_suspect=transaction.energy_suspect or (register is not None and register.suspect),
        in_local_list=None if local_list is None else fold(transaction.id_tag) in local_list,
        reservation=reservation,
        tasks=sorted((task for task in tasks if since <= moment(task) <= until), key=moment),
        profile_tasks=about_profiles,
        profile_names={record.id: record.name for record in site.charging_profiles},
        events=sorted((_told(event) for event in events), key=lambda event: event.time),
        presented=_presented(frames),
        measured=[Measured(reading.time, _soc(reading.samples)) for reading in readings],
        start_is_logged=any(_is_start(frame, transaction) for _, frame in frames),
        tasks_since=await service.reader.tasks_since(),
        events_since=await log.first_event_time(),
        connectors=tuple(sorted(state.connectors)) if state is not None else (),
        voltage=site.policies.voltage,
    )


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
    time = parse_time(status_at) if isinstance(status_at, str) else None
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


def _soc(samples: Sequence[Any]) -> float | None:
    for sample in samples:
        read = number(sample) if sample.measurand == "SoC" else None
        if read is not None:
            return read[0]
    return None
