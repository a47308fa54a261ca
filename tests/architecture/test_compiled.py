"""What may be compiled means the same compiled as not."""

import ast
import runpy

import pytest

from tests.support.site import ROOT

COMPILED: list[str] = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")["COMPILED"]


@pytest.mark.parametrize("path", COMPILED)
def test_no_class_has_keywords(path: str) -> None:
    """mypyc drops them, and says nothing: `frozen=True` would be lost."""
    tree = ast.parse((ROOT / path).read_text())
    assert [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.keywords] == []


@pytest.mark.parametrize("path", COMPILED)
def test_nothing_is_copied_by_copy(path: str) -> None:
    """It makes an object without its arguments, which a compiled class refuses."""
    tree = ast.parse((ROOT / path).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "copy" not in {name for node in imports for name in (getattr(node, "module", ""), *map(_name, node.names))}


@pytest.mark.parametrize("path", COMPILED)
def test_nothing_is_called_that_a_property_gives(path: str) -> None:
    """mypyc calls the getter with what is meant for its value, and the value is never called."""
    tree = ast.parse((ROOT / path).read_text())
    callables = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and "property" in map(ast.unparse, node.decorator_list)
        and "Callable" in ast.unparse(node.returns or ast.Constant(None))
    ]
    assert callables == []


def _name(alias: ast.alias) -> str:
    return alias.name
