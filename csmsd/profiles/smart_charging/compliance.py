"""Whether a charge point keeps the limits that it has accepted (C 3.13): what is drawn, held against them. Pure."""

from collections.abc import Mapping

import msgspec

from csmsd.ocpp.types import ChargingRateUnit
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.power import imported_power
from csmsd.profiles.core.sample import Sample
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.composite_schedule import Period, compose_schedule
from csmsd.profiles.smart_charging.outlook import Outlook

# A charge point needs a while to act on a limit, its meter is not exact, and clocks differ.
_GRACE_MS = 90_000
_FRESH_MS = 300_000  # what was measured longer ago says nothing of now
_TOLERANCE = 1.1
_NOISE: dict[ChargingRateUnit, float] = {"A": 1.0, "W": 250.0}
_PHASES = 3

LIMIT_EXCEEDED = "limit_exceeded"  # of a transaction


class Excess(msgspec.Struct, frozen=True):
    """A connector on which `drawn` is more than `limit`, both in `unit`: A on a phase, or W in all."""

    connector: int
    drawn: float
    limit: float
    unit: ChargingRateUnit
    because: str  # the profiles that make the limit


def excess_over_compliance(state: ChargePointState, connector: int, site: Site, now: Milliseconds) -> Excess | None:
    """What is drawn on a connector above the highest limit that has held lately; None where nothing shows that."""
    installed = [record for record in site.smart_charging.installed.of(state.id) if not record.pending]
    samples = state.samples.get(connector)
    if not installed or samples is None or now - samples.received_at > _FRESH_MS:
        return None
    if any(record.source().accepted_at > now - _GRACE_MS for record in installed):
        return None
    outlook = Outlook.of(Target(site, state, now))
    unit = outlook.unit
    drawn = _drawn_in_compliance(state, connector, samples, unit, site.policies.voltage)
    if drawn is None:
        return None
    held = compose_schedule(outlook.sources, connector, now - _GRACE_MS, now + 1, unit, outlook.moment)
    limits = [(float(period.limit), period) for period in held if period.limit is not None]
    if not limits or len(limits) < len(held):  # for a moment nothing limited it
        return None
    limit, period = max(limits, key=lambda found: found[0])
    if drawn <= limit * _TOLERANCE + _NOISE[unit]:
        return None
    return Excess(connector, drawn, limit, unit, _compliance_because(period))


def _drawn_in_compliance(
    state: ChargePointState, connector: int, samples: Mapping[str, Sample], unit: ChargingRateUnit, voltage: int
) -> float | None:
    """What flows at least, on one phase in A or in all in W (C 7.12)."""
    currents = [
        sample.value for name, sample in samples.items() if name.startswith("Current.Import") and sample.unit == "A"
    ]
    power = imported_power(state.samples_on(connector))  # whatever its status says
    if unit == "A":
        if currents:
            return max(currents)
        return None if power is None else power / (voltage * _PHASES)
    return power


def _compliance_because(period: Period) -> str:
    return " and ".join(
        cause.source.name or f"profile {cause.source.profile.charging_profile_id}" for cause in period.because
    )
