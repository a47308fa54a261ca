"""The tests have the shape of the packages: who looks for those of a module finds them by its name."""

from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, SOURCES, modules

LONG = 100  # lines; a shorter module may be tried together with others
PACKAGES = ("csmsd", "csmsctl")


def place_of(name: str) -> Path:
    """Where the tests of a module are."""
    *rooms, module = name.split(".")
    return (ROOT / "tests").joinpath(*rooms, f"test_{module.strip('_')}.py")


def long_modules() -> list[str]:
    return [
        name
        for package in PACKAGES
        for name in modules(package)
        if SOURCES[name].name not in ("__init__.py", "__main__.py" if package == "csmsd" else "")
        and len(SOURCES[name].read_text("utf-8").splitlines()) > LONG
    ]


@pytest.mark.parametrize("name", long_modules())
def test_a_long_module_has_tests_of_its_name(name: str) -> None:
    found = place_of(name)
    assert found.exists(), f"{found.relative_to(ROOT)} is missing"
    assert "def test_" in found.read_text("utf-8")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_of_tests_is_a_room_of_its_package(package: str) -> None:
    tests = ROOT / "tests" / package
    rooms = {path.parent.relative_to(ROOT / package) for name, path in SOURCES.items() if name in modules(package)}
    assert {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")} <= rooms
