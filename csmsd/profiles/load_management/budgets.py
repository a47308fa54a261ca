"""What the members of each circuit may draw in all, and when: limits, less what else draws. Pure."""

import msgspec

from csmsd.profiles.load_management.circuits import DAY_MINUTES, Milliamperes, Reading, TemporaryLimit, Tree
from csmsd.profiles.record import Milliseconds

Budget = tuple[Milliseconds, list[int]]  # from then on, of each constraint, until the next one

_HORIZON_MS = 7_200_000  # no lease is that long


class Outside(msgspec.Struct, kw_only=True):
    """What is not in the tree: limits for a while, by circuit, readings, and by how much clocks are ahead of UTC."""

    temporary: dict[str, TemporaryLimit] = {}
    readings: dict[str, Reading] = {}
    utc_offset_s: int = 0


def lowest_budget(tree: Tree, outside: Outside) -> list[Milliamperes]:
    """Of each constraint, what is there at the worst time of the day, also while a limit for a while holds.

    Fallbacks are to fit into it: csmsd may be dead when that limit is over, and before.
    """
    limits = tree.limits(None, outside.temporary)
    return [limit - reserve for limit, reserve in zip(limits, tree.reserves(), strict=True)]


def budgets_from(tree: Tree, outside: Outside, now: Milliseconds, measured_for_ms: Milliseconds) -> list[Budget]:
    """What the members of each constraint may draw in all, from now on: limits less what else draws.

    A reading speaks for `measured_for_ms`, as long as nothing that was given out by it may last; after that the reserve
    counts. What holds at the end is the lowest of the day: a fallback knows no time of the day.
    """
    end = now + _HORIZON_MS
    moments = {now, end, min(end, now + measured_for_ms)}
    moments |= {limit.until for limit in outside.temporary.values() if now < limit.until < end}
    shown = now + outside.utc_offset_s * 1000
    midnight = now - shown % 86_400_000
    for name in tree.circuits:
        for window in tree.windows(name):
            for change in (window.start, window.end):
                for day in (-1, 0, 1):
                    moment = midnight + (change + day * DAY_MINUTES) * 60_000
                    if now < moment < end:
                        moments.add(moment)
    others, _ = tree.others(outside.readings, now)
    reserves = tree.reserves()
    found: list[Budget] = []
    for moment in sorted(moments):
        minute: int | None = (moment - midnight) // 60_000 % DAY_MINUTES if moment < end else None
        temporary = {name: limit for name, limit in outside.temporary.items() if limit.until > moment}
        less = others if moment < now + measured_for_ms else reserves
        limits = tree.limits(minute, temporary)
        found.append((moment, [limit - other for limit, other in zip(limits, less, strict=True)]))
    return found
