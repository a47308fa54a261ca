"""Possessive groups, as they are meant and as atomic groups: Python before 3.11.5 takes them wrongly."""

import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp import brackets, mending, secrets, spelling
from csmsd.ocpp.possessive import compile_possessive

PATTERNS = [
    value
    for module in (brackets, mending, secrets, spelling)
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str) and re.search(r"\)[*+?}]\+|\)\{", value.pattern)
]

needs_both = pytest.mark.skipif(sys.version_info < (3, 11, 5), reason="this Python takes possessive groups wrongly")


@pytest.mark.parametrize(
    ("pattern", "text", "taken"),
    [
        (r"(?:a|,(?!b))*+", "a,a,b", "a,a"),
        (r"(?:\((?:[(\])]|x)++\))*+!", "(x(])(x)!", None),
        (r"(?:\((?:[(\]]|x)++\))*+!", "(x(])(x)!", "(x(])(x)!"),
        (r"x(?P<one>a|b){1,2}+b", "xabb", "xabb"),
        (r"x(?P<one>a|b){1,3}+b", "xabb", None),
        (r"(?:a)?+a", "a", None),
    ],
)
def test_what_is_taken_is_not_given_back(pattern: str, text: str, taken: str | None) -> None:
    found = compile_possessive(pattern, sound=False).match(text)
    assert (found and found[0]) == taken


@needs_both
@pytest.mark.parametrize("pattern", PATTERNS)
@example('[2,"1","X",{"a":[1,,2,],"b":"\\ud800x\\"","c":nan,}]')
@example('[[{"a":"\\q"} {"b":1,2}],"x":ws://a:b@c@d/')
@given(st.text(st.sampled_from("[]{},:\"\\'u01d8a-.eE \n@/"), max_size=60))
def test_in_both_ways_the_same_is_found(pattern: "re.Pattern[str]", text: str) -> None:
    other = compile_possessive(pattern.pattern, pattern.flags & ~re.UNICODE, sound=False)
    assert other.pattern != pattern.pattern
    assert [found.regs for found in other.finditer(text)] == [found.regs for found in pattern.finditer(text)]


@needs_both
def test_there_are_such_patterns() -> None:
    assert len(PATTERNS) > 8
