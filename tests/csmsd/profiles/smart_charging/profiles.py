"""Charging profiles for the tests, in few words."""

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import (
    ChargingProfile,
    ChargingProfileKind,
    ChargingProfilePurpose,
    ChargingRateUnit,
    ChargingSchedule,
    ChargingSchedulePeriod,
    RecurrencyKind,
)
from csmsd.profiles.smart_charging.timeline import Source

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONDAY = 1_736_726_400_000  # 2025-01-13T00:00:00Z, a Monday


def profile(
    *periods: tuple[int, float] | tuple[int, float, int],
    purpose: ChargingProfilePurpose = "TxDefaultProfile",
    kind: ChargingProfileKind = "Absolute",
    recurrency: RecurrencyKind | None = None,
    level: int = 0,
    unit: ChargingRateUnit = "A",
    start: int | None = MONDAY,
    duration: int | None = None,
    valid_from: int | None = None,
    valid_to: int | None = None,
    transaction: int | None = None,
    minimum: float | None = None,
    id: int = 1,
) -> ChargingProfile:
    """Periods are (seconds, limit) or (seconds, limit, phases); times are ms since 1970 UTC."""

    def text(time: int | None) -> str | None:
        return None if time is None else format_timestamp(time)

    return ChargingProfile(
        charging_profile_id=id,
        transaction_id=transaction,
        stack_level=level,
        charging_profile_purpose=purpose,
        charging_profile_kind=kind,
        recurrency_kind=recurrency,
        valid_from=text(valid_from),
        valid_to=text(valid_to),
        charging_schedule=ChargingSchedule(
            duration=duration,
            start_schedule=text(start),
            charging_rate_unit=unit,
            charging_schedule_period=[
                ChargingSchedulePeriod(
                    start_period=period[0], limit=period[1], number_phases=period[2] if len(period) == 3 else None
                )
                for period in periods
            ],
            min_charging_rate=minimum,
        ),
    )


def on(connector: int, profile: ChargingProfile, *, accepted_at: int = MONDAY) -> Source:
    return Source(connector, profile, accepted_at, f"p{profile.charging_profile_id}")


def a_thousand() -> list[Source]:
    """Daily ones on connectors 0 to 2, each on a level of its own."""
    return [
        on(
            index % 3,
            profile(
                *((hour * 3600, (index * 7 + hour) % 32 + 6) for hour in range(0, 24, 4)),
                purpose="ChargePointMaxProfile" if index % 3 == 0 and index % 2 else "TxDefaultProfile",
                kind="Recurring",
                recurrency="Daily",
                level=index,
                start=MONDAY - index * HOUR,
                duration=(index % 20 + 1) * 3600,
                id=index,
            ),
        )
        for index in range(1000)
    ]
