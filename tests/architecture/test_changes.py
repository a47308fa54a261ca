"""A change of the state goes one way: `LiveSite` alone commits, and alone tells of it."""

import ast
from importlib import import_module

import pytest

from csmsd.control.methods import METHODS
from tests.architecture.sources import modules, nodes, tree

# Who has those calls without changing the state: the file of the log, which has a commit of its own, and
# the writer with its thread.
COMMITTING = {
    "csmsd.live_site",
    "csmsd.store.writer",
    "csmsd.store.writing_thread",
    *(f"csmsd.store.message_log.{part}" for part in ("file", "log", "trimming")),
}
PUBLISHING = {"csmsd.live_site"}
# What the right to look is enough for.
READ = {name for name, method in METHODS.items() if method.needs == "read"}


def called(name: str) -> set[str]:
    """The methods that a module calls, by their last name, or hands on to be called."""
    return {node.attr for node in nodes(name) if isinstance(node, ast.Attribute)}


def names(name: str) -> set[str]:
    return {node.id for node in nodes(name) if isinstance(node, ast.Name)} | {
        alias.name for node in nodes(name) if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_live_site_alone_commits() -> None:
    assert {name for name in modules("csmsd") if "commit" in called(name)} == COMMITTING


def test_live_site_alone_publishes() -> None:
    assert {name for name in modules("csmsd") if "publish" in called(name)} == PUBLISHING


def test_nobody_else_has_a_use_for_the_writer() -> None:
    """`submit`, `remove` and `renew` have other meanings elsewhere: nobody has the object that they are called on."""
    assert {name for name in modules("csmsd") if "RecordWriter" in names(name)} == {"csmsd.live_site"}
    assert {name for name in modules("csmsd") if "Writer" in names(name)} == {"csmsd.daemon"}


@pytest.mark.parametrize("name", modules("csmsd.control.methods"))
def test_a_method_that_reads_changes_nothing(name: str) -> None:
    """It works while nothing can be stored, sends nothing to a charge point, and is for those who may only look."""
    functions = {
        node.name: node for node in tree(name).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    writing = {"keep", "submit", "remove", "require"}
    giving = ("service.runner", "service.queue")

    def writes(function: ast.AST) -> bool:
        return any(
            isinstance(node, ast.Attribute)
            and (
                (node.attr in writing and ast.unparse(node.value).endswith(".live"))
                or node.attr == "tidy"
                or (node.attr in ("run", "cancel") and ast.unparse(node.value) in giving)
            )
            for node in ast.walk(function)
        )

    methods = vars(import_module(name)).get("METHODS", {})
    for method in methods.keys() & READ:
        if methods[method].run.__name__ in functions:
            assert not writes(functions[methods[method].run.__name__]), method
