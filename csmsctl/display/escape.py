"""Text from elsewhere, made harmless: what a charge point or an operator wrote must not steer a terminal."""

import json
import re
from typing import Any

# C0, DEL, C1; marks, embeddings and isolates that reorder text; zero-width and line separators; lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape_text(text: str) -> str:
    """The text in one line, with everything invisible or harmful written as an escape such as `\\x1b`."""
    return _UNSAFE.sub(_escape_found, text)


def _escape_found(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def escape_to_json(data: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """JSON that is safe to show: what `escape_text` would escape is escaped as JSON has it."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(data, ensure_ascii=ascii_only, indent=indent, separators=separators)
    return _escaped_document(text)


def escape_to_toml(data: dict[str, Any]) -> str:
    """TOML that is safe to show, in the same way."""
    import tomli_w

    return _escaped_document(tomli_w.dumps(data))


def _escaped_document(text: str) -> str:
    """Line breaks between the lines are the only control characters that are left, besides DEL and C1."""
    return _UNSAFE.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)
