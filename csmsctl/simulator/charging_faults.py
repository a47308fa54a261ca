"""How charge points take limits, other than they should: habits of the field, and devices that promise too much."""

from typing import TYPE_CHECKING

from csmsctl.simulator.fault import Fault

if TYPE_CHECKING:
    from csmsd.ocpp.types import ChargingProfile


def _limits_of(profile: "ChargingProfile") -> list[float]:
    return [period.limit for period in profile.charging_schedule.charging_schedule_period]


class PowerOnly(Fault):
    """Its configuration key says so, too (CE 3.86)."""

    summary = "takes limits in W only"

    def prepare(self) -> None:
        self.charge_point.configuration.put("ChargingScheduleAllowedChargingRateUnit", "Power")


class WholeAmperes(Fault):
    """It keeps no decimal."""

    summary = "refuses limits that are not whole amperes"

    def refuses(self, profile: "ChargingProfile") -> bool:
        return any(limit != int(limit) for limit in _limits_of(profile))


class OneProfile(Fault):
    """There is room for a single profile (C 9.4.5)."""

    summary = "takes one charging profile in all"

    def prepare(self) -> None:
        self.charge_point.configuration.put("MaxChargingProfilesInstalled", "1")


class RefusesZero(Fault):
    """It knows no pause."""

    summary = "refuses charging profiles with a limit below 6 A"

    def refuses(self, profile: "ChargingProfile") -> bool:
        amperes = profile.charging_schedule.charging_rate_unit == "A"
        return any(limit < (6 if amperes else 1380) for limit in _limits_of(profile))


class NoTxProfiles(Fault):
    """It knows limits for whatever is charged there, and no others."""

    summary = "refuses charging profiles for one transaction (TxProfile)"

    def refuses(self, profile: "ChargingProfile") -> bool:
        return profile.charging_profile_purpose == "TxProfile"


class StartsOnOffer(Fault):
    """A car that gets nothing is no car."""

    summary = "begins no transaction under a limit of 0"

    def waits_for_offer(self) -> bool:
        return True


class WrongClock(Fault):
    """It is never right, whatever the Central System says."""

    summary = "has a clock that stays four minutes ahead"

    def clock_error_ms(self) -> int:
        return 4 * 60 * 1000


class ForgetsProfiles(Fault):
    """Volatile memory."""

    summary = "loses its charging profiles in a reboot"

    def forgets_profiles(self) -> bool:
        return True


class FirstPeriod(Fault):
    """What it is lent it keeps."""

    summary = "follows the first period of a charging schedule and no other"

    def shortens_schedules(self) -> bool:
        return True


class IgnoresLimits(Fault):
    """It accepts all that it is sent."""

    summary = "accepts charging profiles and follows none"

    def ignores_limits(self) -> bool:
        return True


CHARGING_FAULTS: dict[str, type[Fault]] = {
    "power-only": PowerOnly,
    "whole-amperes": WholeAmperes,
    "one-profile": OneProfile,
    "refuses-zero": RefusesZero,
    "no-tx-profiles": NoTxProfiles,
    "starts-on-offer": StartsOnOffer,
    "wrong-clock": WrongClock,
    "forgets-profiles": ForgetsProfiles,
    "first-period": FirstPeriod,
    "ignores-limits": IgnoresLimits,
}
