"""What wants an operator's attention at a charge point. `status`, `watch` and `check` show what stands in this room.

Pure: the site, the time and the store's state are arguments. What an operator decided (a registration that is Rejected,
a connector that is inoperative) is no problem; what a charge point said last is none while it is offline.
"""

from collections import Counter
from collections.abc import Iterator
from shlex import quote

from csmsd.control.problems.certificates import certificate_problems
from csmsd.control.problems.charging import charging_problems
from csmsd.control.problems.links import link_problems
from csmsd.control.problems.problem import SHORTEST_SILENCE_S, Problem, counted, problem, seconds
from csmsd.control.problems.securing import securing_problems
from csmsd.profiles.core.charge_points import MESSAGE_TOO_LONG_PLACE, ChargePointState, Connector
from csmsd.profiles.core.transaction_book import AWAITED
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.wall_clock import off_clock

_DAY_MS = 86_400_000
_BOOT_WITHIN_MS = 60_000
_SILENT_HEARTBEATS = 2

# What the timestamps of a wrong clock are (ocpp/timestamps.py).
_CLOCK_ODDITIES = frozenset({"before_2010", "in_the_future", "ahead_of_arrival", "clock_set_back"})
_TIMED = ("StartTransaction", "StopTransaction", "MeterValues")  # what always names a time
_CLOCK_SET_WITHIN_MS = 60_000
_FAILED_UPDATES = {
    "download_failed": "the download of the firmware failed",
    "installation_failed": "the installation of the firmware failed",
    "unknown": "nobody knows what came of the firmware update",
}


def problems_of_charge_point(state: ChargePointState, site: Site, now: Milliseconds) -> list[Problem]:
    """What is wrong with a charge point, the worst first."""
    rules = [_presence, link_problems, _record, securing_problems, certificate_problems]
    if state.connected:
        rules += [_answers, _connectors, charging_problems]
    found = [found for rule in rules for found in rule(state, site, now)]
    return sorted(found, key=lambda one: one.severity != "critical")


def _presence(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """Whether it is there, and has introduced itself."""
    record, named = state.record, quote(state.id)
    if state.connected_at is None:
        if record.last_seen_at is None:
            yield problem(
                state, "never_connected", "has never connected", f"csmsctl cp show {named}", since=record.registered_at
            )
            return
        running = len(state.transactions.active())
        text = f"offline, while {counted(running, 'transaction')} ran" if running else "offline"
        yield problem(state, "offline", text, f"csmsctl log {named}", since=state.offline_since, severity="critical")
    elif record.registration == "Pending":
        yield problem(
            state,
            "registration_pending",
            "waits for being accepted",
            f"csmsctl cp accept {named}",
            since=state.connected_at,
        )
    elif record.boot_status is None and now - state.connected_at > _BOOT_WITHIN_MS:
        yield problem(
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
        yield problem(
            state,
            "reboot_required",
            "a changed configuration key takes effect after a reboot",
            f"csmsctl reset {named} --type soft",
            since=None,
        )
    yield from _off_clock(state, site, now)
    wrong_at = _clock_wrong_at(state)
    if wrong_at is not None and now - wrong_at < _DAY_MS:
        yield problem(
            state,
            "suspect_clock",
            "its clock is wrong: timestamps lay ahead of their arrival, or could not be used, within the last day",
            f"csmsctl cp show {named}",
            since=wrong_at,
        )
    update = site.firmware.updates.current(state.id)
    if update is not None and update.state in _FAILED_UPDATES:
        reason = f": {update.error}" if update.error else ""
        yield problem(
            state,
            "firmware_failed",
            _FAILED_UPDATES[update.state] + reason,
            f"csmsctl firmware status {named}",
            since=update.changed_at,
        )
    too_long = state.deviations.get(MESSAGE_TOO_LONG_PLACE)
    if too_long is not None and now - too_long.last_at < _DAY_MS:
        yield problem(
            state,
            "message_too_long",
            "sent a message that is longer than server.max_message_bytes, and will send it again: a StopTransaction "
            "with all its readings, perhaps",
            f"csmsctl tx list --charge-point {named} --state active",
            since=too_long.last_at,
        )
    if len(state.orphans):
        yield problem(
            state,
            "messages_not_booked",
            f"{_not_booked(state)} could not be booked",
            f"csmsctl tx orphans --charge-point {named}",
            since=next(iter(state.orphans)).received_at,
        )
    full = state.orphans.full_since
    if full is not None:
        since, action = full
        yield problem(
            state,
            "quarantine_full",
            f"{action} that cannot be booked is answered InternalError: too many are kept that nobody has settled",
            f"csmsctl tx orphans --charge-point {named}",
            since=since,
            severity="critical",
        )
    abandoned = state.transactions.abandoned()
    if abandoned:
        more = " or more" if len(abandoned) >= AWAITED else ""  # older ones are on disk alone
        yield problem(
            state,
            "transactions_abandoned",
            f"{counted(len(abandoned), 'transaction')}{more} never stopped: {_listed(abandoned)}",
            f"csmsctl tx list --charge-point {named} --state abandoned",
            since=abandoned[0].start_time,
        )


def _off_clock(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """Limits that no longer hold when they are meant to: clocks were changed since they were sent."""
    charging = site.smart_charging
    for off in off_clock(charging.installed.in_force(state, now), charging.library):
        minutes = abs(off.late_ms) // 60_000
        yield problem(
            state,
            "profile_off_clock",
            f"profile {off.record.name} holds {minutes} min {'late' if off.late_ms > 0 else 'early'}: "
            f"the clocks of {off.time_zone} were changed since it was sent",
            f"csmsctl profile reassert {quote(state.id)}",
            since=None,
            connector=off.record.connector,
        )


def _clock_wrong_at(state: ChargePointState) -> Milliseconds | None:
    """When it sent a time that is wrong; None where its clock was set since, or has sent usable ones."""
    odd: dict[str, Milliseconds] = {}
    for count in state.deviations.values():
        if count.kind in _CLOCK_ODDITIES:
            odd[count.action] = max(odd.get(count.action, 0), count.last_at)
    wrong_at = max(odd.values(), default=None)
    if wrong_at is None:
        return None
    # The answer to a BootNotification sets the clock (C 4.2), not always at once.
    if state.record.booted_at is not None and wrong_at <= state.record.booted_at + _CLOCK_SET_WITHIN_MS:
        return None
    usable = [heard for action in _TIMED if (heard := state.heard.get(action, 0)) > odd.get(action, 0)]
    # A status without a time, or with one that cannot be used, is kept under that of its arrival.
    usable += [known.received_at for known in state.connectors.values() if known.status_at != known.received_at]
    return wrong_at if max(usable, default=0) <= wrong_at else None


def _answers(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """Whether it speaks, and answers."""
    named = quote(state.id)
    if state.unanswered_since is not None:
        yield problem(
            state,
            "no_answer",
            "did not answer what it was sent",
            f"csmsctl task list --charge-point {named}",
            since=state.unanswered_since,
        )
    interval = seconds(state, "HeartbeatInterval") or site.policies.heartbeat_interval
    last = state.record.last_seen_at
    silence = max(_SILENT_HEARTBEATS * interval, SHORTEST_SILENCE_S)
    if last is not None and now - last > silence * 1000:
        yield problem(
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
            yield problem(
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


def _not_booked(state: ChargePointState) -> str:
    """`2 StopTransaction and 1 MeterValues`."""
    actions = Counter(orphan.action for orphan in state.orphans)
    parts = [f"{number} {action}" for action, number in actions.most_common()]
    return " and ".join(parts)


def _listed(transactions: list[Transaction]) -> str:
    shown = ", ".join(str(transaction.id) for transaction in transactions[:5])
    return shown if len(transactions) <= 5 else f"{shown}, …"
