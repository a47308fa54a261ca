"""Why a charge point does what it does, or does not: what is known of it now. Pure: facts in, sentences out."""

from collections.abc import Iterator, Sequence

import msgspec

from csmsd.control.explanation.in_words import STATUSES, kwh_in_words, outcome_in_words, span_in_words, who_in_words
from csmsd.control.problems.charge_points import problems_of_charge_point
from csmsd.profiles.action import Target
from csmsd.profiles.core.connectors import against_start_on_connector, connector_numbers, missing_connector
from csmsd.profiles.core.refused_connections import refused_reason_text
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.composite_schedule import Period, compose_schedule, rounded_schedule_limit
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.task import Task

_DAY_MS = 86_400_000
_MOST_COMMANDS = 5
_MOST_MESSAGES = 5


class Fact(msgspec.Struct, frozen=True):
    """A sentence; `time` is since when it is so, or when it was."""

    kind: str
    text: str
    time: Milliseconds | None = None
    connector: int | None = None


class Step(msgspec.Struct, frozen=True):
    """What to do next, and why."""

    why: str
    command: str


def facts(target: Target, connector: int | None, tasks: Sequence[Task]) -> list[Fact]:
    """What is known, in the order in which it is looked for. `tasks` are its commands, the newest first."""
    found = [*_link(target), *_said(target), *_refused(target, tasks)]
    for number in _meant(target, connector):
        found += [*_connector(target, number), *_limits(target, number), _start(target, number)]
    return found


def charge_point_next_steps(target: Target, connector: int | None) -> list[Step]:
    """What helps, the most pressing first."""
    found = problems_of_charge_point(target.charge_point, target.site, target.now)
    return [Step(one.text, one.next) for one in found if connector is None or one.connector in (None, 0, connector)]


def _meant(target: Target, connector: int | None) -> list[int]:
    return [connector] if connector is not None else connector_numbers(target.charge_point) or [1]


def _link(target: Target) -> Iterator[Fact]:
    state = target.charge_point
    record = state.record
    if state.connected_at is not None:
        yield Fact("link", f"it is connected from {state.address}", state.connected_at)
    elif record.last_seen_at is not None:
        gone = span_in_words(target.now - record.last_seen_at)
        yield Fact("link", f"it is offline; it was heard last {gone} ago", state.offline_since)
    else:
        yield Fact("link", "it has never connected since it was registered", record.registered_at)
    if record.boot_status is None:
        yield Fact("boot", "it has sent no BootNotification yet")
    else:
        named = " ".join(filter(None, (record.vendor, record.model, record.firmware_version)))
        yield Fact("boot", f"it is {named}; its boot was answered {record.boot_status}", record.booted_at)
    if record.registration != (record.boot_status or record.registration):
        yield Fact("boot", f"its next BootNotification is answered {record.registration}")


def _said(target: Target) -> Iterator[Fact]:
    """What it said last, the newest first."""
    heard = sorted(target.charge_point.heard.items(), key=lambda known: -known[1])
    for action, time in heard[:_MOST_MESSAGES]:
        yield Fact("said", action, time)


def _refused(target: Target, tasks: Sequence[Task]) -> Iterator[Fact]:
    for one in target.site.refused.of(target.charge_point.id):
        times = "once" if one.attempts == 1 else f"{one.attempts} times"
        yield Fact(
            "refused", f"a connection from {one.address} was refused {times}: {refused_reason_text(one)}", one.last_at
        )
    failed = [task for task in tasks if task.outcome not in (None, "accepted", "queued")]
    for task in failed[:_MOST_COMMANDS]:
        reason = f": {task.error}" if task.error else ""
        text = f"{task.action} of {who_in_words(task)} (task {task.id}): {outcome_in_words(task)}{reason}"
        yield Fact("command", text, task.settled_at or task.created_at)


def _connector(target: Target, number: int) -> Iterator[Fact]:
    state = target.charge_point
    absent = missing_connector(state, number)
    if absent is not None:
        yield Fact("status", absent, connector=number)
        return
    known = state.connectors.get(number)
    if known is None:
        yield Fact("status", "it has told no status of it", connector=number)
    else:
        error = "" if known.error_code == "NoError" else f", {known.error_code}"
        info = f" ({known.info})" if known.info else ""
        before = "" if state.connected else "before it went: "
        text = f"{before}{STATUSES.get(known.status, known.status)}{error}{info}"
        yield Fact("status", text, known.status_at, number)
    running = state.transactions.active_on(number)
    if running is not None:
        power = state.power_w(number)
        now = f", {power / 1000:.1f} kW now" if power is not None else ""
        verdict = state.running_verdict(running)
        is_told = verdict is not None and verdict.basis != "nothing"
        energy = kwh_in_words(state.energy_wh(running)) if is_told else "nothing tells its energy"
        text = f"transaction {running.id} of idTag {running.id_tag}: {energy}{now}"
        yield Fact("transaction", text, running.start_time, number)


def _limits(target: Target, number: int) -> Iterator[Fact]:
    """Which limit holds and whose it is, and which comes next within a day (C 3.13)."""
    outlook = Outlook.of(target)
    unit = outlook.unit
    periods = compose_schedule(outlook.sources, number, target.now, target.now + _DAY_MS, unit, outlook.moment)
    if not any(period.limit is not None for period in periods):
        yield Fact("limit", "no charging profile that csmsd knows of limits it", connector=number)
        return
    for period in periods[:2]:
        yield Fact("limit", _limit(period, unit), period.start, number)


def _limit(period: Period, unit: str) -> str:
    if period.limit is None:
        return "no limit"
    whose = " and ".join(
        f"{cause.source.name or f'a profile of id {cause.source.profile.charging_profile_id}'} "
        f"({cause.source.profile.charging_profile_purpose}, stack level {cause.source.profile.stack_level})"
        for cause in period.because
    )
    return f"{rounded_schedule_limit(period.limit):g} {unit} by {whose}"


def _start(target: Target, number: int) -> Fact:
    """What a remote start would meet now (C 5.11)."""
    state = target.charge_point
    if not state.connected:
        return Fact("start", "a remote start would not reach it: it is offline", connector=number)
    if state.record.boot_status in ("Pending", "Rejected"):
        text = f"a remote start is not sent while its registration is {state.record.boot_status} (C 4.2)"
        return Fact("start", text, connector=number)
    against = against_start_on_connector(number, "", target)
    if against is not None:
        return Fact("start", f"a remote start would be refused: {against}", connector=number)
    return Fact("start", "nothing that is known speaks against a remote start with a valid idTag", connector=number)
