"""The power that flows, out of what is measured of it. Pure."""

from collections.abc import Mapping

from csmsd.ocpp.measurands import over_phases
from csmsd.profiles.core.sample import Sample

_POWER = "Power.Active.Import"
_TOGETHER_MS = 10_000  # phases that are measured one after the other


def imported_power(samples: Mapping[str, Sample]) -> float | None:
    """W over all phases, out of the newest samples by measurand and phase; None where none tells it."""
    found = {
        name.removeprefix(_POWER).removeprefix("."): sample
        for name, sample in samples.items()
        if name.startswith(_POWER) and sample.unit == "W"
    }
    newest = max((sample.time for sample in found.values()), default=0)
    return over_phases({
        phase: sample.value for phase, sample in found.items() if newest - sample.time <= _TOGETHER_MS
    })  # fmt: skip
