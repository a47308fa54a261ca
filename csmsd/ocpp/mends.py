"""What is mended in text that is nearly JSON, by name."""

from typing import Final, Literal

Mend = Literal[
    "byte_order_mark",
    "not_utf_8",
    "control_character",
    "lone_surrogate",
    "missing_value",
    "no_number",
    "bare_word",
    "malformed_number",
    "decimal_comma",
    "single_quotes",
    "bad_escape",
    "stray_comma",
    "missing_comma",
    "brackets",
    "trailing_bytes",
    "several_frames",
    "truncated",
    "unreadable",
]

STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'  # as JSON has one, in a regular expression


class Hopeless(Exception):
    """The text has what nobody can mend, or too much of it."""
