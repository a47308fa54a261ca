"""Energy as people write it."""

from decimal import Decimal, InvalidOperation

_FACTORS = {"wh": 1, "kwh": 1000}


def parse_energy(text: str) -> int:
    """`4.2kWh`, `4200 Wh` in Wh. Raises ValueError, with what to write, for what is no whole number of Wh."""
    digits = text.strip().rstrip("KkWwHh").strip()
    unit = text.strip()[len(digits) :].strip().casefold()
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no energy; write it as 4.2kWh or 4200Wh") from None
    if unit not in _FACTORS:
        raise ValueError(f"{text!r} has no unit; write it as 4.2kWh or 4200Wh")
    wh = number * _FACTORS[unit]
    if not wh.is_finite() or wh != int(wh) or not 0 <= wh < 10**12:
        raise ValueError(f"{text!r} is no whole number of Wh between 0 and 10^12")
    return int(wh)
