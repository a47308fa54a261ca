"""The tests of csmsctl have the shape of the package: who looks for those of a module finds them by its name."""

from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, SOURCES, modules

TESTS = ROOT / "tests" / "csmsctl"
LONG = 100  # lines; a shorter module may be tried together with others


def place_of(name: str) -> Path:
    """Where the tests of a module are."""
    *rooms, module = name.split(".")[1:]
    return TESTS.joinpath(*rooms, f"test_{module.strip('_')}.py")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in modules("csmsctl")
        if SOURCES[name].name != "__init__.py" and len(SOURCES[name].read_text("utf-8").splitlines()) > LONG
    ],
)
def test_a_long_module_has_tests_of_its_name(name: str) -> None:
    found = place_of(name)
    assert found.exists(), f"{found.relative_to(ROOT)} is missing"
    assert "def test_" in found.read_text("utf-8")


def test_every_folder_of_tests_is_a_room_of_csmsctl() -> None:
    rooms = {path.parent.relative_to(ROOT / "csmsctl") for name, path in SOURCES.items() if name in modules("csmsctl")}
    assert {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")} <= rooms
