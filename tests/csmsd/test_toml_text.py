"""TOML that anybody may have written: what it says, or a refusal, and soon."""

import time
import tomllib
from decimal import Decimal

import pytest

from csmsd.toml_text import read_toml


def test_what_it_says() -> None:
    text = 'title = "a.b.c"\n[a."b.c".d]\ne = 1.50\nf.g = [1, 2]\n'
    assert read_toml(text, parse_float=Decimal) == {
        "title": "a.b.c",
        "a": {"b.c": {"d": {"e": Decimal("1.50"), "f": {"g": [1, 2]}}}},
    }


def test_a_long_text_with_dots_is_no_long_key() -> None:
    text = "1. one, 2. two. " * 100 + "." * 1000
    assert read_toml(f'note = "{text}"') == {"note": text}
    assert read_toml(f"[{'a.' * 99}z]\nkey = 1")


HOSTILE = {
    "a key": ("\n" + "a." * 125_000, "more than 100 parts with dots between them (at line 2)"),
    "a key in quotes": ('"a" . ' * 50_000 + "b = 1", "more than 100 parts"),
    "a table": (f"x = 1\n[{'a.' * 125_000}a]", "(at line 2)"),
    "a key in a table": ("t = {" + "a." * 125_000 + "a = 1}", "more than 100 parts"),
    "lists in lists": ("a = " + "[" * 100_000, "nested too deeply"),
    "a number": ("a = " + "1" * 10_000, "digits"),
    "one word": ("a" * 250_000, "Expected"),
    "a text that does not end": ('a = "' + "b" * 250_000, "Unterminated"),
    "quotes": ("'" * 250_000, "Expected"),
}


@pytest.mark.parametrize(("text", "why"), HOSTILE.values(), ids=HOSTILE)
def test_what_nobody_means_is_refused_at_once(text: str, why: str) -> None:
    begun = time.process_time()
    with pytest.raises(tomllib.TOMLDecodeError) as refusal:
        read_toml(text)
    assert why in str(refusal.value)
    assert time.process_time() - begun < 5
