"""Command lines as text: words, JSON in and around them, and the secrets in them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsctl.failure import USAGE, Failure
from csmsctl.lines.objects import words_of
from csmsctl.lines.secrets import holds_secret, masked_words
from csmsctl.lines.words import is_skipped, quoted, scan, split
from csmsctl.manual import commands
from csmsctl.tree import root
from csmsd.ocpp.secrets import MASK


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tag add A1", ["tag", "add", "A1"]),
        ("  csmsctl tag   add A1\n", ["tag", "add", "A1"]),
        ("tag add csmsctl", ["tag", "add", "csmsctl"]),
        ("tag add A1 --note 'Ms Jones'", ["tag", "add", "A1", "--note", "Ms Jones"]),
        ('tag add A1 --note="a \\"b\\" \\\\ \\n"', ["tag", "add", "A1", '--note=a "b" \\ \\n']),
        ("tag add a\\ b ''", ["tag", "add", "a b", ""]),
        ("reset 'north-*' DE*ABC*E1 $HOME `id` ~", ["reset", "north-*", "DE*ABC*E1", "$HOME", "`id`", "~"]),
        ("tag add A#1 # no comment", ["tag", "add", "A#1", "#", "no", "comment"]),
        ('call CP1 Reset {"type": "Soft"}', ["call", "CP1", "Reset", '{"type": "Soft"}']),
        (
            'call CP1 Reset {\n  "type": "So}ft\\""\n} --force',
            ["call", "CP1", "Reset", '{\n  "type": "So}ft\\""\n}', "--force"],
        ),
        ('call CP1 Reset \'{"type":"Soft"}\'', ["call", "CP1", "Reset", '{"type":"Soft"}']),
        ("tag add {a}b", ["tag", "add", "{a}b"]),
        ("tag add a{", ["tag", "add", "a{"]),
        ("tag add A1 \\\n--blocked", ["tag", "add", "A1", "--blocked"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize(
    ("line", "left_open", "last"),
    [
        ("tag add 'A", "'", "A"),
        ('tag add "A\\"', '"', 'A"'),
        ("tag add A\\", "\\", "A"),
        ('call CP1 Reset {"type": {', "{", '{"type": {'),
        ('call CP1 Reset {"ty}pe', "{", '{"ty}pe'),
        ("tag add", "", "add"),
    ],
)
def test_lines_that_are_not_complete(line: str, left_open: str, last: str) -> None:
    scanned = scan(line)
    assert (scanned.open, scanned.words[-1].text) == (left_open, last)
    if left_open:
        with pytest.raises(Failure) as failed:
            split(line)
        assert failed.value.code == USAGE


def test_a_home_is_named_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    line = "tag import ~/tags.csv '~/tags.csv' \\~/tags.csv a~/b ~ ~ada"
    assert split(line) == ["tag", "import", "/home/ada/tags.csv", "~/tags.csv", "~/tags.csv", "a~/b", "~", "~ada"]


def test_words_know_where_they_begin() -> None:
    assert [(word.text, word.start) for word in scan("tag  'a b' c").words] == [("tag", 0), ("a b", 5), ("c", 11)]


@given(st.lists(st.text()))
def test_what_is_quoted_is_read_back(words: list[str]) -> None:
    assert [word.text for word in scan(" ".join(map(quoted, words))).words] == words


@pytest.mark.parametrize("line", ["", " \t", "# comment", "   # comment"])
def test_lines_that_are_skipped(line: str) -> None:
    assert is_skipped(line)
    assert is_skipped(line.encode())
    assert not is_skipped(line.replace("#", "x") + "x")


# --- JSON objects


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
        assert words_of(json.dumps(line), root()) == words
        return
    with pytest.raises(Failure, match=words) as failed:
        words_of(json.dumps(line), root())
    assert failed.value.code == USAGE


@pytest.mark.parametrize("line", ["{", '{"command":"status"', "{}", '{"command":"status"} x', "[" * 100_000])
def test_broken_objects(line: str) -> None:
    with pytest.raises(Failure) as failed:
        words_of(line, root())
    assert failed.value.code == USAGE


def test_no_name_means_two_things() -> None:
    """An argument and an option of the same name could not be told apart in an object."""
    for _, name, command in commands():
        keys = [param.name for param in command.params if param.param_type_name == "argument"]
        keys += [option.lstrip("-").replace("-", "_") for param in command.params for option in param.opts
                 if option.startswith("-")]  # fmt: skip
        assert len(keys) == len(set(keys)), name
        assert "command" not in keys, name


# --- secrets


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["change-configuration", "CP1", "--set", "AuthorizationKey=abc"], ["--set", f"AuthorizationKey={MASK}"]),
        (["change-configuration", "CP1", "--set=authorizationkey=abc"], [f"--set=authorizationkey={MASK}"]),
        (["simulate", "--password", "abc"], ["--password", MASK]),
        (["simulate", "--password", "-abc"], ["--password", MASK]),
        (["simulate", "--password=abc"], [f"--password={MASK}"]),
        (
            ["call", "CP1", "ChangeConfiguration", '{"key":"AuthorizationKey","value":"abc"}'],
            [f'{{"key": "AuthorizationKey", "value": "{MASK}"}}'],
        ),
        (["call", "CP1", "X", '{"password":"abc'], [MASK]),
        (["rpc", "charge_point.add", '{"id":"CP1","password":"abc"}'], [f'{{"id": "CP1", "password": "{MASK}"}}']),
        (["get-diagnostics", "CP1", "--location", "ftp://me:abc@host/"], [f"ftp://{MASK}@host/"]),
        (["data-transfer", "CP1", "--data", "user=me;password=abc"], [f"user=me;password={MASK}"]),
        (["change-configuration", "CP1", "--set", "AuthorizationKey", "abc"], ["AuthorizationKey", MASK]),
        (["change-configuration", "CP1", "--set=AuthorizationKey", "abc"], ["--set=AuthorizationKey", MASK]),
        (["cp", "add", "CP1", "--pasword", "abc"], ["--pasword", MASK]),
        (["cp", "add", "CP1", "--pwd=abc"], [f"--pwd={MASK}"]),
    ],
)
def test_secrets(words: list[str], shown: list[str]) -> None:
    assert masked_words(words)[-len(shown) :] == shown
    assert holds_secret(words)


@pytest.mark.parametrize(
    "words",
    [
        ["get-configuration", "CP1", "--key", "AuthorizationKey"],
        ["cp", "add", "--generate-password", "CP1"],
        ["cp", "add", "CP1", "--password-file", "secret.txt"],
        ["remote-start", "CP1", "--tag", "A1"],
        ["change-configuration", "CP1", "--set", "HeartbeatInterval=300"],
        ["call", "CP1", "Reset", '{"type":"Soft"}'],
        ["tag", "add", "k=v~1", "--note", "her key"],
        ["tag", "add", "--note", "secret garden", "A1"],
        ["tag", "add", "A1", "--parent", "B1"],
        ["call", "CP1", "TriggerMessage", "--force"],
    ],
)
def test_no_secrets(words: list[str]) -> None:
    assert not holds_secret(words)
