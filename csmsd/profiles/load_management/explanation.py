"""Why a member has what it has, in sentences. Pure."""

from collections.abc import Iterator

from csmsd.profiles.load_management.circuits import Member, amperes, path_of_circuits
from csmsd.profiles.load_management.habits import habits_in_words
from csmsd.profiles.load_management.holds import NEVER, Hold
from csmsd.profiles.load_management.manners import manner_in_words
from csmsd.profiles.load_management.overview import LineLoad, MemberLoad, Overview
from csmsd.profiles.load_management.steering import Charging
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site


def explain_member(site: Site, member: Member, overview: Overview, now: Milliseconds) -> list[str]:
    """From where it hangs, over what it may draw and until when, to what leaves it no more."""
    lines, members = overview
    load = site.smart_charging.load
    [standing] = [
        one for one in members if (one.charge_point, one.connector) == (member.charge_point, member.connector)
    ]
    path = [circuit.name for circuit in path_of_circuits(load.circuits, member.circuit)]
    holds = load.ledger.of(member.place)
    pause = load.paused(now)
    return [
        f"{_named(member)} hangs on {', which hangs on '.join(path)}.",
        *([] if pause is None else ["Load management is paused: it is sent nothing, and goes back to its fallback."]),
        *_standing_in_words(standing, member),
        *manner_in_words(load.manner(member.charge_point), member),
        *_limits_in_words(standing, holds, now),
        *_own_limit_in_words(load.charging.get(member.place)),
        *_room_in_words(lines, path, member, standing),
        *habits_in_words(load.habits.get(member.place[0])),
    ]


def _named(member: Member) -> str:
    return f"Connector {member.connector} of {member.charge_point}" if member.connector else member.charge_point


def _standing_in_words(standing: MemberLoad, member: Member) -> Iterator[str]:
    if standing.state == "unmanaged":
        yield (
            f"csmsd knows of no limit that it goes by, so it counts with {standing.most:g} A: it has accepted none, "
            "may have lost them in a reboot, or draws more than it may."
        )
    if standing.state == "away":
        yield "It is offline: it counts with the most that it may draw, which ends in its fallback."
    if standing.state == "waiting":
        yield (
            f"Transaction {standing.transaction} has no share now: the minimum of its car, "
            f"{amperes(member.minimum_ma)}, does not fit beside the others, or it drew nothing of what it was given."
        )
    if standing.arrival == "plugged_in":
        yield "A car is plugged in, and no transaction runs: it may begin with its minimum at once."
    elif standing.arrival == "expected":
        yield (
            f"It holds the arrival reserve of {member.circuit}: a car that comes begins with its minimum at once. That "
            "is taken back as soon as those who charge have a use for it."
        )
    elif standing.state == "idle":
        yield "No transaction runs on it: while csmsd lives it needs no share."


def _limits_in_words(standing: MemberLoad, holds: list[Hold], now: Milliseconds) -> Iterator[str]:
    if standing.limit is not None and standing.fallback is not None:
        until = "" if standing.lease_until is None else f" for another {_minutes(standing.lease_until - now)}"
        after = (
            "" if standing.limit == standing.fallback else f", and {standing.fallback:g} A when nothing more is heard"
        )
        yield f"It may draw {standing.limit:g} A on each phase{until}{after}."
    for hold in holds:
        if hold.slot in ("default", "transaction") and hold.accepted_at is None:
            yield (
                f"{amperes(hold.ma)} was sent to it {_minutes(now - hold.sent_at)} ago and not accepted: it may have "
                "arrived, and counts."
            )
        elif hold.slot in ("default", "transaction") and now < hold.gone_at < NEVER and _is_above(hold, standing, now):
            yield f"Its limit before, {amperes(hold.ma)}, counts until it has had the time to obey."


def _is_above(hold: Hold, standing: MemberLoad, now: Milliseconds) -> bool:
    return standing.limit is None or hold.at(now) > standing.limit * 1000


def _own_limit_in_words(charging: Charging | None) -> Iterator[str]:
    if charging is not None and charging.cap_ma is not None:
        yield f"Other charging profiles allow it {amperes(charging.cap_ma)}, and it asks for no more."


def _room_in_words(lines: list[LineLoad], path: list[str], member: Member, standing: MemberLoad) -> Iterator[str]:
    """The line above it that has least left."""
    wired = {f"L{phase + 1}" for phase in member.wiring} | {"W"}
    above = [line for line in lines if line.circuit in path and line.phase in wired]
    if not above:
        return
    tight = min(above, key=lambda line: (line.limit - line.other - line.given) / (230 if line.phase == "W" else 1))
    unit = "W" if tight.phase == "W" else "A"
    where = tight.circuit if tight.phase == "W" else f"{tight.phase} of {tight.circuit}"
    left = tight.limit - tight.other - tight.given
    yield (
        f"Least is left of {where}: of {tight.limit:g} {unit}, {tight.other:g} {unit} are for what else draws on it "
        f"and {tight.given:g} {unit} for its members, so {max(left, 0):g} {unit} are free"
        + (f"; it may carry {-left:g} {unit} too much." if left < 0 else ".")
    )


def _minutes(ms: Milliseconds) -> str:
    seconds = max(0, round(ms / 1000))
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
