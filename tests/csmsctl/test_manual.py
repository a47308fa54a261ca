"""The manual page and the help: complete, up to date, clean."""

import re
import shutil
import subprocess

import pytest

from csmsctl.groups import summary_in_group
from csmsctl.manual import commands_of_manual, manual
from csmsctl.tree import tree_root
from tests.support.site import ROOT

PAGE = ROOT / "man" / "csmsctl.1"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == manual(), "run: python -m csmsctl.manual > man/csmsctl.1"


def test_the_page_is_clean() -> None:
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.skip("mandoc is not installed here")
    done = subprocess.run([mandoc, "-Tlint", str(PAGE)], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


def test_the_page_has_what_a_page_must_have() -> None:
    text = PAGE.read_text("utf-8")
    for section in ("NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"):
        assert f"\n.SH {section}\n" in text


def test_every_help_has_a_summary_and_an_example() -> None:
    tree = tree_root()
    context = tree.make_context("csmsctl", [], resilient_parsing=True)
    groups = [found for name in tree.list_commands(context) if (found := tree.get_command(context, name)) is not None]
    named = [(command.name, command) for command in (tree, *groups)]
    for name, command in (*named, *((name, command) for _, name, command in commands_of_manual(tree))):
        text = command.get_help(command.make_context(name, [], resilient_parsing=True))
        assert re.search(r"^\s*Examples?:\n\s*csmsctl \w", text, re.MULTILINE), name
        assert summary_in_group(command), name


def test_every_command_and_option_is_explained() -> None:
    seen = 0
    for _, name, command in commands_of_manual(tree_root()):
        seen += 1
        assert (command.help or "").strip(), name
        first = command.help.strip().split("\n\n")[0]
        assert "\n" not in first, f"{name}: the summary is one line"
        for param in command.params:
            assert param.help, f"{name} {param.name}"
    assert seen > 40
