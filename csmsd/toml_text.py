"""TOML that anybody may have written: read in a time that goes with its length, or refused."""

import re
import tomllib
from collections.abc import Callable
from typing import Any

_MOST_PARTS = 100  # of a key; `tomllib` takes a time for each key that goes with their square
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}){{{_MOST_PARTS}}}")


def read_toml(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """The document. Raises tomllib.TOMLDecodeError, also for what has keys or is nested as nobody means it."""
    long = _LONG_KEY.search(text)
    if long is not None:
        line = text.count("\n", 0, long.start()) + 1
        raise tomllib.TOMLDecodeError(f"more than {_MOST_PARTS} parts with dots between them (at line {line})")
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise tomllib.TOMLDecodeError("its values are nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # of Python itself: an integer of more digits than it converts
        raise tomllib.TOMLDecodeError(str(error)) from None
