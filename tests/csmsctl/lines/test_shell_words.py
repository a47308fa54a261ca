"""Words of a line, as a shell takes them apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsctl.failure import USAGE, Failure
from csmsctl.lines.shell_words import commands_in_lines, is_skipped_line, quoted_word, scan_words, split_words


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
    assert split_words(line) == words


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
    scanned = scan_words(line)
    assert (scanned.open, scanned.words[-1].text) == (left_open, last)
    if left_open:
        with pytest.raises(Failure) as failed:
            split_words(line)
        assert failed.value.code == USAGE


def test_a_home_is_named_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    line = "tag import ~/tags.csv '~/tags.csv' \\~/tags.csv a~/b ~ ~ada"
    assert split_words(line) == ["tag", "import", "/home/ada/tags.csv", "~/tags.csv", "~/tags.csv", "a~/b", "~", "~ada"]


def test_words_know_where_they_begin() -> None:
    assert [(word.text, word.start) for word in scan_words("tag  'a b' c").words] == [("tag", 0), ("a b", 5), ("c", 11)]


@given(st.lists(st.text()))
def test_what_is_quoted_is_read_back(words: list[str]) -> None:
    assert [word.text for word in scan_words(" ".join(map(quoted_word, words))).words] == words


@pytest.mark.parametrize("line", ["", " \t", "# comment", "   # comment"])
def test_lines_that_are_skipped(line: str) -> None:
    assert is_skipped_line(line)
    assert is_skipped_line(line.encode())
    assert not is_skipped_line(line.replace("#", "x") + "x")


@pytest.mark.parametrize(
    ("text", "complete", "rest"),
    [
        ("a\nb\n", ["a", "b"], ""),
        ("\n # it's\na 'b\nc'\n", ["a 'b\nc'"], ""),
        ("a\nb {\n", ["a"], "b {\n"),
        ("a \\\nb", ["a \\\nb"], ""),
    ],
)
def test_commands_in_a_text(text: str, complete: list[str], rest: str) -> None:
    assert commands_in_lines(text) == (complete, rest)
