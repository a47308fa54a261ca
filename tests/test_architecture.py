"""Who may know whom (DESIGN: "The house must be visible"), read from the source of every module."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from csmsd.ocpp.types import Message
from csmsd.profiles import ROOMS, operations, slices
from csmsd.profiles.slice import Incoming, Operation, Outgoing

ROOT = Path(__file__).parent.parent
EDGES = ("csmsd.charge_points", "csmsd.store", "csmsd.control", "csmsd.files", "csmsd.metrics", "csmsd.hooks")
IMPURE = {
    "aiosqlite", "asyncio", "http", "os", "pathlib", "selectors", "socket", "sqlite3", "ssl", "subprocess", "threading",
    "time", "uvloop", "websockets",
}  # fmt: skip


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for top in ("csmsd", "csmsctl") for path in sorted((ROOT / top).rglob("*.py"))}


def below(name: str, *packages: str) -> bool:
    """Whether a module is one of the packages or in one of them."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def modules(*packages: str) -> list[str]:
    return [name for name in SOURCES if below(name, *packages)]


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(SOURCES[name].read_text("utf-8"))


def imports(name: str) -> Iterator[tuple[str, str | None]]:
    """(module, name in it) of every import that is done when the program runs."""
    waiting: list[ast.AST] = [tree(name)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative imports hide who knows whom"
            assert node.module is not None
            yield from ((node.module, alias.name) for alias in node.names)


def imported_modules(name: str) -> set[str]:
    """Imported modules; of `from package import module` the module."""
    return {
        f"{module}.{inner}" if inner is not None and f"{module}.{inner}" in SOURCES else module
        for module, inner in imports(name)
    }


def ours(name: str) -> set[str]:
    return {module for module in imported_modules(name) if below(module, "csmsd", "csmsctl")}


def test_there_is_something_to_look_at() -> None:
    for package in ("csmsd.ocpp", "csmsd.profiles.core", "csmsctl", *EDGES):
        assert len(modules(package)) > 1, package
    assert ours("csmsd.profiles.core.authorize") >= {"csmsd.ocpp.types", "csmsd.profiles.core.id_tags"}


# --- the pure part


@pytest.mark.parametrize("name", modules("csmsd.ocpp"))
def test_ocpp_knows_nothing_of_ours_but_itself(name: str) -> None:
    assert {module for module in ours(name) if not below(module, "csmsd.ocpp")} == set()


@pytest.mark.parametrize("name", modules("csmsd.profiles"))
def test_profiles_know_ocpp_and_each_other(name: str) -> None:
    assert {module for module in ours(name) if not below(module, "csmsd.ocpp", "csmsd.profiles")} == set()


@pytest.mark.parametrize("name", modules("csmsd.ocpp", "csmsd.profiles"))
def test_the_pure_part_reads_no_clock_and_does_no_io(name: str) -> None:
    assert {module for module in imported_modules(name) if module.partition(".")[0] in IMPURE} == set()
    calls = {ast.unparse(node.func) for node in ast.walk(tree(name)) if isinstance(node, ast.Call)}
    assert {call for call in calls if re.search(r"\b(date|datetime)\.(now|utcnow|today)$", call)} == set()
    assert calls & {"open", "print", "input"} == set()


def test_profiles_import_each_other_without_a_circle() -> None:
    graph = {name: ours(name) & set(modules("csmsd.profiles")) for name in modules("csmsd.profiles")}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


# --- the edges


@pytest.mark.parametrize("edge", EDGES)
def test_edges_never_know_each_other_nor_the_daemon(edge: str) -> None:
    others = [other for other in EDGES if other != edge]
    for name in modules(edge):
        assert {module for module in ours(name) if below(module, *others, "csmsd.daemon", "csmsctl")} == set(), name


def test_the_daemon_alone_knows_everybody() -> None:
    knowing = {
        name
        for name in modules("csmsd")
        if not below(name, *EDGES) and any(below(module, *EDGES) for module in ours(name))
    }

    assert knowing <= {"csmsd.daemon", "csmsd.__main__"}
    assert all(any(below(module, edge) for module in ours("csmsd.daemon")) for edge in EDGES)


@pytest.mark.parametrize("name", modules("csmsd"))
def test_csmsd_does_not_know_csmsctl(name: str) -> None:
    assert not any(below(module, "csmsctl") for module in ours(name))


# --- csmsctl


def is_data(value: object) -> bool:
    """A message class, an operation, or the choices of one of their fields."""
    return get_origin(value) is Literal or (isinstance(value, type) and issubclass(value, Message | Operation))


@pytest.mark.parametrize("name", modules("csmsctl"))
def test_csmsctl_knows_messages_and_the_registry_only(name: str) -> None:
    for module, inner in imports(name):
        if not below(module, "csmsd") or below(module, "csmsd.ocpp", "csmsd.profiles.slice"):
            continue
        if module == "csmsd.store.inspection":
            assert name == "csmsctl.commands.backup"  # a backup is looked into where there is no daemon
        elif module == "csmsd":
            assert inner in (None, "__version__")  # of `import csmsd` nothing else can be had
        elif module == "csmsd.profiles":
            assert inner in ("ROOMS", "incoming", "operations", "outgoing", "slices")
        else:
            assert below(module, "csmsd.profiles"), module
            assert inner is not None
            assert is_data(getattr(importlib.import_module(module), inner)), f"{module}.{inner}"


def test_only_the_shell_has_a_prompt() -> None:
    """Every other command starts without prompt_toolkit."""
    for name in modules("csmsctl"):
        if not below(name, "csmsctl.shell"):
            found = {module for module, _ in imports(name) if below(module, "prompt_toolkit", "csmsctl.shell")}
            assert not found, name


# --- slices

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


# --- operations

OPERATIONS = sorted(operations().items())
# What csmsctl adds to every operation.
CONSOLE_OPTIONS = {"dry_run", "fail_fast", "force", "parallel", "timeout", "wait", "yes"}


def described(hint: Any) -> bool:
    if get_origin(hint) is Annotated and any(isinstance(m, msgspec.Meta) and m.description for m in hint.__metadata__):
        return True
    return any(described(part) for part in get_args(hint))


@pytest.mark.parametrize(("command", "operation"), OPERATIONS, ids=[command for command, _ in OPERATIONS])
def test_every_operation_is_documented(command: str, operation: type[Operation]) -> None:
    summary = (operation.__doc__ or "").partition("\n")[0]
    assert re.fullmatch(r"[A-Z].{5,89}", summary)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", command)
    assert operation.command == command

    hints = get_type_hints(operation, include_extras=True)
    assert [name for name in operation.__struct_fields__ if not described(hints[name])] == []

    words = operation.example.split()
    assert words[:2] == ["csmsctl", command]
    options = {word.removeprefix("--").replace("-", "_") for word in words if word.startswith("--")}
    assert options - CONSOLE_OPTIONS <= set(operation.__struct_fields__)
    needed = operation.__struct_fields__[: len(operation.__struct_fields__) - len(operation.__struct_defaults__)]
    assert set(needed) <= options


# --- words


def names_given(name: str) -> Iterator[str]:
    for node in ast.walk(tree(name)):
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
