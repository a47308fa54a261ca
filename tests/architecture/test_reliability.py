"""Every promise of docs/reliability.md names the tests that show it, and they are there."""

import ast
import re

import pytest

from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
# `faults/test_kill.py::test_…`, below tests/; a class stands between them where there is one.
NAMED = re.findall(r"`([\w/]+\.py)::((?:\w+::)?test_\w+)`", PAGE)
FILES = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)


def test_there_is_something_to_look_at() -> None:
    assert len(NAMED) > 80


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    inside: ast.AST = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    for part in name.split("::"):
        found = [node for node in ast.iter_child_nodes(inside) if getattr(node, "name", None) == part]
        assert found, f"{file} has no {part}"
        inside = found[0]


@pytest.mark.parametrize("file", sorted(set(FILES)))
def test_a_file_that_is_named_is_there(file: str) -> None:
    assert (ROOT / file).exists()
