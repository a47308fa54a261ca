"""The options of commands that go to many charge points, and what csmsd gets of them."""

from typing import Annotated, Any

import pytest
import typer

from csmsctl.groups import build_command_of_group
from csmsctl.operations.options import AllOption, How, sent_everywhere

taken: list[dict[str, Any]] = []


@sent_everywhere(queued=True)
def kept(name: Annotated[str, typer.Argument()], all_: AllOption = False, *, how: How) -> None:
    """Send it, or keep it."""
    taken.append({"name": name, "all": all_, "how": how})


@sent_everywhere(queued=False)
def sent(name: Annotated[str, typer.Argument()], *, how: How) -> None:
    """Send it."""
    taken.append({"name": name, "how": how})


def run(function: Any, *words: str) -> dict[str, Any]:
    taken.clear()
    command = build_command_of_group("test", function)
    with command.make_context("test", list(words)) as context:
        command.invoke(context)
    (given,) = taken
    return given


def test_what_is_not_said_is_not_sent() -> None:
    assert run(kept, "x") == {"name": "x", "all": False, "how": How()}
    assert {key: value for key, value in How().parameters().items() if value is not None} == {"parallel": 8}


def test_what_is_said() -> None:
    words = ["--parallel", "3", "--fail-fast", "--dry-run", "--force", "--queue", "2h", "--unless-transaction", "--all"]
    given = run(kept, "x", *words)
    assert given["all"] is True
    assert given["how"] == How(3, True, True, True, "2h", True)
    assert given["how"].parameters() == {
        "parallel": 3,
        "fail_fast": True,
        "dry_run": True,
        "force": True,
        "queue_s": 7200.0,
        "unless_transaction": True,
    }


@pytest.mark.parametrize(
    ("words", "queue", "name"),
    [
        (["--queue", "x"], "24h", "x"),  # a word that is no time is the next argument
        (["--queue", "15m", "x"], "15m", "x"),
        (["x", "--queue"], "24h", "x"),
        (["--queue=3d", "x"], "3d", "x"),
        (["--queue=366d", "x"], "366d", "x"),
    ],
)
def test_the_time_in_the_queue_may_be_left_out(words: list[str], queue: str, name: str) -> None:
    given = run(kept, *words)
    assert (given["how"].queue, given["name"]) == (queue, name)


@pytest.mark.parametrize("queue", ["0.5s", "0s", "367d", "soon", "-1h"])
def test_a_time_that_is_too_short_or_too_long_or_none(queue: str) -> None:
    with pytest.raises(typer.TyperException):
        run(kept, "x", f"--queue={queue}")


@pytest.mark.parametrize("words", [["--queue=2h"], ["--unless-transaction"]])
def test_what_cannot_wait_has_no_queue(words: list[str]) -> None:
    assert run(sent, "x", "--force") == {"name": "x", "how": How(force=True)}
    with pytest.raises(typer.TyperException, match="No such option"):
        run(sent, "x", *words)


@pytest.mark.parametrize("number", ["0", "1001", "many"])
def test_how_many_at_once(number: str) -> None:
    with pytest.raises(typer.TyperException):
        run(sent, "x", "--parallel", number)
