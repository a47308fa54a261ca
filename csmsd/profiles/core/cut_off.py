"""A StopTransaction of which only a part arrived: whether one that came whole is the same. Pure."""

import re

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import parse_timestamp

_AT_ONCE_MS = 60_000
_NUMBER = r'"?{name}"?\s*:\s*"?(-?\d+)(?:"|\s*([,}}\]])|\s*$)'
_TEXT = r'"{name}"\s*:\s*"([^"\\]*)"'


def _cut_off_number(name: str, text: str) -> tuple[str, bool] | None:
    """Its digits, and whether there may have been more of them."""
    found = re.search(_NUMBER.format(name=name), text)
    return None if found is None else (found[1], found.end() == len(text) and found[2] is None and text[-1] != '"')


def _cut_off_text(name: str, text: str) -> str | None:
    found = re.search(_TEXT.format(name=name), text)
    return None if found is None else found[1]


def _at_once_though_cut_off(read: str | None, timestamp: str) -> bool:
    """Some write the time anew when they send a message again."""
    if read is None or read == timestamp:
        return True
    times = parse_timestamp(read), parse_timestamp(timestamp)
    return times[0] is not None and times[1] is not None and abs(times[0] - times[1]) <= _AT_ONCE_MS


def is_cut_off_part_of(
    payload: str, *, transaction_id: int, meter_stop: int, timestamp: str, id_tag: str | None, reason: str | None
) -> bool:
    """Whether the kept text of a frame names that transaction, and all else that can be read of it agrees."""
    text = msgspec.json.decode(payload)
    if not isinstance(text, str):
        return False
    named, register = _cut_off_number("transactionId", text), _cut_off_number("meterStop", text)
    if named is None or named != (str(transaction_id), False):
        return False
    if register is not None:
        digits, cut = register
        if not (str(meter_stop).startswith(digits) if cut else digits == str(meter_stop)):
            return False
    if not _at_once_though_cut_off(_cut_off_text("timestamp", text), timestamp):
        return False
    told = (("idTag", id_tag), ("reason", reason))
    return all(
        read is None or (value is not None and fold(read.strip()) == fold(value.strip()))
        for read, value in ((_cut_off_text(name, text), value) for name, value in told)
    )
