"""What concerns no single charge point."""

from csmsd.control.problems.problem import Problem, counted
from csmsd.profiles.core.refused_connections import reason_text
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_DAY_MS = 86_400_000


def problems_of_site(site: Site, store_failure: str | None, now: Milliseconds) -> list[Problem]:
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
    unknown = site.refused.unknown
    if unknown:
        found.append(
            Problem(
                kind="unknown_charge_points",
                severity="warning",
                text=f"{counted(len(unknown), 'charge point')} knocked without being registered",
                next="csmsctl cp pending",
                since=min(one.first_at for known in unknown.values() for one in known),
            )
        )
    nameless = [one for one in site.refused.of_strangers() if one.reason != "unknown" and now - one.last_at < _DAY_MS]
    if nameless:
        newest = max(nameless, key=lambda one: one.last_at)
        where = ", ".join(dict.fromkeys(one.address for one in nameless[-3:]))
        found.append(
            Problem(
                kind="connection_refused",
                severity="warning",
                text=f"refused: {reason_text(newest)}, {counted(newest.attempts, 'time')}, from {where}",
                next="csmsctl cp pending",
                since=newest.first_at,
                last=newest.last_at,
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
