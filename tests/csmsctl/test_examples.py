"""Further examples of commands; that each line is understood, and does what it says, is tried with the first ones."""

from csmsctl.examples import FURTHER
from csmsctl.manual import commands_of_manual

# What there is no other way to call, or has all there is to say in its first example.
ONE_SAYS_IT_ALL = {"profile remove", "firmware remove", "diagnostics remove", "firmware rollout", "config apply"}


def test_every_command_has_several_examples_and_none_is_of_another() -> None:
    names = {name for _, name, _ in commands_of_manual()}
    assert {*FURTHER} == names - ONE_SAYS_IT_ALL
    assert {
        name for name, lines in FURTHER.items() if not all(line.startswith(f"csmsctl {name}") for line in lines)
    } == set()
    assert all(FURTHER.values())


def test_none_stands_twice() -> None:
    lines = [line for several in FURTHER.values() for line in several]
    lines += [command.example for _, _, command in commands_of_manual()]
    assert len({*lines}) == len(lines)
