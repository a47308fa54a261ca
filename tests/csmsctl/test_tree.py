"""The tree of all commands."""

from csmsctl.examples import FURTHER
from csmsctl.tree import tree_root


def test_every_example_is_a_command_line_that_is_understood() -> None:
    import shlex

    from csmsctl.arguments.global_options import extract_global_options
    from csmsctl.manual import commands_of_manual

    tree = tree_root()
    for _, name, command in commands_of_manual(tree):
        for line in (command.example, *FURTHER.get(name, ())):
            words = extract_global_options(shlex.split(line.partition(" > ")[0])[1:])[1]
            rest = words[len(name.split()) :]
            assert words[: len(name.split())] == name.split(), line
            command.make_context(name, rest).close()
