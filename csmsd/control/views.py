"""Records as operators see them: the JSON of `csmsctl --json`, whose keys are a promise."""

import json
from typing import Any

from csmsd.control.problems.problem import Problem
from csmsd.control.rpc import Json
from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ports.listings import Torn
from csmsd.ports.store import Disk
from csmsd.profiles.core.charge_points import ChargePointState, Connector
from csmsd.profiles.core.energy.verdict import Verdict
from csmsd.profiles.core.id_tags import IdTag, authorization_status_of_id_tag
from csmsd.profiles.core.metering import ENERGY_REGISTER
from csmsd.profiles.core.refused_connections import RefusedConnection, refused_reason_text, remedy_for_refused
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.task import QueuedCommand, Task


def time_text(time: Milliseconds | None) -> str | None:
    return None if time is None else format_timestamp(time)


def charge_point_view(state: ChargePointState) -> Json:
    """A charge point with its connectors; what it said last, and whether it is there now."""
    record = state.record
    known = set(state.connectors) | {transaction.connector for transaction in state.transactions.active()}
    return {
        "id": record.id,
        "registration": record.registration,
        "boot_status": record.boot_status,
        "connected": state.connected,
        "connected_at": time_text(state.connected_at),
        "address": state.address,
        "last_seen_at": time_text(record.last_seen_at),
        "offline_since": time_text(state.offline_since),
        "booted_at": time_text(record.booted_at),
        "registered_at": time_text(record.registered_at),
        "labels": record.labels,
        "note": record.note,
        "security_profile": record.security_profile,
        "used_profile": state.secured.profile if state.connected and state.secured is not None else None,
        "tls": state.secured.tls if state.connected and state.secured is not None else None,
        "certificate_name": record.certificate_name,
        "vendor": record.vendor,
        "model": record.model,
        "serial_number": record.serial_number,
        "charge_box_serial_number": record.charge_box_serial_number,
        "firmware_version": record.firmware_version,
        "iccid": record.iccid,
        "imsi": record.imsi,
        "meter_type": record.meter_type,
        "meter_serial_number": record.meter_serial_number,
        "time_zone": record.time_zone,
        "strict": record.strict,
        "subprotocol_optional": record.subprotocol_optional,
        "origin_allowed": record.origin_allowed,
        "ping": record.ping,
        "reassert": record.reassert,
        "reboot_required": record.reboot_required,
        "connectors": [_connector_view(state, number) for number in sorted(known)],
    }


def _connector_view(state: ChargePointState, number: int) -> Json:
    connector: Connector | None = state.connectors.get(number)
    running = state.transactions.active_on(number)
    verdict = state.running_verdict(running) if running else None
    return {
        "connector": number,
        "status": connector.status if connector else None,
        "error_code": connector.error_code if connector else None,
        "info": connector.info if connector else None,
        "vendor_id": connector.vendor_id if connector else None,
        "vendor_error_code": connector.vendor_error_code if connector else None,
        "status_at": time_text(connector.status_at) if connector else None,
        "transaction": running.id if running else None,
        "id_tag": running.id_tag if running else None,
        "power_w": state.power_w(number) if running else None,
        "energy_wh": verdict.energy_wh if verdict else None,
        "basis": verdict.basis if verdict else None,
        "soc_percent": state.soc_percent(number) if running else None,
    }


def refused_view(one: RefusedConnection, *, registered: bool) -> Json:
    """A connection that was refused, as often as it was."""
    return {
        "id": one.charge_point or None,
        "reason": one.reason,
        "text": refused_reason_text(one),
        "address": one.address,
        "attempts": one.attempts,
        "first_at": time_text(one.first_at),
        "last_at": time_text(one.last_at),
        "next": remedy_for_refused(one.reason, one.charge_point, registered=registered),
    }


def charge_point_details_view(state: ChargePointState, site: Site) -> Json:
    """`cp show`: with what was refused and what deviated from the specification, and the configuration that was last
    reported."""
    return charge_point_view(state) | {
        "refused": [refused_view(one, registered=True) for one in site.refused.of(state.id)],
        "deviations": [
            {
                "action": count.action,
                "field": count.field,
                "kind": count.kind,
                "count": count.count,
                "last_at": time_text(count.last_at),
            }
            for count in sorted(state.deviations.values(), key=lambda count: (count.action, count.field, count.kind))
        ],
        "limit_habits": _habits_view(site.smart_charging.load.habits.get(fold(state.id))),
        "configuration": [
            {"key": key.name, "value": key.value, "readonly": key.readonly, "reported_at": time_text(key.reported_at)}
            for key in sorted(state.configuration.values(), key=lambda key: key.name.casefold())
        ],
    }


def _habits_view(habits: LimitHabits | None) -> Json | None:
    if habits is None:
        return None
    view = {
        name: getattr(habits, name)
        for name in ("unit", "decimals", "zero", "begins_at_zero", "lease_ends", "reaction_ms")
    }
    return view | {"clock_ahead_ms": habits.clock_ahead_ms, "found_at": time_text(habits.found_at)}


def tag_view(site: Site, tag: IdTag, now: Milliseconds) -> Json:
    return {
        "id": tag.id,
        "parent": tag.parent,
        "expires_at": time_text(tag.expires_at),
        "blocked": tag.blocked,
        "max_transactions": tag.max_transactions,
        "note": tag.note,
        "labels": tag.labels,
        "created_at": time_text(tag.created_at),
        "status": authorization_status_of_id_tag(tag, now, unknown="Invalid"),
        "active_transactions": site.active_transactions_of(tag.id),
    }


def transaction_view(site: Site, transaction: Transaction, now: Milliseconds) -> Json:
    """A transaction; while it runs, energy, power and duration are those of now."""
    state = site.charge_point(transaction.charge_point)
    running = transaction.state == "active"
    measured = state if running and state is not None and state.samples_of(transaction) else None
    verdict = state.running_verdict(transaction) if state is not None else None
    doubts = list(verdict.doubts) if verdict is not None else transaction.doubts
    # A start by a clock that is not believed lasts from when csmsd heard of it.
    began = transaction.lasts_from(doubts)
    end = transaction.stop_time if transaction.stop_time is not None else (now if running else None)
    return {
        "id": transaction.id,
        "charge_point": transaction.charge_point,
        "connector": transaction.connector,
        "id_tag": transaction.id_tag,
        "id_tag_status": transaction.id_tag_status,
        "state": transaction.state,
        "start_time": time_text(transaction.start_time),
        "stop_time": time_text(transaction.stop_time),
        "duration_s": None if end is None else max(0, (end - began) // 1000),
        "meter_start_wh": transaction.meter_start,
        "meter_stop_wh": transaction.meter_stop_wh,
        "energy_wh": verdict.energy_wh if verdict is not None else transaction.energy_wh,
        "energy_suspect": bool(verdict.doubts) if verdict is not None else transaction.energy_suspect,
        "power_w": measured.power_w(transaction.connector) if measured is not None else None,
        "soc_percent": measured.soc_percent(transaction.connector) if measured is not None else None,
        "stop_reason": transaction.stop_reason,
        "stop_id_tag": transaction.stop_id_tag,
        "reservation": transaction.reservation,
        "flags": transaction.flags,
        "note": transaction.note,
        "doubts": list(verdict.doubts) if verdict is not None else transaction.doubts,
        "at_least_wh": verdict.at_least_wh if verdict is not None else transaction.at_least_wh,
        "at_most_wh": _at_most(verdict) if verdict is not None else transaction.at_most_wh,
        "basis": verdict.basis if verdict is not None else transaction.basis,
        "settled_at": time_text(transaction.settled_at),
        "settled_by": transaction.settled_by,
        "settled_reason": transaction.settled_reason,
        "reckoned_wh": transaction.reckoned_wh,
    }


def _at_most(verdict: Verdict) -> int | None:
    """None of one that runs and of which nothing was read: nobody knows."""
    return None if verdict.basis == "nothing" else verdict.at_most_wh


def milestone_view(milestone: Milestone | None) -> Json | None:
    if milestone is None:
        return None
    return {"at": time_text(milestone.at), "number": milestone.number, "user": milestone.user}


def live(site: Site, stored: Transaction) -> Transaction:
    """The transaction as memory has it, which is ahead of the disk while a commit is under way."""
    state = site.charge_point(stored.charge_point)
    known = state.transactions.get(stored.id) if state is not None else None
    return known or stored


def certain(site: Site, stored: Transaction) -> Transaction:
    """The transaction as memory has it, unless it ended there and not yet on disk: that may still fail."""
    known = live(site, stored)
    return known if known.state == stored.state else stored


def store_state_view(disk: Disk) -> str:
    """`failing`: nothing can be stored; `slow`: a commit has been under way for more than a second."""
    return "failing" if disk.failure is not None else "slow" if disk.slow_ms is not None else "ok"


def task_view(task: Task) -> Json:
    return {
        "id": task.id,
        "created_at": time_text(task.created_at),
        "uid": task.uid,
        "user": task.user,
        "socket": task.socket,
        "charge_point": task.charge_point,
        "action": task.action,
        "request": json.loads(task.request),
        "state": task.state,
        "outcome": task.outcome,
        "status": task.status,
        "response": None if task.response is None else json.loads(task.response),
        "error": task.error,
        "sent_at": time_text(task.sent_at),
        "settled_at": time_text(task.settled_at),
        "duration_ms": task.duration_ms,
        "expires_at": time_text(task.expires_at),
        "part_of": task.part_of,
    }


def queued_view(command: QueuedCommand, task: Task) -> Json:
    """A command that waits for its charge point."""
    return {
        "task": task.id,
        "action": task.action,
        "request": json.loads(task.request),
        "user": task.user,
        "created_at": time_text(task.created_at),
        "expires_at": time_text(task.expires_at),
        "unless_transaction": command.idle_connector is not None,
    }


def open_task_view(task: Task) -> Json:
    """What is under way at a charge point or queued for it, in short."""
    return {
        "id": task.id,
        "action": task.action,
        "state": task.state,
        "created_at": time_text(task.created_at),
        "user": task.user,
    }


def problem_view(problem: Problem) -> Json:
    return {
        "kind": problem.kind,
        "severity": problem.severity,
        "charge_point": problem.charge_point,
        "connector": problem.connector,
        "since": time_text(problem.since),
        "last_at": time_text(problem.last),
        "text": problem.text,
        "next": problem.next,
    }


def message_view(message: Any) -> Json:
    return {
        "id": message.id,
        "time": time_text(message.time),
        "charge_point": message.charge_point,
        "direction": message.direction,
        "text": message.text,
    }


def torn_view(part: Torn) -> Json:
    """A part of the log that cannot be read: the ids and the times of its first and its last message."""
    return {"first": part.first, "last": part.last, "since": time_text(part.since), "until": time_text(part.until)}


def stored_event_view(event: Any) -> Json:
    return {
        "number": event.number,
        "time": time_text(event.time),
        "type": event.type,
        "charge_point": event.charge_point,
        "data": json.loads(event.data),
    }


def meter_view(reading: Any) -> Json:
    return {
        "id": reading.id,
        "time": time_text(reading.time),
        "samples": [
            {
                "measurand": sample.measurand or ENERGY_REGISTER,
                "phase": sample.phase,
                "unit": sample.unit or _unit_left_out(sample),
                "context": sample.context,
                "location": sample.location,
                "format": sample.format,
                "value": sample.value,
            }
            for sample in reading.samples
        ],
    }


def _unit_left_out(sample: Any) -> str | None:
    """Wh where it is energy (C 7.43); what is signed has the units that it names itself."""
    if sample.format == "SignedData" or not (sample.measurand or ENERGY_REGISTER).startswith("Energy."):
        return None
    return "Wh"
