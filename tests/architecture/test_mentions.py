"""Every command that a message names can be typed as it stands there."""

import ast
import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import typer

from csmsctl.arguments.global_options import extract_global_options
from csmsctl.failure import Failure
from csmsctl.groups import LazyGroup
from csmsctl.tree import tree_root
from tests.architecture.sources import SOURCES, modules, nodes, source

TREE = tree_root()
# In the prose of csmsctl these follow its name without being commands.
PROSE = {"and", "as", "be", "being", "did", "is", "itself", "must", "of", "steers", "that", "wrote"}
# Words of the sentence around a command.
END = re.compile(r"""[`)\n]|[.,;:](?=\s|$)|\s[|](?=\s|$)""")


class Mention(NamedTuple):
    """A command line in a text of the source, a value that is put in being 1."""

    place: str
    line: str


def texts(name: str) -> Iterator[tuple[int, str]]:
    """(line, text) of the strings of a module, docstrings included."""
    parts: set[ast.AST] = set()
    for node in nodes(name):
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.lineno, node.value


def mentions() -> Iterator[Mention]:
    """Looked for wherever tests are collected: what names no command is not read closely."""
    for name in modules("csmsd", "csmsctl"):
        for number, text in texts(name) if "csmsctl " in source(name) else ():
            for found in re.finditer(r"csmsctl ([a-z][^\n]*)", text.replace("%s", "1")):
                line = END.split(found[1], maxsplit=1)[0].strip()
                line = line.removesuffix("'") if line.count("'") % 2 else line
                if line.split()[0] not in PROSE:
                    yield Mention(f"{SOURCES[name].name}:{number}", line)


MENTIONS = list(mentions())


def test_there_is_something_to_look_at() -> None:
    assert len(MENTIONS) > 150


@pytest.mark.parametrize("mention", MENTIONS, ids=lambda mention: f"{mention.place} {mention.line}"[:80])
def test_a_command_that_is_named_can_be_typed(mention: Mention) -> None:
    """With its values it must parse; the bare name of a command, or with that of an option of it, is enough."""
    words = extract_global_options(shlex.split(mention.line))[1]
    command: Any = TREE
    names: list[str] = []
    while words and isinstance(command, LazyGroup):
        if command.get_command(None, words[0]) is None:
            assert command.default is not None, f"{' '.join(names) or 'csmsctl'} has no command {words[0]}"
            command = command.get_command(None, command.default)
            break
        command = command.get_command(None, words[0])
        names.append(words.pop(0))
    assert names
    if not words or isinstance(command, LazyGroup):
        return
    if len(words) == 1 and words[0].startswith("--"):
        assert words[0] == "--help" or any(words[0] in param.opts for param in command.params), mention.line
        return
    try:
        command.make_context(" ".join(names), [_value(word) for word in words]).close()
    except (typer.TyperException, Failure) as error:
        pytest.fail(f"{mention.line}: {getattr(error, 'message', error)}")


def _value(word: str) -> str:
    """Something in the place of NAME or TEXT."""
    return "1" if word.isupper() and len(word) > 1 else word
