"""What the shell completes while a line is typed."""

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.shell.completer import LineCompleter
from csmsctl.tree import tree_root
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon


def completed(daemon: ScriptedDaemon, line: str) -> list[tuple[str, str]]:
    """What the line would become, and what is said of it."""
    completer = LineCompleter(GlobalOptions(socket=daemon.path), tree_root())
    return [
        (line[: len(line) + found.start_position] + found.text, found.display_meta_text)
        for found in completer.get_completions(Document(line), CompleteEvent())
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cp show ", [f"cp show {line}" for line in ("NORTH-01", "NORTH-07", "SOUTH-07", "'two words'")]),
        ("cp show no7", ["cp show NORTH-07"]),
        ("cp show 07", ["cp show NORTH-07", "cp show SOUTH-07"]),
        ("cp show 'NORTH-07", ["cp show NORTH-07"]),
        ("cp show two", ["cp show 'two words'"]),
        ("cp show 'two w", ["cp show 'two words'"]),
        ("csmsctl cp show so", ["csmsctl cp show SOUTH-07"]),
        ("clear-cache NORTH-01 s7", ["clear-cache NORTH-01 SOUTH-07"]),
        ("remote-start NORTH-01 --tag=", ["remote-start NORTH-01 --tag=A1"]),
        ("remote-start NORTH-01 --cnn", ["remote-start NORTH-01 --connector"]),
        ("reset NORTH-01 --type=so", ["reset NORTH-01 --type=Soft"]),
        ("unlckc", ["unlock-connector"]),
        ("exi", ["exit"]),
        ("help tag a", ["help tag add"]),
        ("tag show A1\ncp show no7", ["tag show A1\ncp show NORTH-07"]),
        ("cp show \\\nno7", ["cp show NORTH-07"]),
        ("tag show A1 \\", []),
        ('call NORTH-01 Reset {"type', []),
        ("nonsense ", []),
    ],
)
def test_completion(completing: ScriptedDaemon, line: str, expected: list[str]) -> None:
    found = [whole for whole, _ in completed(completing, line)]
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)


def test_completion_shows_what_is_going_on(completing: ScriptedDaemon) -> None:
    assert completed(completing, "cp show NORTH-01") == [("cp show NORTH-01", "Charging")]


def test_completion_does_not_ask_for_every_letter(completing: ScriptedDaemon) -> None:
    completer = LineCompleter(GlobalOptions(socket=completing.path), tree_root())
    for end in range(len("cp show "), len("cp show north") + 1):
        assert list(completer.get_completions(Document("cp show north"[:end]), CompleteEvent()))
    assert len(completing.requests) == 1


def test_completion_finds_what_is_beyond_the_first_hundreds(daemon: ScriptedDaemon) -> None:
    def answer(_peer: Peer, params: Params) -> Params:
        known = ["CP-X-1-9", "CP19"] if params.get("letters") == "p19" else [f"CP{number:04}" for number in range(500)]
        return {"values": [[identity, ""] for identity in known]}

    daemon.replies["complete"] = answer
    assert completed(daemon, "cp show p19") == [("cp show CP19", ""), ("cp show CP-X-1-9", "")]
    assert completed(daemon, "remote-start CP1 --tag=p19")[0] == ("remote-start CP1 --tag=CP19", "")


def test_completion_of_files(daemon: ScriptedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my tags.csv").touch()
    assert completed(daemon, "tag import ~/mt") == [("tag import ~/'my tags.csv'", "")]
    assert completed(daemon, f"tag import {tmp_path}/csv") == [(f"tag import '{tmp_path}/my tags.csv'", "")]


def test_completion_without_csmsd(daemon: ScriptedDaemon) -> None:
    daemon.close()
    assert completed(daemon, "cp show ") == []
    assert [whole for whole, _ in completed(daemon, "cp sho")] == ["cp show"]
