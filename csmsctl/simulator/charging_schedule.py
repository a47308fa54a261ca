"""What charging profiles allow at a moment, as a charge point reckons it (C 3.13, 7.8, 7.13). Pure.

csmsd has an engine of its own; `csmsctl profile verify` holds one against the other, so neither uses the other's.
Moments are ms since 1970 UTC on the charge point's clock.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from csmsctl.simulator.car import NOMINAL_VOLTAGE
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import ChargingProfile, ChargingRateUnit

PHASES = 3  # C 7.14: unless the period has another number
_RECURRENCE_MS = {"Daily": 24 * 3600 * 1000, "Weekly": 7 * 24 * 3600 * 1000}  # CE 3.78


class Installed(msgspec.Struct, eq=False):
    """A profile that was accepted. `accepted_at` is on the time line of `ChargePoint.now`, which no clock disturbs."""

    connector: int
    profile: ChargingProfile
    accepted_at: int

    def stands_in_for(self, connector: int, profile: ChargingProfile) -> bool:
        """C 5.16.4: a profile of the same id, or in the same place, is replaced."""
        ours = self.profile
        return ours.charging_profile_id == profile.charging_profile_id or (
            (self.connector, ours.charging_profile_purpose, ours.stack_level)
            == (connector, profile.charging_profile_purpose, profile.stack_level)
        )


class Rate(msgspec.Struct, frozen=True):
    """What a period allows: amperes per phase, or watts in all (C 7.12)."""

    limit: float
    unit: ChargingRateUnit
    phases: int = PHASES
    minimum: float = 0.0  # the EV charges with no less (C 7.13)

    def in_unit(self, unit: ChargingRateUnit, phases: int) -> float:
        """The limit while that many phases are used; CE 3.34: those of the profile change no amperes."""
        return converted_schedule_rate(self.limit, self.unit, unit, phases)


def converted_schedule_rate(value: float, given: ChargingRateUnit, wanted: ChargingRateUnit, phases: int) -> float:
    """C 7.12: current per phase = power / (line voltage * number of phases)."""
    if given == wanted:
        return value
    return value * NOMINAL_VOLTAGE * phases if wanted == "W" else value / (NOMINAL_VOLTAGE * phases)


class Calendar:
    """One profile, from a moment on which it begins unless it has a startSchedule: that of the transaction."""

    def __init__(self, profile: ChargingProfile, begun: int) -> None:
        schedule = profile.charging_schedule
        start = None if profile.charging_profile_kind == "Relative" else _schedule_time(schedule.start_schedule)
        self.stack_level = profile.stack_level
        self._first = begun if start is None else start
        self._valid_from, self._valid_to = _schedule_time(profile.valid_from), _schedule_time(profile.valid_to)
        self._every = (
            _RECURRENCE_MS.get(profile.recurrency_kind or "") if profile.charging_profile_kind == "Recurring" else None
        )
        # CE 3.44: what is longer than the recurrence is cut.
        lengths = (None if schedule.duration is None else schedule.duration * 1000, self._every)
        self._length = min((length for length in lengths if length is not None), default=None)
        self._periods = [
            (
                period.start_period * 1000,
                Rate(
                    period.limit,
                    schedule.charging_rate_unit,
                    min(period.number_phases or PHASES, PHASES),
                    schedule.min_charging_rate or 0.0,
                ),
            )
            for period in schedule.charging_schedule_period
        ]

    def at(self, moment: int) -> Rate | None:
        """What it says then; at validTo it has stopped to be valid (C 7.8)."""
        if self._valid_from is not None and moment < self._valid_from:
            return None
        if self._valid_to is not None and moment >= self._valid_to:
            return None
        elapsed = moment - self._first
        if elapsed < 0:
            return None
        if self._every is not None:
            elapsed %= self._every
        if self._length is not None and elapsed >= self._length:
            return None
        return next((rate for start, rate in reversed(self._periods) if start <= elapsed), None)

    def changes(self, start: int, end: int) -> Iterator[int]:
        """The moments after `start` and before `end` when what it says may become something else."""
        for moment in self._moments(start, end):
            if moment is not None and start < moment < end:
                yield moment

    def _moments(self, start: int, end: int) -> Iterator[int | None]:
        yield from (self._valid_from, self._valid_to)
        first, step = self._first, self._every or max(1, end - self._first)
        if self._every is not None:
            first += max(0, (start - first) // step) * step
        for run in range(first, end, step):
            yield from (run + offset for offset, _ in self._periods)
            if self._length is not None:
                yield run + self._length


def _schedule_time(text: str | None) -> int | None:
    return None if text is None else parse_timestamp(text)


class Stack:
    """Calendars of one purpose: at any moment the highest stack level that says something leads (C 3.13.2, CE 3.43)."""

    def __init__(self, calendars: Iterable[Calendar]) -> None:
        self._calendars = sorted(calendars, key=lambda calendar: -calendar.stack_level)

    def at(self, moment: int) -> Rate | None:
        said = (calendar.at(moment) for calendar in self._calendars)
        return next((rate for rate in said if rate is not None), None)

    def changes(self, start: int, end: int) -> Iterator[int]:
        for calendar in self._calendars:
            yield from calendar.changes(start, end)


class Plan:
    """All profiles of a charge point, with the transactions that run on it."""

    def __init__(
        self, installed: Iterable[Installed], begun: dict[int, int], clock: int, accepted: Callable[[Installed], int]
    ) -> None:
        """`begun` has the connectors and when their transactions began: now, where none runs (C 7.13)."""
        known = list(installed)

        def of(purpose: str, connector: int) -> list[Installed]:
            return [
                one for one in known if one.profile.charging_profile_purpose == purpose and one.connector == connector
            ]

        self.maximum = Stack(Calendar(one.profile, accepted(one)) for one in of("ChargePointMaxProfile", 0))
        self._stacks: dict[int, tuple[Stack, Stack]] = {}
        for connector, since in begun.items():
            # C 3.13.1: a default for the connector replaces that of connector 0 here, and here only.
            defaults = {
                one.profile.stack_level: one for one in of("TxDefaultProfile", 0) + of("TxDefaultProfile", connector)
            }
            self._stacks[connector] = (
                Stack(Calendar(one.profile, since) for one in of("TxProfile", connector)),
                Stack(Calendar(one.profile, since) for one in defaults.values()),
            )
        self.clock = clock

    def own(self, connector: int, moment: int) -> Rate | None:
        """Of the connector's transaction: TxProfile, where it says something, before TxDefaultProfile (C 3.13.1)."""
        transaction, default = self._stacks[connector]
        return transaction.at(moment) or default.at(moment)

    def changes(self, connectors: Iterable[int], start: int, end: int) -> list[int]:
        """When something may change for these connectors, in order."""
        stacks = [self.maximum, *(stack for connector in connectors for stack in self._stacks[connector])]
        return sorted({moment for stack in stacks for moment in stack.changes(start, end)})

    def composite(
        self, connectors: list[int], unit: ChargingRateUnit, start: int, end: int
    ) -> list[tuple[int, float | None, int]]:
        """(from when on, limit, phases) of one connector, or of several together; None is no limit (C 3.13.3)."""
        found: list[tuple[int, float | None, int]] = []
        for moment in [start, *self.changes(connectors, start, end)]:
            limit, phases = self._together([self.own(number, moment) for number in connectors], unit, moment)
            if not found or found[-1][1:] != (limit, phases):
                found.append((moment, limit, phases))
        return found

    def _together(self, own: list[Rate | None], unit: ChargingRateUnit, moment: int) -> tuple[float | None, int]:
        cap = self.maximum.at(moment)
        rates = [rate for rate in own if rate is not None]
        if len(rates) < len(own):  # one connector without a limit: the sum has none either
            rates = []
        phases = min(max((rate.phases for rate in rates), default=PHASES), cap.phases if cap is not None else PHASES)
        limits = [sum(rate.in_unit(unit, min(rate.phases, phases)) for rate in rates)] if rates else []
        if cap is not None:
            limits.append(cap.in_unit(unit, phases))
        return min(limits, default=None), phases


def shared_charging_rate(total: float, wants: dict[int, float]) -> dict[int, float]:
    """What each gets of something that may be too little: the same for all, but nobody more than it wants."""
    given: dict[int, float] = {}
    for place, number in enumerate(sorted(wants, key=lambda number: wants[number])):
        given[number] = min(wants[number], total / (len(wants) - place))
        total -= given[number]
    return given
