"""The options that every list has: CLI.md, "Lists"."""

from typing import Any

import pytest

from csmsctl.arguments.listing_options import FORMS
from csmsctl.manual import commands_of_manual
from csmsctl.tree import tree_root

# What lists without being called so; all that are called `list` do.
OTHERS = {
    *(
        "status",
        "log",
        "events",
        "cp pending",
        "tag unknown",
        "tx orphans",
        "tx meter",
        "profile installed",
        "local-list status",
    ),
    *("local-list show", "firmware status", "diagnostics status", "rollout report", "security-events", "audit"),
}
# Lists of one thing that is named, or of none, and of what has no time.
OF_ONE = {"tx meter", "local-list show", "rollout report", "audit"}
TIMELESS = {"local-list show", "circuit list"}

LISTS = [
    (name, command)
    for _, name, command in commands_of_manual(tree_root())
    if name.split()[-1] == "list" or name in OTHERS
]


def _options(command: Any) -> dict[str, Any]:
    return {option: param for param in command.params for option in param.opts}


def test_there_are_as_many_lists_as_there_should_be() -> None:
    assert {name for name, _ in LISTS} >= OTHERS
    assert len(LISTS) >= len(OTHERS) + 9


@pytest.mark.parametrize(("name", "command"), LISTS)
def test_every_list_has_the_options_of_lists(name: str, command: Any) -> None:
    options = _options(command)
    assert {"--limit", "--sort", "--filter", "--columns", "--format", "-o"} <= set(options)
    assert tuple(options["-o"].type.choices) == FORMS
    assert options["--filter"].multiple
    if name not in TIMELESS:
        assert {"--since", "--until"} <= set(options)
    words = [param for param in command.params if param.param_type_name == "argument" and param.name == "targets"]
    assert bool(words) == (name not in OF_ONE)
    assert all(param.nargs == -1 and not param.required for param in words)


def test_what_both_start_and_stop_make_sense_for_can_be_chosen() -> None:
    by = {name: _options(command)["--by"] for name, command in LISTS if "--by" in _options(command)}
    assert list(by) == ["tx list"]
    assert tuple(by["tx list"].type.choices) == ("start", "stop")


def test_nothing_else_is_a_list_by_another_name() -> None:
    """A command whose help begins like that of a list is one."""
    for _, name, command in commands_of_manual(tree_root()):
        if (command.help or "").startswith("List "):
            assert name in {known for known, _ in LISTS}, name
