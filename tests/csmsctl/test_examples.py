"""Examples of commands; that each line is understood, and does what it says, is tried elsewhere."""

from csmsctl.examples import EXAMPLES, examples_of_command
from csmsctl.manual import commands_of_manual

# What there is no other way to call, or has all there is to say in its first example.
ONE_SAYS_IT_ALL = {"profile remove", "firmware remove", "diagnostics remove", "firmware rollout", "config apply"}
LINES = {name: examples_of_command(name, command.declared_example) for _, name, command in commands_of_manual()}


def test_every_command_has_several_examples() -> None:
    assert {name for name, lines in LINES.items() if len(lines) < 2} == ONE_SAYS_IT_ALL
    assert all(LINES.values())


def test_none_stands_twice_or_is_of_no_command() -> None:
    lines = [line for several in LINES.values() for line in several]
    assert len({*lines}) == len(lines)
    assert {line for line in EXAMPLES.splitlines() if line} <= {*lines}
