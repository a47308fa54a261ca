"""The oracle: the official JSON schemas of OCPP 1.6, as PyPI `ocpp` ships them, for every message that csmsd sends."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

# J 4.2.3 and JE 5.1: these and no others, spelled so.
ERROR_CODES = frozenset(
    {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    }
)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_formats = FormatChecker(formats=())


@_formats.checks("date-time")
def _milliseconds_and_z(value: object) -> bool:
    """C 3.14: UTC with milliseconds and Z. The schema asks for less."""
    return not isinstance(value, str) or _TIME.match(value) is not None


# Where the schema files are wrong, the errata sheet of OCPP-J says so; the corrected type is what we are held to.
_ERRATA: dict[tuple[str, str], dict[str, Any]] = {
    ("BootNotificationResponse", "interval"): {"type": "integer"},  # JE 2.3
    ("UpdateFirmware", "retries"): {"type": "integer"},  # JE 2.4
    ("UpdateFirmware", "retryInterval"): {"type": "integer"},  # JE 2.4
}


@cache
def schema_of(name: str) -> dict[str, Any]:
    """The corrected schema of an action, or of its answer (`HeartbeatResponse`)."""
    text = files("ocpp.v16").joinpath("schemas", f"{name}.json").read_text("utf-8-sig")
    schema: dict[str, Any] = json.loads(text)
    for (corrected, field), replacement in _ERRATA.items():
        if corrected == name:
            schema["properties"][field] = replacement
    return schema


@cache
def _validator(name: str) -> Draft4Validator:
    return Draft4Validator(schema_of(name), format_checker=_formats)


def violations(action: str, payload: object, *, response: bool) -> list[str]:
    """What the schema of that action has against the payload."""
    name = f"{action}Response" if response else action
    found = sorted(_validator(name).iter_errors(payload), key=str)
    return [f"{name} {list(error.path)}: {error.message}" for error in found]
