"""An action is declared in one module, under its name, with a test."""

import ast
import importlib
import re
from types import ModuleType

import pytest

from csmsd.profiles import ROOMS, slices
from csmsd.profiles.action import Incoming, Outgoing
from tests.architecture.sources import ROOT, modules, tree

SLICES: list[ModuleType] = [module for room in ROOMS for module in slices(room)]


def test_every_action_is_declared_in_exactly_one_slice() -> None:
    where: dict[str, set[str]] = {}
    for name in modules("csmsd.profiles"):
        for node in tree(name).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("INCOMING", "OUTGOING"):
                declared = getattr(importlib.import_module(name), ast.unparse(node.targets[0]))
                assert isinstance(declared, Incoming | Outgoing)
                where.setdefault(declared.action, set()).add(name)

    assert {action: names for action, names in where.items() if len(names) > 1} == {}
    assert {name for names in where.values() for name in names} == {module.__name__ for module in SLICES}


@pytest.mark.parametrize("module", SLICES, ids=lambda module: module.__name__.removeprefix("csmsd.profiles."))
def test_a_slice_is_named_after_its_action_and_has_a_test_of_its_name(module: ModuleType) -> None:
    _, _, room, name = module.__name__.split(".")
    actions = {getattr(module, side).action for side in ("INCOMING", "OUTGOING") if hasattr(module, side)}

    assert {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower() for action in actions} == {name}
    assert (ROOT / "tests" / "csmsd" / "profiles" / room / f"test_{name}.py").exists(), (
        "every slice has a test of its name"
    )
