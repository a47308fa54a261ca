"""What a message must look like: the very value, or a condition where the value is not known beforehand."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Payload = dict[str, Any]

# C 3.14: UTC, milliseconds, `Z`.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


class Failed(Exception):
    """The case is not passed; the text says what was expected and what came instead."""


@dataclass(frozen=True)
class Condition:
    """A value that is not fixed; `description` completes "must be …"."""

    description: str
    holds: Callable[[Any], bool]
    optional: bool = False


def is_time_by_condition(value: object) -> bool:
    """Whether it is a time as we must write it."""
    if not isinstance(value, str) or _TIME.match(value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def read_time_for_condition(text: str) -> datetime:
    """A time of a message or a record."""
    return datetime.fromisoformat(text)


def write_time_for_condition(moment: datetime) -> str:
    """A time for a message, in milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_for_condition() -> str:
    """The time, for a message."""
    return write_time_for_condition(datetime.now(UTC))


TIME = Condition("a time in UTC with milliseconds and Z", is_time_by_condition)
POSITIVE = Condition("a positive integer", lambda value: type(value) is int and value > 0)


def condition_about_time(offset: timedelta, tolerance: timedelta = timedelta(seconds=30)) -> Condition:
    """The time that is `offset` from now, as far as that can be said."""
    meant = datetime.now(UTC) + offset
    return Condition(
        f"about {write_time_for_condition(meant)}",
        lambda value: is_time_by_condition(value) and abs(read_time_for_condition(value) - meant) <= tolerance,
    )


def condition_one_of(*values: object) -> Condition:
    return Condition(" or ".join(map(_shown_in_condition, values)), lambda value: value in values)


def condition_if_present(condition: Condition) -> Condition:
    """The field may be absent."""
    return Condition(condition.description, condition.holds, optional=True)


def differences_from_conditions(expected: object, found: object, where: str = "") -> list[str]:
    """What is different from what is expected; an object must have these fields and no others."""
    match expected:
        case Condition():
            if expected.holds(found):
                return []
            return [f"{where or 'it'} must be {expected.description}, and is {_shown_in_condition(found)}"]
        case dict() if isinstance(found, dict):
            return _differences_of_objects(expected, found, where)
        case list() if isinstance(found, list) and len(found) == len(expected):
            pairs = enumerate(zip(expected, found, strict=True))
            return [
                text for at, (one, other) in pairs for text in differences_from_conditions(one, other, f"{where}[{at}]")
            ]
    # True == 1 in Python, not in JSON.
    if expected == found and isinstance(expected, bool) == isinstance(found, bool):
        return []
    return [f"{where or 'it'} must be {_shown_in_condition(expected)}, and is {_shown_in_condition(found)}"]


def _differences_of_objects(expected: Payload, found: Payload, where: str) -> list[str]:
    texts = []
    for name, value in expected.items():
        place = f"{where}.{name}" if where else name
        if name in found:
            texts += differences_from_conditions(value, found[name], place)
        elif not (isinstance(value, Condition) and value.optional):
            texts.append(f"{place} is missing")
    texts += [
        f"{f'{where}.' if where else ''}{name} must be absent, and is {_shown_in_condition(value)}"
        for name, value in found.items()
        if name not in expected
    ]
    return texts


def conditions_unmet_by_record(expected: Payload, record: Payload) -> list[str]:
    """As `differences_from_conditions`, for a record that may have more fields than these."""
    return differences_from_conditions(expected, {name: value for name, value in record.items() if name in expected})


def require_condition(texts: list[str], what: str) -> None:
    """Raises Failed when there is anything to say about `what`."""
    if texts:
        raise Failed(f"{what}: {'; '.join(texts)}")


def _shown_in_condition(value: object) -> str:
    if isinstance(value, Condition):
        return value.description
    text = json.dumps(value, default=str)
    return text if len(text) <= 300 else text[:300] + "…"
