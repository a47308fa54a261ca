"""JSON that commands read: from a file, or from standard input."""

import sys
from pathlib import Path
from typing import Any

from csmsctl.failure import USAGE, Failure


def name_or_json(value: Any) -> Any:
    """A NAME as it is; the object in a FILE, which has a `/` or ends in `.json`, or is `-` for standard input; JSON."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        from csmsctl.commands.call import read_object

        return read_object(value, "profile")
    if not isinstance(value, str) or not (value == "-" or "/" in value or value.endswith(".json")):
        return value
    return read_json_file(value)


def read_json_file(file: str) -> dict[str, Any]:
    """The JSON object in a file, or on standard input for `-`."""
    from csmsctl.commands.call import read_object

    if file == "-":
        return read_object(sys.stdin.read(), "standard input")
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Failure(USAGE, f"{file} cannot be read: {reason}.") from error
    return read_object(text, f"content of {file}")
