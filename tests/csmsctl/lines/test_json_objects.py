"""A command as a JSON object."""

import json

import pytest

from csmsctl.failure import USAGE, Failure
from csmsctl.lines.json_objects import words_of_json_object
from csmsctl.manual import commands_of_manual
from csmsctl.tree import tree_root


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            {"command": "remote-start", "targets": ["CP1", "CP2"], "tag": "A1", "connector": 1},
            ["remote-start", "--tag=A1", "--connector=1", "--", "CP1", "CP2"],
        ),
        ({"command": "tag add", "tag": "-A1", "note": None}, ["tag", "add", "--", "-A1"]),
        (
            {"command": ["tag", "add"], "tag": "A1", "label": ["a", "b"]},
            ["tag", "add", "--label=a", "--label=b", "--", "A1"],
        ),
        (
            {"command": "tag set", "tag": "A1", "max-transactions": 2, "no_expiry": True},
            ["tag", "set", "--max-transactions=2", "--no-expiry", "--", "A1"],
        ),
        ({"command": "cp set", "charge_point": "CP1", "strict": False}, ["cp", "set", "--lenient", "--", "CP1"]),
        ({"command": "cp set", "charge_point": "CP1", "lenient": False}, ["cp", "set", "--strict", "--", "CP1"]),
        ({"command": "tag add", "tag": "A1", "blocked": False}, ["tag", "add", "--", "A1"]),
        (
            {"command": "clear-cache", "targets": "CP1", "timeout": 2.5, "yes": True, "q": True},
            ["clear-cache", "--timeout=2.5", "--yes", "-q", "--", "CP1"],
        ),
        (
            {"command": "call", "targets": ["CP1"], "action": "Reset", "payload": {"type": "Soft"}, "force": True},
            ["call", "--force", "--", "CP1", "Reset", '{"type": "Soft"}'],
        ),
        ({"command": "rpc", "method": "tag.add", "params": {"id": "A1"}}, ["rpc", "--", "tag.add", '{"id": "A1"}']),
        ({"command": "clear-cache", "targets": "CP1", "queue": True}, ["clear-cache", "--queue=24h", "--", "CP1"]),
        ({"command": "clear-cache", "targets": "CP1", "queue": "5m"}, ["clear-cache", "--queue=5m", "--", "CP1"]),
        ({"command": "clear-cache", "targets": "CP1", "queue": False}, ["clear-cache", "--", "CP1"]),
        ({"command": "tag add", "tag": "A1", "note": True}, "'note' needs a value"),
        ({"command": "status", "all": True}, "status takes no 'all'"),
        ({"command": "nonsense", "tag": "A1"}, ["nonsense"]),
        ({"command": "tag", "tag": "A1"}, ["tag"]),
        ({"command": "tag add", "tg": "A1"}, "tag add takes no 'tg'"),
        ({"command": "tag add", "tag": "A1", "blocked": "yes"}, "'blocked' is true or false"),
        ({"command": "tag add", "tag": "A1", "note": ["a", "b"]}, "'note' takes one value"),
        ({"command": "rpc", "params": {}}, "With 'params' there must be 'method'"),
        ({"targets": ["CP1"]}, "names no command"),
        ({"command": 1}, "names no command"),
        ({"command": [["tag"]]}, "names no command"),
    ],
)
def test_objects(line: dict[str, object], words: list[str] | str) -> None:
    if isinstance(words, list):
        assert words_of_json_object(json.dumps(line), tree_root()) == words
        return
    with pytest.raises(Failure, match=words) as failed:
        words_of_json_object(json.dumps(line), tree_root())
    assert failed.value.code == USAGE


@pytest.mark.parametrize("line", ["{", '{"command":"status"', "{}", '{"command":"status"} x', "[" * 100_000])
def test_broken_objects(line: str) -> None:
    with pytest.raises(Failure) as failed:
        words_of_json_object(line, tree_root())
    assert failed.value.code == USAGE


def test_no_name_means_two_things() -> None:
    """An argument and an option of the same name could not be told apart in an object."""
    for _, name, command in commands_of_manual():
        keys = [param.name for param in command.params if param.param_type_name == "argument"]
        keys += [option.lstrip("-").replace("-", "_") for param in command.params for option in param.opts
                 if option.startswith("-")]  # fmt: skip
        assert len(keys) == len(set(keys)), name
        assert "command" not in keys, name
