"""Help, version and completions, wherever people look for them."""

import pytest

from csmsctl.arguments.global_options import FLAGS, VALUED
from csmsctl.manual import commands_of_manual
from csmsctl.tree import tree_root
from csmsd import __version__
from tests.csmsctl.conftest import Csmsctl
from tests.support.site import ROOT


@pytest.mark.parametrize("words", [(), ("tx",), ("tx", "list"), ("reset",), ("backup",)])
def test_help_has_three_ways(csmsctl: Csmsctl, words: tuple[str, ...]) -> None:
    long = csmsctl(*words, "--help")
    assert long.code == 0
    assert csmsctl(*words, "-h").out == csmsctl("help", *words).out == long.out


def test_help_of_what_is_not_there(csmsctl: Csmsctl) -> None:
    assert "Did you mean reset" in csmsctl("help", "reboot").err
    assert csmsctl("help", "tx", "list", "more").code == 2
    below = csmsctl("help", "tx", "reboot")
    assert (below.code, "No such command 'reboot'" in below.err) == (2, True)


def test_every_help_names_the_global_options() -> None:
    context = tree_root().make_context("csmsctl", [], resilient_parsing=True)
    wanted = [*VALUED, *(flag.split(", ")[-1] for flag in FLAGS)]
    for _, name, command in commands_of_manual(tree_root()):
        text = command.get_help(command.make_context(name, [], parent=context, resilient_parsing=True))
        assert all(option in text for option in wanted), name


def test_version(csmsctl: Csmsctl) -> None:
    assert csmsctl("version").out == csmsctl("--version").out == f"csmsctl {__version__}\n"
    assert csmsctl("version", "--json").document["version"] == __version__


@pytest.mark.parametrize(("shell", "file"), [("bash", "csmsctl.bash"), ("zsh", "_csmsctl"), ("fish", "csmsctl.fish")])
def test_completions_are_those_that_are_installed(csmsctl: Csmsctl, shell: str, file: str) -> None:
    assert csmsctl("completion", shell).out == (ROOT / "completions" / file).read_text("utf-8")
