"""docs/architecture.md names every file and folder that somebody who opens the tree sees first."""

import re
import subprocess

import pytest

from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
# Where the tree stands, by two blanks for each step further in, without what every package has.
TREE = re.search(r"\n((?:    .*\n)+)", PAGE)
UNSPOKEN = {"__init__.py", "py.typed", "LICENSE"}


def tracked(folder: str) -> set[str]:
    """The files in a folder, and its folders as `name/`; hidden ones are for tools."""
    listed = subprocess.run(
        ["git", "ls-files", "--", folder or "."], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if not listed:
        pytest.skip("not a checkout")
    inner = [name.removeprefix(f"{folder}/" if folder else "") for name in listed]
    found = {name.partition("/")[0] + ("/" if "/" in name else "") for name in inner}
    return {name for name in found if not name.startswith(".")} - UNSPOKEN


def named(folder: str) -> set[str]:
    """What the page names in its tree below a folder, or, for the root, at its left edge."""
    assert TREE is not None
    found: set[str] = set()
    here = ""
    for line in TREE[1].splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        if indent == 4:
            here = name.rstrip("/")
        if (here if indent > 4 else "") == folder:
            found.update(re.findall(r"(?:^|[\s;,])((?:\w+/)|(?:[\w-]+\.\w+)|Makefile)(?=[\s,;]|$)", line))
    return found


@pytest.mark.parametrize("folder", ["", "csmsd", "csmsctl", "tests"])
def test_the_page_names_every_file_and_folder(folder: str) -> None:
    assert tracked(folder) - named(folder) == set()


@pytest.mark.parametrize("folder", ["csmsd", "csmsctl", "tests"])
def test_every_folder_that_the_page_names_is_there(folder: str) -> None:
    assert {name for name in named(folder) if name.endswith("/")} <= tracked(folder)
