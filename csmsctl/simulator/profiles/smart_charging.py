"""Smart Charging (C 3.13, 5.5, 5.7, 5.16): charging profiles are kept, reckoned with, and followed by the power."""

from itertools import pairwise
from math import floor
from typing import TYPE_CHECKING

from csmsctl.simulator.charging_schedule import (
    PHASES,
    Installed,
    Plan,
    Rate,
    converted_schedule_rate,
    shared_charging_rate,
)
from csmsctl.simulator.configuration import Key
from csmsctl.simulator.profiles.profile import Profile, profile_answers
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.ocpp.types import ChargingProfile, ChargingRateUnit, ChargingSchedule, ChargingSchedulePeriod
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfileConf, ClearChargingProfileReq
from csmsd.profiles.smart_charging.get_composite_schedule import GetCompositeScheduleConf, GetCompositeScheduleReq
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileConf, SetChargingProfileReq

if TYPE_CHECKING:
    from csmsctl.simulator.connector import Connector

MOST_SECONDS = 31 * 24 * 3600  # of a composite schedule
LOOK_AGAIN_MS = 60_000  # at the latest: the clock may have been set
_QUANTITIES = {"A": "Current", "W": "Power"}  # CE 3.86


class SmartCharging(Profile):
    """Keeps charging profiles, through reboots too (CE 3.37), and limits what is charged with."""

    name = "SmartCharging"
    keys = (
        Key("ChargeProfileMaxStackLevel", "9"),
        Key("ChargingScheduleAllowedChargingRateUnit", "Current,Power"),
        Key("ChargingScheduleMaxPeriods", "24"),
        Key("ConnectorSwitch3to1PhaseSupported", "true"),
        Key("MaxChargingProfilesInstalled", "20"),
    )

    def prepare(self) -> None:
        kept: list[Installed] = getattr(self, "_installed", [])
        self._installed = [] if self.charge_point.faults.forgets_profiles() else kept

    # --- what the connectors tell

    def takes(self, charging_profile: ChargingProfile) -> bool:
        """C 5.16.2: one for a transaction that is still to begin."""
        return (
            charging_profile.charging_profile_purpose == "TxProfile"
            and charging_profile.transaction_id is None
            and self._sound(charging_profile)
            and self._room(0, charging_profile)
        )

    def withholds(self, connector: int) -> bool:
        if not self.charge_point.faults.waits_for_offer():
            return False
        plan = self._plan()
        rates = (plan.own(connector, plan.clock), plan.maximum.at(plan.clock))
        return any(rate is not None and rate.limit <= 0 for rate in rates)

    def began(self, connector: "Connector", charging_profile: ChargingProfile | None) -> None:
        if charging_profile is not None and self._room(connector.number, charging_profile):
            self._install(connector.number, charging_profile)
        self._follow()

    def ended(self, connector: "Connector") -> None:
        """C 3.13.1: a TxProfile is there for one transaction only."""
        self._installed = [
            one
            for one in self._installed
            if one.connector != connector.number or one.profile.charging_profile_purpose != "TxProfile"
        ]
        self._apply()

    # --- CALLs

    @profile_answers(SetChargingProfileReq)
    def set_charging_profile(self, request: SetChargingProfileReq) -> SetChargingProfileConf:
        """C 5.16"""
        number, profile = request.connector_id, request.cs_charging_profiles
        if number not in self.charge_point.connectors:  # CE 3.39
            raise OcppError("PropertyConstraintViolation", f"There is no connector {number}")
        sound = self._fits(number, profile) and self._sound(profile) and self._room(number, profile)
        if not sound or self.charge_point.faults.refuses(profile):
            return SetChargingProfileConf(status="Rejected")
        self._install(number, profile)
        self._apply()
        return SetChargingProfileConf(status="Accepted")

    @profile_answers(ClearChargingProfileReq)
    def clear_charging_profile(self, request: ClearChargingProfileReq) -> ClearChargingProfileConf:
        """C 5.5; CE 3.25: with an id the rest does not count, else all that is given must match."""

        def matches(one: Installed) -> bool:
            profile = one.profile
            if request.id is not None:
                return profile.charging_profile_id == request.id
            return (
                request.connector_id in (None, one.connector)
                and request.charging_profile_purpose in (None, profile.charging_profile_purpose)
                and request.stack_level in (None, profile.stack_level)
            )

        left = [one for one in self._installed if not matches(one)]
        cleared = len(self._installed) - len(left)
        if cleared == 0:
            return ClearChargingProfileConf(status="Unknown")
        self._installed = left
        self.charge_point.tell("charging_profiles_cleared", request.connector_id, profiles=cleared)
        self._apply()
        return ClearChargingProfileConf(status="Accepted")

    @profile_answers(GetCompositeScheduleReq)
    def get_composite_schedule(self, request: GetCompositeScheduleReq) -> GetCompositeScheduleConf:
        """C 5.7; connector 0 is all of them together."""
        number, seconds = request.connector_id, request.duration
        unit = request.charging_rate_unit or self._unit()
        if (
            number not in self.charge_point.connectors
            or not 0 < seconds <= MOST_SECONDS
            or not self._allowed_unit(unit)
        ):
            return GetCompositeScheduleConf(status="Rejected")
        start = self.charge_point.clock // 1000 * 1000
        return GetCompositeScheduleConf(
            status="Accepted",
            connector_id=number,
            schedule_start=format_timestamp(start),
            charging_schedule=self._composite(number, unit, start, seconds),
        )

    # --- what is accepted

    def _fits(self, number: int, profile: ChargingProfile) -> bool:
        """C 3.13.1: where each purpose belongs, and that a TxProfile has its transaction."""
        purpose, wanted = profile.charging_profile_purpose, profile.transaction_id
        if purpose != "TxProfile":
            return wanted is None and (purpose == "TxDefaultProfile" or number == 0)
        transaction = self.charge_point.connectors[number].transaction
        return transaction is not None and wanted in (None, transaction.id)

    def _sound(self, profile: ChargingProfile) -> bool:
        """Whether the profile can be followed, and does not exceed what the configuration keys say."""
        schedule, configuration = profile.charging_schedule, self.charge_point.configuration
        periods = schedule.charging_schedule_period
        starts = [period.start_period for period in periods]
        times = (profile.valid_from, profile.valid_to, schedule.start_schedule)
        valid_from, valid_to = parse_timestamp(profile.valid_from or ""), parse_timestamp(profile.valid_to or "")
        kind, start = profile.charging_profile_kind, schedule.start_schedule
        limits = [*(period.limit for period in periods), schedule.min_charging_rate or 0.0]
        return (
            0 <= profile.stack_level <= configuration.integer("ChargeProfileMaxStackLevel")
            and 0 < len(periods) <= configuration.integer("ChargingScheduleMaxPeriods")
            and self._allowed_unit(schedule.charging_rate_unit)
            and (kind == "Recurring") == (profile.recurrency_kind is not None)  # CE 3.56
            and not (kind == "Relative" and start is not None)
            and not (kind == "Recurring" and start is None)
            and all(text is None or parse_timestamp(text) is not None for text in times)
            and (valid_from is None or valid_to is None or valid_from < valid_to)
            and starts[0] == 0  # CE 3.45
            and all(one < following for one, following in pairwise(starts))
            and all(limit >= 0 and abs(limit * 10 - round(limit * 10)) < 1e-6 for limit in limits)  # C 7.14
            and all(period.number_phases in (None, 1, 2, 3) for period in periods)
            and (schedule.duration is None or schedule.duration >= 0)
        )

    def _room(self, number: int, profile: ChargingProfile) -> bool:
        """C 9.4.5; what will be replaced does not count."""
        left = [one for one in self._installed if not one.stands_in_for(number, profile)]
        return len(left) < self.charge_point.configuration.integer("MaxChargingProfilesInstalled")

    def _allowed_unit(self, unit: ChargingRateUnit) -> bool:
        return _QUANTITIES[unit] in self.charge_point.configuration.names("ChargingScheduleAllowedChargingRateUnit")

    def _install(self, number: int, profile: ChargingProfile) -> None:
        self._installed = [one for one in self._installed if not one.stands_in_for(number, profile)]
        if self.charge_point.faults.shortens_schedules():
            del profile.charging_schedule.charging_schedule_period[1:]
        self._installed.append(Installed(number, profile, self.charge_point.now))
        self.charge_point.tell(
            "charging_profile",
            number,
            profile=profile.charging_profile_id,
            purpose=profile.charging_profile_purpose,
            stack_level=profile.stack_level,
        )

    # --- the composite schedule

    def _connectors(self) -> dict[int, "Connector"]:
        return {number: connector for number, connector in self.charge_point.connectors.items() if number > 0}

    def _plan(self) -> Plan:
        offset = self.charge_point.clock - self.charge_point.now
        begun = {
            number: (self.charge_point.now if connector.transaction is None else connector.transaction.started_at)
            + offset
            for number, connector in self._connectors().items()
        }
        return Plan(self._installed, begun, self.charge_point.clock, lambda one: one.accepted_at + offset)

    def _unit(self) -> ChargingRateUnit:
        """That of the profiles; amperes where they differ, and where there are none."""
        units = {one.profile.charging_schedule.charging_rate_unit for one in self._installed}
        return "W" if units == {"W"} else "A"

    def _composite(self, number: int, unit: ChargingRateUnit, start: int, seconds: int) -> ChargingSchedule | None:
        """None where nothing limits. A gap is filled with what the hardware can do, unless it is at the end."""
        numbers = [number] if number > 0 else list(self._connectors())
        found = self._plan().composite(numbers, unit, start, start + seconds * 1000)
        if found[-1][1] is None:
            seconds = (found.pop()[0] - start) // 1000
        rating = sum(self.charge_point.connectors[one].meter.rating_w for one in numbers)
        periods: dict[int, ChargingSchedulePeriod] = {}
        for moment, limit, phases in found:
            value = converted_schedule_rate(rating, "W", unit, PHASES) if limit is None else limit
            begin = (moment - start) // 1000
            periods[begin] = ChargingSchedulePeriod(
                start_period=begin,
                limit=floor(round(value * 10, 6)) / 10,  # C 7.14: one decimal
                number_phases=phases if phases < PHASES else None,
            )
        if not periods or seconds == 0:
            return None
        return ChargingSchedule(
            duration=seconds, charging_rate_unit=unit, charging_schedule_period=list(periods.values())
        )

    # --- what follows from it

    def _apply(self) -> None:
        self._follow()
        for connector in self._connectors().values():
            connector.offered()

    def _follow(self) -> None:
        """Limits every connector that charges, and looks again when that may change."""
        point = self.charge_point
        if point.faults.ignores_limits():
            return
        plan = self._plan()
        charging = {
            number: connector
            for number, connector in self._connectors().items()
            if connector.transaction is not None and not connector.transaction.deauthorized
        }
        maximum = plan.maximum.at(plan.clock)
        own = {number: plan.own(number, plan.clock) for number in charging}
        limits = {number: _smart_charging_limit(charging[number], own[number], maximum) for number in charging}
        if maximum is not None:
            self._share(charging, limits, maximum)
        for number, (limit_w, phases) in limits.items():
            minimum = max(
                (
                    converted_schedule_rate(rate.minimum, rate.unit, "W", phases)
                    for rate in (own[number], maximum)
                    if rate is not None
                ),
                default=0.0,
            )
            # C 7.13: with less than its minimum charging rate the EV does not charge at all.
            charging[number].offer(0.0 if limit_w is not None and limit_w < minimum else limit_w, phases)
        point.timers.cancel("smart charging")
        if self._installed and charging:
            end = plan.clock + LOOK_AGAIN_MS
            following = min(plan.changes(charging, plan.clock, end), default=end)
            point.timers.at("smart charging", point.now + following - plan.clock, self._apply)

    def _share(
        self, charging: dict[int, "Connector"], limits: dict[int, tuple[float | None, int]], maximum: Rate
    ) -> None:
        """C 3.13.3: ChargePointMaxProfile is the limit for all connectors together."""
        wants: dict[int, float] = {}
        for number, (limit_w, phases) in limits.items():
            rating_w = charging[number].meter.rating_w * phases / PHASES
            most = rating_w if limit_w is None else min(limit_w, rating_w)
            wants[number] = converted_schedule_rate(most, "W", maximum.unit, phases)
        for number, given in shared_charging_rate(maximum.limit, wants).items():
            phases = limits[number][1]
            limits[number] = (converted_schedule_rate(given, maximum.unit, "W", phases), phases)


def _smart_charging_limit(connector: "Connector", own: Rate | None, maximum: Rate | None) -> tuple[float | None, int]:
    """In W, and with how many phases: a car has its own number, a profile may allow fewer."""
    car = connector.meter.car
    phases = min([PHASES if car is None else car.phases, *(rate.phases for rate in (own, maximum) if rate is not None)])
    return None if own is None else own.in_unit("W", phases), phases
