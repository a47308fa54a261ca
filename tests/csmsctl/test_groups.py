"""Groups of commands: what is meant by a name, and which words are arguments."""

from typing import Annotated

import pytest
import typer

from csmsctl.groups import (
    Entry,
    LazyGroup,
    arguments_of_group_command,
    build_command_of_group,
    group,
    options_of_group_command,
    summary_in_group,
)

ran: list[tuple[str, str | None]] = []


def plain(name: Annotated[str | None, typer.Argument()] = None) -> None:
    """Do it plainly.

    And nothing else.
    """
    ran.append(("plain", name))


def other(name: Annotated[str | None, typer.Argument()] = None) -> None:
    """Do something else."""
    ran.append(("other", name))


def typed(
    words: Annotated[list[str], typer.Argument()],
    note: Annotated[str | None, typer.Option("--note", "-n")] = None,
    force: Annotated[bool, typer.Option("--force")] = False,
) -> None:
    """Take words."""


def things(default: str | None = None) -> LazyGroup:
    entries = {name: Entry(f"{__name__}:{name}") for name in ("plain", "other")}
    made = group(LazyGroup, "thing", "Things.", entries)
    made.default = default
    return made


def run(made: LazyGroup, *words: str) -> list[tuple[str, str | None]]:
    ran.clear()
    with made.make_context("thing", list(words)) as context:
        made.invoke(context)
    return list(ran)


def test_a_command_is_loaded_when_it_is_meant() -> None:
    made = things()
    assert made.commands == {}
    assert run(made, "other", "x") == [("other", "x")]
    assert list(made.commands) == ["other"]


def test_the_default_is_meant_where_none_is_named() -> None:
    assert run(things("plain"), "x") == [("plain", "x")]
    assert run(things("plain"), "other") == [("other", None)]
    with pytest.raises(typer.TyperException, match="No such command 'x'"):
        run(things(), "x")


def test_what_is_meant_is_guessed_and_never_done() -> None:
    with pytest.raises(typer.TyperException, match="Did you mean plain"):
        run(things(), "plian")
    with pytest.raises(typer.TyperException, match="there are plain, other"):
        run(things())
    assert ran == []


def test_the_first_sentence_is_the_summary() -> None:
    assert summary_in_group(build_command_of_group("plain", plain)) == "Do it plainly"
    assert summary_in_group(things()) == "Things"


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["a", "b"], ["a", "b"]),
        (["--note", "x", "a"], ["a"]),
        (["-n", "x", "a"], ["a"]),
        (["--note=x", "a"], ["a"]),
        (["--force", "a"], ["a"]),
        (["a", "--unknown", "b"], ["a", "b"]),
        (["-", "a"], ["-", "a"]),
        (["--", "--note", "a"], ["--note", "a"]),
        (["--note", "--", "a"], ["a"]),
        (["a", "--note"], ["a"]),
    ],
)
def test_words_that_are_arguments(words: list[str], arguments: list[str]) -> None:
    options = options_of_group_command(build_command_of_group("typed", typed))
    assert {"--note", "-n", "--force"} <= set(options)
    assert arguments_of_group_command(words, options) == arguments
