"""Secrets in messages: found by key name, masked before anything is stored or shown."""

import re
from collections.abc import Mapping

MASK = "******"
TOKEN_PREFIX = "token-"  # noqa: S105 - of the segment of our own URLs that only the one who was told can know

_MAX_DEPTH = 50  # no message of OCPP is nested half as deep

_NAMES = r"authorization[ _-]?key|passw|passphrase|secret|credential|private[ _-]?key|api[ _-]?key|token"
_PARTS = (b"key", b"passw", b"passphrase", b"secret", b"credential", b"token", b"sig", b"@", b"\\u")  # in every match
_SECRET_KEY = re.compile(_NAMES, re.IGNORECASE)
_URL_CREDENTIALS = re.compile(
    r"(?<=://)[^/\s\"]+(?=@)"  # user and password
    rf"|(?<=/{TOKEN_PREFIX})[^/\s\"?#]+"
    rf"|(?<=[?&])([^=&\s\"]*(?:{_NAMES}|sig)[^=&\s\"]*=)[^&#\s\"]+",  # signed URLs of file stores
    re.IGNORECASE,
)
# In JSON a slash may be written `\/`, and any letter as `\u0041`.
_SUSPICIOUS = re.compile(_NAMES.encode() + rb"|sig[^=&\s\"]*=|:\\?/\\?/[^/\s\"]*@|\\u00[2-7]", re.IGNORECASE)


def is_secret_key(name: str) -> bool:
    """Whether a configuration key of that name holds a secret."""
    return _SECRET_KEY.search(name) is not None


# A charge point sends the same few texts over and over with another id and other numbers. What follows the id is,
# without its digits, known to be harmless after the first one: a look into a set instead of a search for each part
# through a kilobyte and more. Digits are not missed: no part has one, so without them no part gets lost.
_HEADS = (b'[2,"', b'[3,"', b'[4,"')
_DIGITS = b"0123456789"
_MOST_HARMLESS = 2000
_harmless: set[bytes] = set()


def may_hold_secret(text: bytes) -> bool:
    """A quick look, so that messages without secrets need not be parsed to be logged."""
    head, _, rest = text.partition(b'",')
    # A frame's head whose id is letters, digits and dashes hides nothing.
    ordinary_id = head.startswith(_HEADS) and head[4:].replace(b"-", b"").isalnum()
    rest = rest.translate(None, _DIGITS)
    if ordinary_id and rest in _harmless:
        return False
    folded = text.lower()
    if any(part in folded for part in _PARTS):  # ten times as fast as the expression, which next to none needs
        return _SUSPICIOUS.search(text) is not None
    if ordinary_id and not any(part in rest.lower() for part in _PARTS):
        if len(_harmless) >= _MOST_HARMLESS:
            _harmless.clear()
        _harmless.add(rest)
    return False


def masked(value: object) -> object:
    """A copy of parsed JSON with secret values, and credentials in URLs, replaced by asterisks."""
    return _masked(value, _MAX_DEPTH)


def _masked(value: object, depth: int) -> object:
    if isinstance(value, Mapping | list) and depth == 0:
        return MASK
    if isinstance(value, Mapping):
        # Names are read in any case (see `reading.py`), so they are looked for in any case.
        hidden = any(
            str(name).casefold() == "key" and isinstance(key, str) and is_secret_key(key) for name, key in value.items()
        )
        return {
            name: MASK if item is not None and _is_secret(str(name), hidden) else _masked(item, depth - 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, depth - 1) for item in value]
    if isinstance(value, str):
        return _URL_CREDENTIALS.sub(lambda found: (found[1] or "") + MASK, value)
    return value


def _is_secret(name: str, hidden: bool) -> bool:
    folded = name.casefold()
    return (hidden and folded == "value") or (folded != "key" and is_secret_key(name))
