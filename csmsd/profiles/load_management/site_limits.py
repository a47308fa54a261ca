"""Leases as charging profiles (C 3.13): a default for all transactions, and one for the transaction that runs. Pure."""

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import ChargingProfile, ChargingProfilePurpose, ChargingSchedule, ChargingSchedulePeriod
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.circuits import Milliamperes
from csmsd.profiles.load_management.holds import NEVER, Lease
from csmsd.profiles.load_management.manners import Takes
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.smart_charging.composite_schedule import compose_schedule
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.profile_ids import SITE_LIMIT_IDS, is_site_limit

_BACK_MS = 3_600_000  # a schedule began so long ago, by its clock too: it is not still to begin (C 5.16.4)
_USUAL_LEVEL = 8  # where a charge point does not say which levels it has


def site_limit_level(state: ChargePointState, installed: list[InstalledProfile]) -> int:
    """A stack level above those of everybody else, as far as the charge point has one."""
    highest = state.configured_number("ChargeProfileMaxStackLevel")
    others = [one.stack_level for one in installed if not is_site_limit(one.profile_id)]
    if highest is not None:
        return max([highest, *others])  # it has accepted more than it says: then ours replaces that, or comes after it
    return max([_USUAL_LEVEL, *(level + 1 for level in others)])


def site_limit_profile(
    lease: Lease, level: int, takes: Takes, voltage: int, now: Milliseconds, phases: int | None = None
) -> ChargingProfile:
    """The profile that says what the lease says.

    Watts are in all (C 7.12): as if a car drew them on one phase, so that none carries too much; on as many `phases` as
    its car is known to use; or on all, where one alone could not carry more anyway.
    """

    def limit(ma: Milliamperes) -> float:
        if takes.unit == "A":
            return ma / 1000
        on = phases or (takes.wired if ma >= takes.rating_ma else 1)
        return float(ma * voltage * on // 1000)

    began = max(0, now - takes.behind_ms - _BACK_MS) // 1000 * 1000 if takes.relative_to is None else takes.relative_to
    periods = [ChargingSchedulePeriod(start_period=0, limit=limit(lease.ma))]
    if lease.until < NEVER:
        after = (lease.until - began) // 1000
        periods.append(ChargingSchedulePeriod(start_period=after, limit=limit(lease.fallback_ma)))
    own = lease.transaction is not None
    return ChargingProfile(
        charging_profile_id=site_limit_ids(lease.key[1])[own],
        transaction_id=lease.transaction,
        stack_level=level,
        charging_profile_purpose=site_limit_purpose(lease, takes),
        charging_profile_kind="Absolute" if takes.relative_to is None else "Relative",
        charging_schedule=ChargingSchedule(
            start_schedule=format_timestamp(began) if takes.relative_to is None else None,
            charging_rate_unit=takes.unit,
            charging_schedule_period=periods,
        ),
    )


def site_limit_ids(connector: int) -> range:
    """Of what is for all transactions, and of what is for the one that runs."""
    first = SITE_LIMIT_IDS.start + connector * 2
    return range(first, first + 2)


def site_limit_purpose(lease: Lease, takes: Takes) -> ChargingProfilePurpose:
    if takes.whole:
        return "ChargePointMaxProfile"
    return "TxDefaultProfile" if lease.transaction is None else "TxProfile"


def own_limit(outlook: Outlook, connector: int, now: Milliseconds, until: Milliseconds) -> Milliamperes | None:
    """The lowest limit of all other charging profiles in that time: site limits cap, and never raise."""
    sources = [source for source in outlook.sources if not is_site_limit(source.profile.charging_profile_id)]
    if not sources:
        return None
    periods = compose_schedule(sources, connector, now, until, "A", outlook.moment)
    limits = [period.limit for period in periods if period.limit is not None]
    return int(min(limits) * 1000) if limits else None
