"""The tree of all commands."""

from csmsctl.tree import root


def test_every_example_is_a_command_line_that_is_understood() -> None:
    import shlex

    from csmsctl.arguments.options import extract
    from csmsctl.manual import commands

    tree = root()
    for _, name, command in commands(tree):
        words = extract(shlex.split(command.example)[1:])[1]
        rest = words[len(name.split()) :]
        assert words[: len(name.split())] == name.split(), command.example
        command.make_context(name, rest).close()
