"""JSON as text: what is sent, and what is kept of what was parsed."""

import msgspec

encode_json = msgspec.json.Encoder().encode


def written_out(payload: object) -> str:
    """Parsed JSON as text again, to be kept; never raises."""
    try:
        return encode_json(payload).decode()
    except RecursionError:
        return '"nested too deeply to be kept"'
