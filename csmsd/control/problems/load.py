"""What is odd about the circuits of load management, and about who is on them."""

from collections.abc import Iterator, Sequence
from shlex import quote

from csmsd.control.problems.problem import Problem
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.load_management.holds import Hold
from csmsd.profiles.load_management.load import LoadPause
from csmsd.profiles.load_management.misdescriptions import misdescriptions_of_site
from csmsd.profiles.load_management.observation import SETTLE_MS
from csmsd.profiles.load_management.overview import LineLoad
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_METERS = 1.02  # meters are not exact, and not read at one moment


def load_problems_of_site(site: Site, lines: Sequence[LineLoad], now: Milliseconds) -> Iterator[Problem]:
    """What flows and what may flow above a limit, who goes by none, and what nobody measures any more."""
    if not site.smart_charging.load.circuits:
        return
    pause = site.smart_charging.load.paused(now)
    if pause is not None:
        yield _paused(pause)
    for line in lines:
        yield from _over(line)
    for name in dict.fromkeys(line.circuit for line in lines if line.stale):
        yield Problem(
            kind="reading_stale",
            severity="warning",
            text=f"what else draws on circuit {name} was not measured lately: its reserve counts",
            next=f"csmsctl circuit show {quote(name)}",
        )
    for wrong in misdescriptions_of_site(site):
        yield Problem(
            kind="circuit_misdescribed",
            severity="warning",
            text=f"circuit {wrong.circuit}: {wrong.text}",
            next=f"csmsctl circuit show {quote(wrong.circuit)}",
            charge_point=wrong.charge_point,
            connector=wrong.connector,
        )
    for _, member in sorted(site.smart_charging.load.members.items()):
        state = site.charge_point(member.charge_point)
        if state is not None:
            yield from _unmanaged(state, member, site.smart_charging.load.ledger.of(member.place), now)


def _paused(pause: LoadPause) -> Problem:
    until = "" if pause.until is None else f" until {format_timestamp(pause.until)}"
    return Problem(
        kind="load_paused",
        severity="warning",
        text=f"load management is paused{until}: charge points go back to their fallbacks, and no limit follows",
        next="csmsctl load resume",
        since=pause.since,
    )


def _over(line: LineLoad) -> Iterator[Problem]:
    where, unit = (f"circuit {line.circuit}", "W") if line.phase == "W" else (f"{line.phase} of {line.circuit}", "A")
    if line.drawn + line.other > line.limit * _METERS:
        yield Problem(
            kind="circuit_over_limit",
            severity="critical",
            text=f"{where} carries {line.drawn + line.other:g} {unit}; its limit is {line.limit:g} {unit}",
            next="csmsctl load status",
        )
    elif line.given + line.other > line.limit:
        yield Problem(
            kind="circuit_may_exceed",
            severity="warning",
            text=f"{where} may have to carry {line.given + line.other:g} {unit}; its limit is {line.limit:g} {unit}",
            next="csmsctl load status",
        )


def _unmanaged(state: ChargePointState, member: Member, holds: list[Hold], now: Milliseconds) -> Iterator[Problem]:
    """It counts with its rating, or with what it draws, and so the others have less."""
    for hold in holds:
        if hold.doubtful and now - hold.sent_at >= SETTLE_MS and hold.gone_at > now:
            why = "has accepted no limit" if hold.slot == "unknown" else "draws more than its limits allow"
            yield Problem(
                kind="member_unmanaged",
                severity="warning",
                text=f"it {why}, and counts with {hold.ma / 1000:g} A on circuit {member.circuit}",
                next=f"csmsctl task list --charge-point {quote(state.id)}",
                charge_point=state.id,
                connector=member.connector,
                since=hold.sent_at,
            )
            return
