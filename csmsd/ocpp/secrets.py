"""Secrets in messages: found by key name, masked before anything is stored or shown."""

import re
from collections.abc import Mapping

from csmsd.ocpp.possessive import compile_possessive

MASK = "******"
TOKEN_PREFIX = "token-"  # noqa: S105 - of the segment of our own URLs that only the one who was told can know

_MAX_DEPTH = 50  # no message of OCPP is nested half as deep

_NAMES = r"authorization[ _-]?key|passw|passphrase|secret|credential|private[ _-]?key|api[ _-]?key|token"
_SECRET_KEY = re.compile(_NAMES, re.IGNORECASE)
# Every expression here is linear by construction: what one may begin with ends what it runs over (a peer chooses the
# text), and nothing that was run over is tried again (`*+`).
_USER_INFO = compile_possessive(r"(?<=://)(?!@)(?:[^/\s\"@]*+@)++")  # user and password, which may have an @ in it
_TOKEN = re.compile(rf"(?<=/{TOKEN_PREFIX})[^/\s\"?#]++", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&]([^=&?\s\"]*+)=")
_END_OF_VALUE = re.compile(r"[&#\s\"]|\Z")
_SECRET_PARAMETER = re.compile(rf"{_NAMES}|sig", re.IGNORECASE)  # signed URLs of file stores
# The same in the bytes of a text in lower case: what stands in every match, then whether it is one. In JSON a slash may
# be written `\/`, and any letter as `\u0041`.
_ALWAYS_SUSPICIOUS = (b"passw", b"passphrase", b"secret", b"credential", b"token")
_SUSPICIOUS_KEY = re.compile(rb"(?:authorization|private|api)[ _-]?key")
_SUSPICIOUS_USER = re.compile(rb":\\?/\\?/[^/\s\"@]*+@")
_SUSPICIOUS_ESCAPE = re.compile(rb"\\u00[2-7]")
_SIGNED = re.compile(rb"[?&]([^=&?\s\"]*+)=")


def is_secret_key(name: str) -> bool:
    """Whether a configuration key of that name holds a secret."""
    return _SECRET_KEY.search(name) is not None


# A charge point sends the same few texts over and over with another id and other numbers. What follows the id is,
# without its digits, known to be harmless after the first one: a look into a set instead of a search for each part
# through a kilobyte and more. Digits are not missed: what matches without them is looked at with them, and an escape,
# the one match in which some stand, is never known.
_DIGITS = b"0123456789"
_BEFORE_A_NAME = frozenset((b"[,", b"[,,"))  # without digits: before the id, or before the action behind a number
_BLANKS_AND_DIGITS = b" \t\r\n" + _DIGITS
_IN_NAMES = b"-_.:{}+="  # beside letters and digits; without a slash it is no URL, and hides nothing
_MOST_HARMLESS = 2000
_harmless: set[int] = set()  # their hashes, which nobody outside can aim at


def may_hold_secret(text: bytes) -> bool:
    """A quick look, so that messages without secrets need not be parsed to be logged."""
    head, end, rest = text.partition(b'",')
    begin, _, name = head.partition(b'"')
    hides_nothing = begin.translate(None, _BLANKS_AND_DIGITS) in _BEFORE_A_NAME
    if not (end and hides_nothing and name.translate(None, _IN_NAMES).isalnum()):
        rest = text
    elif rest == b"{}]":  # half of what is answered
        return False
    rest = rest.translate(None, _DIGITS)
    known = hash(rest)
    if known in _harmless:
        return False
    folded = rest.lower()
    if _is_suspicious(folded) or b"\\u" in folded:
        return _is_suspicious(text.lower())
    if len(_harmless) >= _MOST_HARMLESS:
        _harmless.clear()
    _harmless.add(known)
    return False


def _is_suspicious(folded: bytes) -> bool:
    for part in _ALWAYS_SUSPICIOUS:
        if part in folded:  # ten times as fast as an expression, which next to none needs
            return True
    if b"key" in folded and _SUSPICIOUS_KEY.search(folded):
        return True
    if b"@" in folded and _SUSPICIOUS_USER.search(folded):
        return True
    if b"\\u" in folded and _SUSPICIOUS_ESCAPE.search(folded):
        return True
    if b"sig" in folded and (b"?" in folded or b"&" in folded):
        return any(b"sig" in found[1] for found in _SIGNED.finditer(folded))
    return False


def masked_secrets(value: object) -> object:
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
        return _masked_text(value)
    return value


def _masked_text(text: str) -> str:
    """Without what in URLs only the one may know who was told."""
    if "://" in text:
        text = _USER_INFO.sub(MASK + "@", text)
    text = _TOKEN.sub(MASK, text)
    return _without_values(text) if "=" in text else text


def _without_values(text: str) -> str:
    """Without the values of parameters that have the name of a secret."""
    kept, done = [], 0
    for found in _PARAMETER.finditer(text):
        begin = found.end()
        if found.start() < done or not _SECRET_PARAMETER.search(found[1]):
            continue
        value = _END_OF_VALUE.search(text, begin)
        assert value is not None  # the end of the text is one
        if value.start() > begin:
            kept += [text[done:begin], MASK]
            done = value.start()
    return "".join([*kept, text[done:]])


def _is_secret(name: str, hidden: bool) -> bool:
    folded = name.casefold()
    return (hidden and folded == "value") or (folded != "key" and is_secret_key(name))
