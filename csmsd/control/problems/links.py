"""What is wrong with how a charge point connects: refused, with a twin, or again and again."""

from collections.abc import Iterator
from shlex import quote

from csmsd.control.problems.problem import Problem, problem
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.link_history import WINDOW_MS
from csmsd.profiles.core.refused_connections import RefusedConnection, refused_reason_text, remedy_for_refused
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_DAY_MS = 86_400_000
_TOLD_OTHERWISE = ("replaced", "too_long")  # by problems of their own


def link_problems(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """What was refused since it was let in, and whether its connections last."""
    for one in refused_since_let_in(state, site, now):
        times = "" if one.attempts == 1 else f", {one.attempts} times"
        yield problem(
            state,
            "connection_refused",
            f"refused: {refused_reason_text(one)}{times}, from {one.address}",
            remedy_for_refused(one.reason, state.id, registered=True),
            since=one.first_at,
            last=one.last_at,
            severity="warning" if state.connected else "critical",
        )
    twins = state.links.twins(now)
    window = f"{WINDOW_MS // 60_000} min"
    if twins is not None:
        where = " and ".join(twins.addresses)
        who = "two devices have this identity" if len(twins.addresses) > 1 else "two devices, or one that forgets"
        yield problem(
            state,
            "twins",
            f"{who}: connections replace each other, {twins.times} times within {window}, from {where}",
            f"csmsctl cp show {quote(state.id)}",
            since=twins.since,
            severity="critical",
        )
        return
    flaps = state.links.flaps(now)
    if flaps is not None:
        yield problem(
            state,
            "flapping",
            f"its link does not last: connected {flaps[0]} times within {window}",
            f"csmsctl events {quote(state.id)}",
            since=flaps[1],
        )


def refused_since_let_in(state: ChargePointState, site: Site, now: Milliseconds) -> list[RefusedConnection]:
    """What an operator has to know of: of the last day, and nothing that worked since."""
    let_in = state.connected_at if state.connected_at is not None else state.record.last_seen_at
    return [
        one
        for one in site.refused.of(state.id)
        if one.reason not in _TOLD_OTHERWISE and one.last_at > (let_in or 0) and now - one.last_at < _DAY_MS
    ]
