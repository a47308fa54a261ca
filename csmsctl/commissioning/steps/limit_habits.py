"""How it takes limits: unit, decimals, 0, whether it begins under that, the end of a lease, and how soon a car obeys.

Load management goes by it.
"""

from time import monotonic
from typing import Any

from csmsctl.commissioning.ends import Failed
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.steps.charging import asked_to_begin_in_step, begun_transaction_in_step
from csmsctl.commissioning.steps.limits import TEST_PROFILE_ID, clear_limit_of_test, free_level_for_limit
from csmsctl.commissioning.visit import Visit, said_on_visit
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp

STEPS = Steps()

_WHAT = f"charging profile {TEST_PROFILE_ID}"
_SPAN_S = 120  # of a composite schedule
_LEASE_S = 5
_BACK_S = 3600  # a schedule began so long ago, whatever its clock says
_LOW_A, _HIGH_A = 6, 8
_VOLTAGE, _PHASES = 230, 3
_CLEARLY_ABOVE = 1.2
_SOON_S = 5  # what waits for a limit to be lifted begins then; what waits for a car, hardly
_REACTIONS = 3  # so many times as long as it is let charge, a car may take to obey
_NOTED_MS = 2_000  # a composite schedule begins on a whole second
_Periods = list[tuple[int, float]]  # from which second of the schedule on, and how much


@STEPS.step(
    "limit-habits",
    "Tells how it takes limits",
    profile="SmartCharging",
    disturbs="A transaction is limited a few times, and may be paused; it is begun under a limit of 0.",
)
def limit_habits_step(visit: Visit) -> None:
    """C 5.16, 5.7, IEC 61851: what load management may lend it, and whether it comes back."""
    trial = _Trial(visit, free_level_for_limit(visit))
    visit.afterwards(_WHAT, lambda: clear_limit_of_test(visit))
    begins, charging = trial.begins_at_zero()
    visit.afterwards(_WHAT, lambda: clear_limit_of_test(visit))
    found: dict[str, Any] = {
        "begins_at_zero": begins,
        "unit": next((unit for unit in ("A", "W") if trial.takes(unit, [(0, _HIGH_A)])), None),
    }
    if found["unit"] is None:
        raise Failed(
            "it takes no limit, neither in A nor in W",
            "Without limits it cannot share a circuit: it counts with its rating. Look into its settings.",
        )
    visit.saw(f"it takes limits in {found['unit']}")
    unit = found["unit"]
    if unit == "A":
        found["decimals"] = trial.takes(unit, [(0, _LOW_A + 0.5)])
        visit.saw("tenths of an ampere, too" if found["decimals"] else "whole amperes only")
    found["zero"] = trial.takes(unit, [(0, 0)])
    visit.saw("a limit of 0 pauses it" if found["zero"] else "it refuses a limit of 0")
    found |= trial.lease(unit)
    reaction_ms = trial.reaction(unit)
    if reaction_ms is not None:
        found["reaction_ms"] = reaction_ms
        visit.saw(f"a car obeyed a lower limit within {reaction_ms / 1000:.1f} s")
    visit.call("load.habits", charge_point=visit.charge_point, **found)
    visit.saw("kept for load management")
    visit.undo(_WHAT)
    visit.undo(charging)
    if found.get("lease_ends") is False:
        raise Failed(
            "it keeps a limit for longer than it was given",
            "Load management sends it none, and counts it with its rating: when csmsd dies, it would keep its share "
            "for ever. Tell its vendor (C 3.13: periods of a charging schedule).",
        )


class _Trial:
    """Limits that are set one after the other, in one place."""

    def __init__(self, visit: Visit, level: int) -> None:
        self._visit = visit
        self._level = level

    def takes(self, unit: str, periods: _Periods, began_ms: int | None = None) -> bool:
        """Whether it accepts them; amperes are told in that unit. Raises Failed where it does not answer."""
        watts = _VOLTAGE * _PHASES if unit == "W" else 1
        start = {} if began_ms is None else {"startSchedule": format_timestamp(began_ms)}
        profile = {
            "chargingProfileId": TEST_PROFILE_ID,
            "stackLevel": self._level,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                **start,
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [
                    {"startPeriod": second, "limit": amperes * watts} for second, amperes in periods
                ],
            },
        }
        [result] = self._visit.operation("set-charging-profile", connector=self._visit.connector, profile=profile)
        if result["outcome"] in ("timeout", "unknown"):
            raise Failed(said_on_visit(result))
        return bool(result["outcome"] == "accepted")

    def begins_at_zero(self) -> tuple[bool | None, str]:
        """Whether a transaction begins under a limit of 0, None where that is not known, and what undoes it."""
        visit = self._visit
        limited = any(self.takes(unit, [(0, 0)]) for unit in ("A", "W"))
        if not limited:
            visit.done(_WHAT)
        tag, what, seconds = asked_to_begin_in_step(visit)
        first_s = min(_REACTIONS * visit.charge, seconds / 2) if limited else seconds
        try:
            begun_transaction_in_step(visit, tag, first_s)
        except Failed:
            if not limited or visit.running():
                raise
        else:
            if limited:
                visit.saw("it begins under a limit of 0, too")
            return (True if limited else None), what
        clear_limit_of_test(visit)
        lifted = monotonic()
        begun_transaction_in_step(visit, tag, seconds - first_s)
        if monotonic() - lifted > _SOON_S:
            visit.saw("whether it begins under a limit of 0 is not known: no car was there in time")
            return None, what
        visit.saw(f"it began nothing under a limit of 0 for {first_s:g} s, and at once when that was lifted")
        return False, what

    def lease(self, unit: str) -> dict[str, Any]:
        """Whether a limit ends when it should, by its own clock, and how far that is ahead."""
        visit = self._visit
        first = self._composite(unit)
        if first is None:
            visit.saw("whether a lease ends is not known: it tells no composite schedule")
            return {}
        theirs, ours, _ = first
        ahead_ms = theirs - ours if abs(theirs - ours) >= _NOTED_MS else 0
        if ahead_ms:
            visit.saw(f"its clock is {abs(ahead_ms) / 1000:.0f} s {'ahead' if ahead_ms > 0 else 'behind'}")
        began = theirs - _BACK_S * 1000
        if not self.takes(unit, [(0, _LOW_A), (_BACK_S + _LEASE_S, _HIGH_A)], began):
            visit.saw("whether a lease ends is not known: it refuses a schedule of two periods")
            return {"lease_ends": False, "clock_ahead_ms": ahead_ms}
        visit.pause(_LEASE_S + 1)
        last = self._composite(unit)
        if last is None or last[2] is None:
            return {"clock_ahead_ms": ahead_ms}
        ends = last[2] > _LOW_A * _CLEARLY_ABOVE
        visit.saw(
            f"a limit for {_LEASE_S} s ended in time" if ends else f"a limit for {_LEASE_S} s held on: {last[2]:g} A"
        )
        return {"lease_ends": ends, "clock_ahead_ms": ahead_ms}

    def _composite(self, unit: str) -> tuple[int, int, float | None] | None:
        """When its schedule begins, when it said so (ms since 1970 UTC), and what holds then, in A."""
        visit = self._visit
        [result] = visit.operation("get-composite-schedule", connector=visit.connector, duration=_SPAN_S, unit=unit)
        response = result["response"] or {}
        start = parse_timestamp(str(response.get("scheduleStart")))
        if result["outcome"] != "accepted" or start is None:
            return None
        answered = parse_timestamp(visit.call("task.show", id=result["task"])["settled_at"]) or start
        schedule = response.get("chargingSchedule") or {}
        periods = schedule.get("chargingSchedulePeriod") or []
        if not periods:
            return start, answered, None
        watts = _VOLTAGE * _PHASES if schedule.get("chargingRateUnit") == "W" else 1
        return start, answered, float(periods[0]["limit"]) / watts

    def reaction(self, unit: str) -> int | None:
        """How long a car that draws more goes on above a lower limit, in ms; None where nothing shows it."""
        visit = self._visit
        if not visit.supports("RemoteTrigger"):
            visit.saw("how soon a car obeys is not known: it sends no meter values on request")
            return None
        clear_limit_of_test(visit)
        if self._drawn_within(visit.charge, lambda a: a > _LOW_A * _CLEARLY_ABOVE) is None:
            visit.saw(f"how soon a car obeys is not known: it draws no more than {_LOW_A} A")
            return None
        if not self.takes(unit, [(0, _LOW_A)]):
            return None
        longest_s = _REACTIONS * visit.charge
        reaction_s = self._drawn_within(longest_s, lambda a: a <= _LOW_A * _CLEARLY_ABOVE)
        if reaction_s is None:
            raise Failed(
                f"it accepted a limit of {_LOW_A} A, and the car draws more for {longest_s:g} s",
                "It ignores limits: load management would count it with what it draws. "
                f"See: csmsctl watch {visit.charge_point}",
            )
        return round(reaction_s * 1000)

    def _drawn_within(self, seconds: float, fits: Any) -> float | None:
        """After how many seconds its meter shows such a current."""
        begun = monotonic()
        while True:
            drawn = self._drawn_a()
            passed = monotonic() - begun
            if drawn is not None and fits(drawn):
                return passed
            if passed >= seconds:
                return None
            self._visit.pause(0.5)

    def _drawn_a(self) -> float | None:
        """What flows on the phase that carries most, by its meter; of power alone, if it were on all phases."""
        visit = self._visit
        visit.forget()
        [result] = visit.operation("trigger-message", message="MeterValues", connector=visit.connector)
        if result["outcome"] != "accepted":
            return None
        sampled = visit.message("MeterValues", fits=visit.here).payload["meterValue"][-1]["sampledValue"]
        currents = [float(one["value"]) for one in sampled if one.get("measurand") == "Current.Import"]
        if currents:
            return max(currents)
        powers = [
            float(one["value"]) * (1000 if one.get("unit") == "kW" else 1)
            for one in sampled
            if one.get("measurand") == "Power.Active.Import"
        ]
        return max(powers) / _VOLTAGE / _PHASES if powers else None
