"""JSON that commands read: from a file, or from standard input."""

import json
import sys
from pathlib import Path
from typing import Any

from csmsctl.failure import USAGE, Failure


def name_or_json(value: Any) -> Any:
    """A NAME as it is; the object in a FILE, which has a `/` or ends in `.json`, or is `-` for standard input; JSON."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return read_json_object(value, "profile")
    if not isinstance(value, str) or not (value == "-" or "/" in value or value.endswith(".json")):
        return value
    return read_json_file(value)


def read_json_file(file: str) -> dict[str, Any]:
    """The JSON object in a file, or on standard input for `-`."""
    if file == "-":
        return read_json_object(sys.stdin.read(), "standard input")
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Failure(USAGE, f"{file} cannot be read: {reason}.") from error
    return read_json_object(text, f"content of {file}")


def read_json_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object, or the reason why it is none."""
    try:
        value = json.loads(text, parse_constant=_no_json_constant)
    except RecursionError as error:
        raise Failure(USAGE, f"The {what} is nested too deeply.") from error
    except ValueError as error:
        raise Failure(
            USAGE, f"The {what} is not JSON: {error}.", 'Quote it for the shell: \'{"type":"Soft"}\''
        ) from error
    if not isinstance(value, dict):
        raise Failure(USAGE, f"The {what} must be a JSON object, as in {{}}.")
    return value


def _no_json_constant(name: str) -> None:
    raise ValueError(f"{name} does not exist in JSON")
