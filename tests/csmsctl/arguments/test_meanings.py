"""What people call commands by other names."""

import pytest

from csmsctl.arguments.meanings import MEANINGS
from csmsctl.manual import commands_of_manual
from csmsctl.tree import tree_root
from tests.csmsctl.conftest import Csmsctl

NAMES = {name for _, name, _ in commands_of_manual(tree_root())}
FIRST = {name.split()[0] for name in NAMES}
BELOW = {name.split()[1] for name in NAMES if " " in name}


def test_only_what_is_there_is_meant() -> None:
    for word, meant in MEANINGS.items():
        for line in meant:
            assert line in NAMES | FIRST | BELOW, (word, line)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("reboot", "reset"),
        ("stop", "remote-stop"),
        ("transactions", "tx"),
        ("restore", "backup"),
        ("cp rm CP1", "remove"),
        ("tag delete A1", "remove"),
        ("tx ls", "list"),
        ("statsu", "status"),
    ],
)
def test_what_was_typed_and_what_is_suggested(csmsctl: Csmsctl, typed: str, meant: str) -> None:
    ended = csmsctl(*typed.split())
    assert ended.code == 2
    assert f"Did you mean {meant}" in ended.err
