"""Cars as people describe them on a command line: `3x16A`, or `1x32A,late=30s,pauses=3`."""

import re
from collections.abc import Callable

import msgspec

from csmsctl.arguments.when_and_duration import parse_duration
from csmsctl.simulator.car import Car

CAR_WORDS = (
    "3x16A (phases and the most it draws), battery=58kWh, soc=40, minimum=6A, ramp=10s, late=30s (begins so long after "
    "it may), slow=5s (goes down so long after it must), pauses=3 (ends when paused more often), ignores-limits"
)


def _number_with_unit(unit: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        found = re.fullmatch(rf"(\d+(?:\.\d+)?)(?:{unit})?", text, re.IGNORECASE)
        if found is None:
            raise ValueError(f"{text!r} is not a number with {unit or 'no unit'}")
        return float(found[1])

    return read


_FIELDS: dict[str, tuple[str, Callable[[str], float]]] = {
    "battery": ("capacity_wh", lambda text: _number_with_unit("kWh")(text) * 1000),
    "soc": ("soc", _number_with_unit("%")),
    "minimum": ("minimum_a", _number_with_unit("A")),
    "ramp": ("ramp_s", parse_duration),
    "late": ("wakes_s", parse_duration),
    "slow": ("obeys_s", parse_duration),
    "pauses": ("pauses", lambda text: int(text)),
}


def car_of_description(text: str) -> Car:
    """Raises ValueError, which says what is wrong."""
    car = Car()
    for word in filter(None, (word.strip() for word in text.split(","))):
        size = re.fullmatch(r"([123])x(\d+(?:\.\d+)?)A?", word, re.IGNORECASE)
        name, equals, value = word.partition("=")
        if size is not None:
            car.phases, car.most_a = int(size[1]), float(size[2])
        elif word == "ignores-limits":
            car.greedy = True
        elif equals and name in _FIELDS:
            field, read = _FIELDS[name]
            setattr(car, field, read(value))
        else:
            raise ValueError(f"{word!r} describes no car; there are: {CAR_WORDS}")
    if not (0 < car.most_a <= 1000 and 0 <= car.soc <= 100 and car.capacity_wh > 0 and car.minimum_a > 0):
        raise ValueError(f"{text!r} is no car that there could be")
    return car


def another_car(like: Car) -> Car:
    """A car of the same kind, as it comes."""
    return msgspec.structs.replace(like)
