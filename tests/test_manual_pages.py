"""csmsd's manual pages say what csmsd really has, and are well-formed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from csmsd.profiles.record import FLEETING, EventType
from csmsd.reloading import RELOADABLE
from csmsd.settings.sections import Settings

MAN = Path(__file__).parent.parent / "man"
SETTINGS = {
    f"{section.name}.{key.name}": key
    for section in msgspec.structs.fields(Settings)
    for key in msgspec.structs.fields(section.type)
}


def documented_settings() -> dict[str, bool]:
    """section.key → marked as reloadable, as csmsd.toml(5) has it."""
    found: dict[str, bool] = {}
    section = ""
    for line in (MAN / "csmsd.toml.5").read_text().splitlines():
        if heading := re.match(r"\.Ss \[(\w+)\]", line):
            section = heading[1]
        elif item := re.match(r"\.It Cm (\w+)(\*?)", line):
            found[f"{section}.{item[1]}"] = item[2] == "*"
    return found


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(documented_settings()) == set(SETTINGS)


def test_the_star_marks_what_a_reload_can_change() -> None:
    assert {key for key, reloadable in documented_settings().items() if reloadable} == set(RELOADABLE)


@pytest.mark.parametrize("key", sorted(SETTINGS))
def test_the_default_is_the_documented_one(key: str) -> None:
    field = SETTINGS[key]
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(default, list):
        default = default[0] if default else None
    if default is None or default == "":
        pytest.skip("its default depends on who runs csmsd, or is nothing")
    if isinstance(default, bool):
        text = str(default).lower()
    elif isinstance(default, str):
        text = f"Qq {default}"
    else:
        text = str(int(default)) if default == int(default) else str(default)
    name = key.partition(".")[2]
    line = next(
        line for line in (MAN / "csmsd.toml.5").read_text().splitlines() if re.match(rf"\.It Cm {name}\*? ", line)
    )
    assert line.endswith(f"Bq {text}"), line


def test_every_event_is_listed() -> None:
    events = (MAN / "csmsd.toml.5").read_text().partition("\n.Sh EVENTS\n")[2].partition("\n.Sh ")[0]
    listed, _, fleeting = events.partition("The types are\n")[2].partition("\n.Pp\n")
    assert sorted(re.findall(r"\.Li (\S+)", listed)) == sorted(get_args(EventType))
    assert set(re.findall(r"\.Li (\S+)", fleeting)) == FLEETING


def test_every_flag_is_documented() -> None:
    shown = subprocess.run([sys.executable, "-m", "csmsd", "--help"], capture_output=True, text=True, check=True).stdout
    flags = set(re.findall(r"--([a-z-]+)", shown)) - {"help"}
    manual = (MAN / "csmsd.8").read_text()
    assert flags
    assert {flag for flag in flags if f"Fl -{flag}" not in manual} == set()


@pytest.mark.parametrize("page", ["csmsd.8", "csmsd.toml.5", "csmsctl.1"])
def test_pages_are_well_formed(page: str) -> None:
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed")
    checked = subprocess.run([mandoc, "-Tlint", str(MAN / page)], capture_output=True, text=True)
    # Our own pages need not be installed where the tests run.
    assert [line for line in checked.stdout.splitlines() if "referenced manual not found: Xr csms" not in line] == []


@pytest.mark.parametrize(
    ("page", "sections"),
    [
        ("csmsd.8", ("OPTIONS", "SIGNALS", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO")),
        ("csmsd.toml.5", ("DESCRIPTION", "EVENTS", "FILES", "EXAMPLES", "SEE ALSO")),
    ],
)
def test_pages_have_what_a_page_must_have(page: str, sections: tuple[str, ...]) -> None:
    found = re.findall(r"^\.Sh (.*)$", (MAN / page).read_text(), re.MULTILINE)
    assert set(sections) <= set(found)
