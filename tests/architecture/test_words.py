"""The field's terms, and no others for the same things."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import modules, nodes


def names_given(name: str) -> Iterator[str]:
    for node in nodes(name):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


@pytest.mark.parametrize("name", modules("csmsd"))
def test_names_are_in_ocpps_own_terms(name: str) -> None:
    """Charge point, connector, idTag, transaction: never station, charger or session."""
    assert [word for word in names_given(name) if re.search(r"station|charger|session", word, re.IGNORECASE)] == []
