"""Secrets in command lines, which are neither remembered nor repeated."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from csmsd.ocpp.secrets import MASK, is_secret_key, masked

# `--password-file` and `--generate-password` are no secrets themselves.
_HARMLESS = re.compile(r"--generate-|--.*-file\Z")


def masked_words(words: Sequence[str]) -> list[str]:
    """The words with asterisks in place of passwords and keys."""
    return [
        MASK if before.startswith("--") and "=" not in before and _is_secret(before) else _masked_word(word)
        for before, word in pairwise(["", *words])
    ]


def holds_secret(words: Sequence[str]) -> bool:
    """Whether there is a password or a key among the words."""
    return masked_words(words) != list(words)


def _masked_word(word: str) -> str:
    if word.lstrip().startswith("{"):
        try:
            value = json.loads(word)
        except (ValueError, RecursionError):
            return MASK if is_secret_key(word) else word
        shown = _masked_texts(masked(value))
        return word if shown == value else json.dumps(shown)
    name, equals, value = word.partition("=")
    if equals and _is_secret(name):
        return f"{name}={MASK}"
    if equals:
        return f"{name}={_masked_word(value)}"
    return str(masked(word))


def _masked_texts(value: Any) -> Any:
    """The texts in JSON, which may be words of a command themselves: `{"set": "AuthorizationKey=…"}`."""
    match value:
        case str():
            return _masked_word(value)
        case list():
            return [_masked_texts(part) for part in value]
        case dict():
            return {name: _masked_texts(part) for name, part in value.items()}
    return value


def _is_secret(name: str) -> bool:
    return is_secret_key(name) and not _HARMLESS.match(name)
