"""Who may know whom."""

import ast
import importlib
import re
import subprocess
import sys
from typing import Literal, get_origin

import pytest

from csmsd.ocpp.types import Message
from csmsd.profiles import incoming, outgoing
from csmsd.profiles.action import Operation
from tests.architecture.sources import below, imported_modules, imports, modules, nodes, ours

EDGES = (
    "csmsd.charge_points", "csmsd.store", "csmsd.control", "csmsd.files", "csmsd.metrics", "csmsd.hooks", "csmsd.pki",
)  # fmt: skip
IMPURE = {
    "aiosqlite", "asyncio", "http", "os", "pathlib", "selectors", "socket", "sqlite3", "ssl", "subprocess", "threading",
    "time", "uvloop", "websockets",
}  # fmt: skip


def test_there_is_something_to_look_at() -> None:
    for package in ("csmsd.ocpp", "csmsd.profiles.core", "csmsd.operations", "csmsctl", *EDGES):
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
    calls = {ast.unparse(node.func) for node in nodes(name) if isinstance(node, ast.Call)}
    assert {call for call in calls if re.search(r"\b(date|datetime)\.(now|utcnow|today)$", call)} == set()
    assert calls & {"open", "print", "input"} == set()


# --- the engine for commands


@pytest.mark.parametrize("name", modules("csmsd.operations"))
def test_the_engine_knows_no_edge(name: str) -> None:
    """Operators and what starts by itself use it alike."""
    beside_it = ("csmsd.live_site", "csmsd.events", "csmsd.ports", "csmsd.runtime.waking")
    below_it = ("csmsd.ocpp", "csmsd.profiles", "csmsd.operations", *beside_it)

    assert {module for module in ours(name, for_types=True) if not below(module, *below_it)} == set()


@pytest.mark.parametrize("name", modules("csmsd.operations"))
def test_the_engine_does_not_speak_to_csmsctl(name: str) -> None:
    """Options and commands of csmsctl are spelt in control/, where its answers are made."""
    docstrings = {id(node.value) for node in nodes(name) if isinstance(node, ast.Expr)}
    said = [
        node.value
        for node in nodes(name)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]

    assert [text for text in said if re.search(r"csmsctl|(?<!\w)--\w|error_code", text)] == []


@pytest.mark.parametrize("name", modules("csmsd.operations"))
def test_the_engine_names_no_action(name: str) -> None:
    """What it has to know of one is declared in its slice."""
    constants = [node.value for node in nodes(name) if isinstance(node, ast.Constant)]

    assert set(constants) & (set(incoming()) | set(outgoing())) == set()


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


# --- what the daemon runs on


@pytest.mark.parametrize("name", modules("csmsd.runtime"))
def test_what_the_daemon_runs_on_knows_nothing_of_the_site(name: str) -> None:
    words = ("csmsd.ports.live_site", "csmsd.profiles.milestone", "csmsd.profiles.record")  # of times, as all have them

    assert {module for module in ours(name, for_types=True) if not below(module, "csmsd.runtime", *words)} == set()


# --- WebSockets

# One shell for those that are listened to, with what opens them, and one for what plays a charge point.
SHELLS = {"csmsd.charge_points.upgrade", "csmsd.charge_points.wire", "csmsctl.link.wire"}


def test_websockets_is_known_where_a_socket_ends() -> None:
    knowing = {
        name
        for name in modules("csmsd", "csmsctl")
        if any(below(module, "websockets") for module in imported_modules(name, for_types=True))
    }

    assert knowing == SHELLS


# --- certificates


def test_cryptography_is_known_in_one_room_of_each_side() -> None:
    knowing = {
        name
        for name in modules("csmsd", "csmsctl")
        if any(below(module, "cryptography") for module in imported_modules(name, for_types=True))
    }

    assert knowing
    # The other is that of what plays a charge point.
    assert {name for name in knowing if not below(name, "csmsd.pki")} == {"csmsctl.link.certificates"}


def test_a_daemon_without_tls_and_csmsctl_do_not_import_cryptography() -> None:
    """It costs 130 ms and 18 MiB."""
    program = "import sys, csmsd.daemon, csmsctl.__main__; sys.exit('cryptography' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# --- csmsctl


def is_data(value: object) -> bool:
    """A message class, an operation, or the choices of one of their fields."""
    return get_origin(value) is Literal or (isinstance(value, type) and issubclass(value, Message | Operation))


@pytest.mark.parametrize("name", modules("csmsctl"))
def test_csmsctl_knows_messages_and_the_registry_only(name: str) -> None:
    for module, inner in imports(name):
        if not below(module, "csmsd") or below(module, "csmsd.ocpp", "csmsd.profiles.action"):
            continue
        if module in ("csmsd.store.inspection", "csmsd.store.finishing"):
            assert name == "csmsctl.commands.backup"  # a backup is sealed and looked into by whoever has its file
        elif module == "csmsd.runtime.time_zones":
            assert name == "csmsctl.__main__"  # whether TZ names one is the same question on both sides
        elif module == "csmsd.toml_text":
            assert inner == "read_toml"  # files of operators are as hostile as any
        elif module == "csmsd.pki.signing":
            assert name == "csmsctl.operations.given_files"  # keys are used where they lie, and never sent
        elif module in ("csmsd.profiles.load_management.circuits", "csmsd.profiles.load_management.description"):
            assert below(name, "csmsctl.simulator")  # a file of circuits means the same on both sides
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
