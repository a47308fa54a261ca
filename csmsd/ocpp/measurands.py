"""What measured values mean where the specification leaves it to the reader (C 7.31, 7.37)."""

from collections.abc import Mapping

_CONDUCTORS = (("L1", "L1-N"), ("L2", "L2-N"), ("L3", "L3-N"))
_BETWEEN = ("L1-L2", "L2-L3", "L3-L1")


def over_phases(values: Mapping[str, float]) -> float | None:
    """The power of all phases together, from that of each by its label; `""` is the label of their total.

    A total counts before its parts, and each conductor once, whether it is called L1 or L1-N. Nothing flows through
    the neutral that did not come through the others.
    """
    total = values.get("")
    if total is not None:
        return total
    conductors = [next((values[name] for name in names if name in values), None) for names in _CONDUCTORS]
    parts = [value for value in conductors if value is not None]
    parts = parts or [values[name] for name in _BETWEEN if name in values]
    parts = parts or [value for name, value in values.items() if name != "N"]
    return sum(parts) if parts else None


def state_of_charge(value: float, unit: str) -> float | None:
    """A state of charge in percent, or None: in another unit, or beyond 0 to 100, it is none."""
    return value if unit == "Percent" and 0 <= value <= 100 else None
