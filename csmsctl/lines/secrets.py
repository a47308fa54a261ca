"""Secrets in command lines, which are neither remembered nor repeated."""

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from csmsd.ocpp.secrets import MASK, is_secret_key, masked_secrets

# `--password-file` and `--generate-password` are no secrets themselves.
_HARMLESS = re.compile(r"--generate-|--.*-file\Z")
# What people type instead of them, and mistype, is followed by a secret all the same.
_MEANT = ("password", "passwd", "passphrase", "pwd", "authorizationkey", "secret", "token")


def mask_secret_words(words: Sequence[str]) -> list[str]:
    """The words with asterisks in place of passwords and keys."""
    return [
        MASK if _is_value_of_secret(word, words[max(0, at - 2) : at]) else _masked_secret_word(word)
        for at, word in enumerate(words)
    ]


def _is_value_of_secret(word: str, before: Sequence[str]) -> bool:
    """Whether those before it say so: `--password`, or `--set KEY` where somebody forgot the `=`."""
    if not before:
        return False
    option, equals, key = before[-1].partition("=")
    if option == "--set" and equals:
        return "=" not in key and is_secret_key(key) and not word.startswith("-")
    if before[0] == "--set" and len(before) == 2:
        return not equals and is_secret_key(option) and not word.startswith("-")
    return option.startswith("--") and not equals and _is_name_of_secret(option)


def line_holds_secret(words: Sequence[str]) -> bool:
    """Whether there is a password or a key among the words."""
    return mask_secret_words(words) != list(words)


def _masked_secret_word(word: str) -> str:
    if word.lstrip().startswith("{"):
        try:
            value = json.loads(word)
        except (ValueError, RecursionError):
            return MASK if is_secret_key(word) else word
        shown = _masked_secret_texts(masked_secrets(value))
        return word if shown == value else json.dumps(shown)
    name, equals, value = word.partition("=")
    if equals and _is_name_of_secret(name):
        return f"{name}={MASK}"
    if equals:
        return f"{name}={_masked_secret_word(value)}"
    return str(masked_secrets(word))


def _masked_secret_texts(value: Any) -> Any:
    """The texts in JSON, which may be words of a command themselves: `{"set": "AuthorizationKey=…"}`."""
    match value:
        case str():
            return _masked_secret_word(value)
        case list():
            return [_masked_secret_texts(part) for part in value]
        case dict():
            return {name: _masked_secret_texts(part) for name, part in value.items()}
    return value


@lru_cache(maxsize=256)
def _is_name_of_secret(name: str) -> bool:
    if _HARMLESS.match(name):
        return False
    bare = name.lstrip("-").replace("-", "").casefold()
    return is_secret_key(name) or bool(get_close_matches(bare, _MEANT, 1, 0.8))
