"""What concerns no single charge point."""

from csmsd.control.problems.problem import Problem, counted
from csmsd.profiles.site import Site


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
        unknown = site.unknown_charge_points.values()
        found.append(
            Problem(
                kind="unknown_charge_points",
                severity="warning",
                text=f"{counted(len(unknown), 'charge point')} knocked without being registered",
                next="csmsctl cp pending",
                since=min(one.first_at for one in unknown),
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
