"""Secrets in messages: found by key name, masked before anything is stored or shown."""

import re
from collections.abc import Mapping

MASK = "******"

_SECRET_KEY = re.compile(r"authorization_?key|passw|passphrase|secret|credential|private_?key|api_?key|token", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s\"'@]+(?=@)")
_SUSPICIOUS = re.compile(rb"authorization_?key|passw|passphrase|secret|credential|private_?key|api_?key|token|://[^/\s\"]*@", re.I)


def is_secret_key(name: str) -> bool:
    """Whether a configuration key of that name holds a secret."""
    return _SECRET_KEY.search(name) is not None


def may_hold_secret(text: bytes) -> bool:
    """A quick look, so that messages without secrets need not be parsed to be logged."""
    return _SUSPICIOUS.search(text) is not None


def masked(value: object) -> object:
    """A copy of parsed JSON with secret values, and credentials in URLs, replaced by asterisks."""
    if isinstance(value, Mapping):
        key = value.get("key")
        hidden = isinstance(key, str) and is_secret_key(key)
        return {
            name: MASK
            if item is not None and ((hidden and name == "value") or (name != "key" and is_secret_key(str(name))))
            else masked(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str):
        return _URL_CREDENTIALS.sub(MASK, value)
    return value
