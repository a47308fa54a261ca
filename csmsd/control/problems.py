"""What wants an operator's attention: the one place that says so. `status`, `watch` and `check` show what stands here.

Pure: the site, the time and the store's state are arguments. What an operator decided (a registration that is Rejected,
a connector that is inoperative) is no problem; what a charge point said last is none while it is offline.
"""

from collections.abc import Iterator
from shlex import quote
from typing import Literal

import msgspec

from csmsd.profiles.core.charge_points import ChargePointState, Connector
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_DAY_MS = 86_400_000
_BOOT_WITHIN_MS = 60_000
_SILENT_HEARTBEATS = 2
_SHORTEST_SILENCE_S = 60
_MISSED_READINGS = 3
_READINGS_WITHIN_S = 900  # where the charge point's interval is not known

# What timestamps are that cannot be booked with (ocpp/timestamps.py).
_CLOCK_ODDITIES = frozenset({"before_2010", "in_the_future"})
_FAILED_UPDATES = {
    "download_failed": "the download of the firmware failed",
    "installation_failed": "the installation of the firmware failed",
    "unknown": "nobody knows what came of the firmware update",
}

Severity = Literal["critical", "warning"]  # critical: somebody cannot charge, or nothing can be billed
Kind = Literal[
    "store_failing",
    "unknown_charge_points",
    "rollout_paused",
    "offline",
    "never_connected",
    "registration_pending",
    "not_booted",
    "silent",
    "no_answer",
    "reboot_required",
    "suspect_clock",
    "firmware_failed",
    "transactions_abandoned",
    "faulted",
    "error_reported",
    "id_tag_refused",
    "energy_suspect",
    "meter_values_missing",
]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that wants attention, in words, with the command that tells more or mends it; the site's have no
    charge point."""

    kind: Kind
    severity: Severity
    text: str
    next: str
    charge_point: str | None = None
    connector: int | None = None
    since: Milliseconds | None = None


def problems_of_site(site: Site, store_failure: str | None) -> list[Problem]:
    """What concerns no single charge point."""
    found = []
    if store_failure is not None:
        found.append(
            Problem(
                kind="store_failing",
                severity="critical",
                text=f"nothing can be stored, so nothing is booked: {store_failure}",
                next="csmsctl daemon info",
            )
        )
    if site.unknown_charge_points:
        strangers = site.unknown_charge_points.values()
        found.append(
            Problem(
                kind="unknown_charge_points",
                severity="warning",
                text=f"{_count(len(strangers), 'charge point')} knocked without being registered",
                next="csmsctl cp pending",
                since=min(stranger.first_at for stranger in strangers),
            )
        )
    for rollout in site.firmware.rollouts:
        if rollout.state == "paused":
            reason = f": {rollout.reason}" if rollout.reason else ""
            found.append(
                Problem(
                    kind="rollout_paused",
                    severity="warning",
                    text=f"rollout {rollout.id} is paused{reason}",
                    next=f"csmsctl rollout show {rollout.id}",
                )
            )
    return found


def problems_of(state: ChargePointState, site: Site, now: Milliseconds) -> list[Problem]:
    """What is wrong with a charge point, the worst first."""
    rules = [_presence, _record]
    if state.connected:
        rules += [_answers, _connectors, _transactions]
    found = [problem for rule in rules for problem in rule(state, site, now)]
    return sorted(found, key=lambda problem: problem.severity != "critical")


def _problem(
    state: ChargePointState,
    kind: Kind,
    text: str,
    next: str,
    *,
    since: Milliseconds | None,
    connector: int | None = None,
    severity: Severity = "warning",
) -> Problem:
    return Problem(
        kind=kind,
        severity=severity,
        text=text,
        next=next,
        charge_point=state.id,
        connector=connector,
        since=since,
    )


def _presence(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """Whether it is there, and has introduced itself."""
    record, named = state.record, quote(state.id)
    if state.connected_at is None:
        if record.last_seen_at is None:
            yield _problem(
                state, "never_connected", "has never connected", f"csmsctl cp show {named}", since=record.registered_at
            )
            return
        running = len(state.transactions.active())
        text = f"offline, while {_count(running, 'transaction')} ran" if running else "offline"
        yield _problem(state, "offline", text, f"csmsctl log {named}", since=record.last_seen_at, severity="critical")
    elif record.registration == "Pending":
        yield _problem(
            state,
            "registration_pending",
            "waits for being accepted",
            f"csmsctl cp accept {named}",
            since=state.connected_at,
        )
    elif record.boot_status is None and now - state.connected_at > _BOOT_WITHIN_MS:
        yield _problem(
            state,
            "not_booted",
            "connected, but has sent no BootNotification",
            f"csmsctl trigger-message {named} --message BootNotification",
            since=state.connected_at,
        )


def _record(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """What stays true whether or not it is connected."""
    named = quote(state.id)
    if state.record.reboot_required:
        yield _problem(
            state,
            "reboot_required",
            "a changed configuration key takes effect after a reboot",
            f"csmsctl reset {named} --type soft",
            since=None,
        )
    odd = [
        count.last_at
        for count in state.deviations.values()
        if count.kind in _CLOCK_ODDITIES and now - count.last_at < _DAY_MS
    ]
    if odd:
        yield _problem(
            state,
            "suspect_clock",
            "its clock is wrong: timestamps could not be used within the last day",
            f"csmsctl cp show {named}",
            since=max(odd),
        )
    update = site.firmware.updates.current(state.id)
    if update is not None and update.state in _FAILED_UPDATES:
        reason = f": {update.error}" if update.error else ""
        yield _problem(
            state,
            "firmware_failed",
            _FAILED_UPDATES[update.state] + reason,
            f"csmsctl firmware status {named}",
            since=update.changed_at,
        )
    abandoned = state.transactions.abandoned()
    if abandoned:
        yield _problem(
            state,
            "transactions_abandoned",
            f"{_count(len(abandoned), 'transaction')} never stopped: {_listed(abandoned)}",
            f"csmsctl tx list --charge-point {named} --state abandoned",
            since=abandoned[0].start_time,
        )


def _answers(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """Whether it speaks, and answers."""
    named = quote(state.id)
    if state.unanswered_since is not None:
        yield _problem(
            state,
            "no_answer",
            "did not answer what it was sent",
            f"csmsctl task list --charge-point {named}",
            since=state.unanswered_since,
        )
    interval = _seconds(state, "HeartbeatInterval") or site.policies.heartbeat_interval
    last = state.record.last_seen_at
    silence = max(_SILENT_HEARTBEATS * interval, _SHORTEST_SILENCE_S)
    if last is not None and now - last > silence * 1000:
        yield _problem(
            state,
            "silent",
            f"connected, but silent for more than {silence} s",
            f"csmsctl trigger-message {named} --message Heartbeat",
            since=last,
        )


def _connectors(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """What its connectors report."""
    for number in sorted(state.connectors):
        connector = state.connectors[number]
        faulted = connector.status == "Faulted"
        if faulted or connector.error_code != "NoError":
            yield _problem(
                state,
                "faulted" if faulted else "error_reported",
                _error(connector),
                f"csmsctl log {quote(state.id)}",
                since=connector.status_at,
                connector=number,
                severity="critical" if faulted else "warning",
            )


def _error(connector: Connector) -> str:
    """`Faulted: GroundFailure (vendor code E17, wet)`."""
    code = connector.error_code if connector.error_code != "NoError" else None
    vendor = f"vendor code {connector.vendor_error_code}" if connector.vendor_error_code else None
    more = ", ".join(part for part in (vendor, connector.info) if part)
    text = f"{connector.status}: {code}" if code else connector.status
    return f"{text} ({more})" if more else text


def _transactions(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """What is odd about the transactions that run."""
    for transaction in state.transactions.active():
        number = transaction.connector
        if transaction.id_tag_status != "Accepted":
            yield _problem(
                state,
                "id_tag_refused",
                f"transaction {transaction.id} runs although its idTag was {transaction.id_tag_status}",
                f"csmsctl remote-stop --transaction {transaction.id}",
                since=transaction.start_time,
                connector=number,
            )
        register = state.transactions.registers.get(transaction.id)
        if register is not None and register.suspect:
            yield _problem(
                state,
                "energy_suspect",
                f"the energy register of transaction {transaction.id} jumped",
                f"csmsctl tx explain {transaction.id}",
                since=transaction.start_time,
                connector=number,
            )
        due = _readings_within(state, transaction)
        last = _last_reading(state, transaction)
        if due is not None and now - last > due * 1000:
            yield _problem(
                state,
                "meter_values_missing",
                f"transaction {transaction.id} runs, and no meter values came for more than {due} s",
                f"csmsctl trigger-message {quote(state.id)} --message MeterValues --connector {number}",
                since=last,
                connector=number,
            )


def _readings_within(state: ChargePointState, transaction: Transaction) -> int | None:
    """Seconds in which a reading must come; None where nobody knows that the charge point sends any."""
    interval = _seconds(state, "MeterValueSampleInterval")
    if interval:
        return max(_MISSED_READINGS * interval, _SHORTEST_SILENCE_S)
    return _READINGS_WITHIN_S if interval is None and state.samples.get(transaction.connector) else None


def _last_reading(state: ChargePointState, transaction: Transaction) -> Milliseconds:
    """When one came last, at the earliest when it could have come."""
    samples = state.samples.get(transaction.connector)
    received = samples.received_at if samples is not None else 0
    return max(received, transaction.start_received_at, state.connected_at or 0)


def _seconds(state: ChargePointState, key: str) -> int | None:
    """An interval that the charge point has reported, or None."""
    try:
        return int(state.configured(key) or "")
    except ValueError:
        return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(transactions: list[Transaction]) -> str:
    shown = ", ".join(str(transaction.id) for transaction in transactions[:5])
    return shown if len(transactions) <= 5 else f"{shown}, …"
