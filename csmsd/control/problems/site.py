"""What concerns no single charge point."""

from collections.abc import Iterator
from typing import Protocol

from csmsd.control.problems.problem import Problem, counted
from csmsd.profiles.core.refused_connections import refused_reason_text
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_DAY_MS = 86_400_000
_UNITS = ((_DAY_MS, "days"), (3_600_000, "h"), (60_000, "min"))


class Replica(Protocol):
    """The copy of the database off this box."""

    @property
    def problem(self) -> str | None:
        """What is wrong with it, in words."""


def problems_of_site(
    site: Site, store_failure: str | None, now: Milliseconds, replica: Replica | None = None
) -> list[Problem]:
    """What concerns no single charge point."""
    return [
        *_of_store(site, store_failure),
        *_of_strangers(site, now),
        *_of_replica(replica),
        *_of_clock(site, now),
        *_of_rollouts(site),
    ]


def _of_store(site: Site, failure: str | None) -> Iterator[Problem]:
    if failure is not None:
        yield Problem(
            kind="store_failing",
            severity="critical",
            text=f"nothing can be stored, so nothing is booked: {failure}",
            next="csmsctl daemon info",
        )
    check = site.milestones.get("check")
    if check is not None and check.number:
        yield Problem(
            kind="store_damaged",
            severity="critical",
            text="the database is damaged; csmsd's log says where. Put a backup back",
            next="csmsctl daemon info",
            since=check.at,
        )


def _of_strangers(site: Site, now: Milliseconds) -> Iterator[Problem]:
    unknown = site.refused.unknown
    if unknown:
        yield Problem(
            kind="unknown_charge_points",
            severity="warning",
            text=f"{counted(len(unknown), 'charge point')} knocked without being registered",
            next="csmsctl cp pending",
            since=min(one.first_at for known in unknown.values() for one in known),
        )
    nameless = [one for one in site.refused.of_strangers() if one.reason != "unknown" and now - one.last_at < _DAY_MS]
    if nameless:
        newest = max(nameless, key=lambda one: one.last_at)
        where = ", ".join(dict.fromkeys(one.address for one in nameless[-3:]))
        yield Problem(
            kind="connection_refused",
            severity="warning",
            text=f"refused: {refused_reason_text(newest)}, {counted(newest.attempts, 'time')}, from {where}",
            next="csmsctl cp pending",
            since=newest.first_at,
            last=newest.last_at,
        )


def _of_replica(replica: Replica | None) -> Iterator[Problem]:
    behind = replica.problem if replica is not None else None
    if behind is not None:
        yield Problem(
            kind="replica_behind",
            severity="warning",
            text=f"{behind}: should this box burn, what it lacks is lost. Is Litestream running?",
            next="csmsctl daemon info",
        )


def _of_clock(site: Site, now: Milliseconds) -> Iterator[Problem]:
    jump = site.milestones.get("clock_jump")
    if jump is not None and abs(now - jump.at) < _DAY_MS:
        way = "forward" if jump.number > 0 else "back"
        yield Problem(
            kind="clock_jumped",
            severity="warning",
            text=f"the clock jumped {way} by {_duration(jump.number)}; is it right? Nothing is pruned for a day",
            next="csmsctl daemon info",
            since=jump.at,
        )


def _of_rollouts(site: Site) -> Iterator[Problem]:
    for rollout in site.firmware.rollouts:
        if rollout.state == "paused":
            reason = f": {rollout.reason}" if rollout.reason else ""
            yield Problem(
                kind="rollout_paused",
                severity="warning",
                text=f"rollout {rollout.id} is paused{reason}",
                next=f"csmsctl rollout show {rollout.id}",
            )


def _duration(milliseconds: Milliseconds) -> str:
    """Roughly: `730 days`, `2 h`, `1 min`."""
    size, unit = next((one for one in _UNITS if abs(milliseconds) >= 2 * one[0]), _UNITS[-1])
    return f"{round(abs(milliseconds) / size)} {unit}"
