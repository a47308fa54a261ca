"""How a charge point takes limits: found out when it is commissioned, and what of it load management goes by. Pure."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from csmsd.ocpp.types import ChargingRateUnit
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.record import Milliseconds, Record

_WHOLE_MA, _TENTH_MA = 1_000, 100
_NOTED_MS = 2_000  # a clock that is further off


class LimitHabits(Record, kw_only=True):
    """What was found; None: it was not found out.

    `unit` is the one that it takes, amperes where it takes both. `decimals`: it takes tenths of an ampere. `zero`: it
    takes a limit of 0, `begins_at_zero`: a transaction begins under that. `lease_ends`: it goes to the next period of a
    schedule when that begins. `reaction_ms` is how long a car went on above a limit that had been lowered,
    `clock_ahead_ms` how far its clock was ahead.
    """

    table: ClassVar[str] = "limit_habits"
    key: ClassVar[tuple[str, ...]] = ("charge_point",)

    charge_point: str
    unit: ChargingRateUnit | None = None
    decimals: bool | None = None
    zero: bool | None = None
    begins_at_zero: bool | None = None
    lease_ends: bool | None = None
    reaction_ms: Milliseconds | None = None
    clock_ahead_ms: Milliseconds | None = None
    found_at: Milliseconds

    def member(self, described: Member) -> Member:
        """The member as it turned out to be: it is not given what its charge point refuses."""
        step_ma = described.step_ma if self.decimals is None else _TENTH_MA if self.decimals else _WHOLE_MA
        floor_ma = described.minimum_ma if self.zero is False else described.floor_ma
        off_ms = abs(self.clock_ahead_ms or 0)
        skew_s = described.skew_s + (_whole_seconds(off_ms) if off_ms >= _NOTED_MS else 0)
        return msgspec.structs.replace(described, step_ma=step_ma, floor_ma=floor_ma, skew_s=skew_s)


def habits_in_words(habits: LimitHabits | None) -> Iterator[str]:
    """As `load explain` has them."""
    if habits is None:
        yield "Nobody has found out how it takes limits: csmsctl cp test, step limit-habits."
        return
    words = [f"limits in {habits.unit}"] if habits.unit is not None else []
    for what, known in (("tenths of an ampere", habits.decimals), ("a limit of 0", habits.zero)):
        if known is not None:
            words.append(what if known else f"no {what.removeprefix('a ')}")
    if words:
        yield f"Its test has shown that it takes {', '.join(words)}."
    if habits.begins_at_zero is False:
        yield "Its test has shown that no transaction begins on it under 0 A: a car is offered its minimum first."
    if habits.lease_ends is False:
        yield (
            "Its test has shown that it does not end a limit when it should, so it is sent none, and counts with its "
            "rating: it could keep a share for ever."
        )
    if habits.reaction_ms is not None:
        yield f"A car on it obeyed a lower limit within {_whole_seconds(habits.reaction_ms)} s."
    if habits.clock_ahead_ms is not None and abs(habits.clock_ahead_ms) >= _NOTED_MS:
        way = "ahead" if habits.clock_ahead_ms > 0 else "behind"
        off_s = _whole_seconds(abs(habits.clock_ahead_ms))
        yield f"Its clock was {off_s} s {way}: the ends of its leases count as that much less certain."


def _whole_seconds(ms: Milliseconds) -> int:
    return -(-ms // 1000)
