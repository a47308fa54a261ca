"""Each method of the control socket says which right it needs, and the page about the protocol says the same."""

import re

from csmsd.control.methods import METHODS
from csmsd.profiles import operations
from tests.support.site import ROOT

PAGE = (ROOT / "docs" / "control-protocol.md").read_text("utf-8").partition("\n## Rights\n")[2].partition("\n## ")[0]


def needing(right: str) -> set[str]:
    return {name for name, method in METHODS.items() if method.needs == right}


def test_none_is_without() -> None:
    assert set(METHODS) == needing("read") | needing("reception") | needing("all") | {"operation.run"}
    assert callable(METHODS["operation.run"].needs)


def test_the_page_names_those_of_a_reception() -> None:
    listed = PAGE.partition("**reception**")[2].split("\n\n")[1]
    assert set(re.findall(r"`([a-z_]+\.[a-z_]+)`", listed)) == needing("reception")


def test_the_page_names_the_commands_of_a_reception() -> None:
    told = PAGE.rpartition("`operation.run` needs")[2].partition(", all for the others")[0]
    assert set(re.findall(r"`([a-z-]+)`", told)) == {name for name, one in operations().items() if one.reception}
