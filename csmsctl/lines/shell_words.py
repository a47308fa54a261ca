"""A line as shell words. JSON may stand in it as it is: `call CP1 Reset {"type": "Soft"}` needs no quotes.

There are no variables, no globs and no substitutions: what is typed is what csmsd gets. Only `~/` at the begin of a
word is the user's home, for the names of files.
"""

import os
import re
from typing import AnyStr, NamedTuple

from csmsctl.failure import USAGE, Failure

_SPECIAL = re.compile(r"[\"'\\{~]")
_ORDINARY = re.compile(r"[^\s\"'\\]+")
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)("|\\?\Z)', re.DOTALL)
_JSON_PART = re.compile(r'"(?:[^"\\]|\\.)*("|\\?\Z)|[{}]', re.DOTALL)
_MUST_BE_QUOTED = re.compile(r"[\s\"'\\]|^[{#]|^~/|^\Z")


class Word(NamedTuple):
    """A word without its quotes, and where it begins in the line."""

    text: str
    start: int


class Scanned(NamedTuple):
    """The words of a line; `open` is what its end leaves open: a quotation mark, `\\`, `{`, or nothing."""

    words: list[Word]
    open: str


class Commands(NamedTuple):
    """Commands, and what is left of the text: one that is not complete, or nothing."""

    complete: list[str]
    rest: str


def scan_words(line: str) -> Scanned:
    """The words, also of a line that is not complete."""
    words: list[Word] = []
    at = 0
    while True:
        while at < len(line) and line[at].isspace():
            at += 1
        if at == len(line):
            return Scanned(words, "")
        start = at
        if line[at] == "{":
            end = _end_of_json_word(line, at)
            if end is None:
                words.append(Word(line[start:], start))
                return Scanned(words, "{")
            if end == len(line) or line[end].isspace():
                words.append(Word(line[start:end], start))
                at = end
                continue
        text, at, left_open = _shell_word(line, at)
        words.append(Word(text, start))
        if left_open:
            return Scanned(words, left_open)


def split_words(line: str) -> list[str]:
    """The words of a complete line, without a `csmsctl` at its begin. Raises Failure."""
    if _SPECIAL.search(line) is None:
        words = line.split()
    else:
        scanned = scan_words(line)
        match scanned.open:
            case "":
                words = [
                    _word_at_home(word.text) if line.startswith("~/", word.start) else word.text
                    for word in scanned.words
                ]
            case "{":
                raise Failure(USAGE, "The JSON in this line is not complete: a } is missing.")
            case "\\":
                raise Failure(USAGE, "Nothing follows the backslash at the end.")
            case mark:
                raise Failure(USAGE, f"The quotation mark {mark} is not closed.")
    return words[1:] if words[:1] == ["csmsctl"] else words


def is_skipped_line(line: AnyStr) -> bool:
    """Whether there is no command in it: it is blank, or a comment."""
    begin = line.lstrip()[:1]
    return begin in ("", "#", b"", b"#")


def commands_in_lines(text: str) -> Commands:
    """The commands in a text that was typed or pasted, one a line unless a line leaves something open."""
    complete: list[str] = []
    begun = ""
    for line in text.splitlines(keepends=True):
        if not begun and is_skipped_line(line):
            continue
        begun += line
        if not scan_words(begun).open:
            complete.append(begun.strip())
            begun = ""
    return Commands(complete, begun)


def quoted_word(value: str) -> str:
    """The value as a word that `split_words` reads back as it is."""
    return "'" + value.replace("'", "'\\''") + "'" if _MUST_BE_QUOTED.search(value) else value


def _word_at_home(text: str) -> str:
    return os.path.expanduser("~") + text[1:]  # noqa: PTH111 - without a home it stays as it is


def _shell_word(line: str, at: int) -> tuple[str, int, str]:
    """A word, where it ends, and what it leaves open."""
    parts: list[str] = []
    while at < len(line) and not line[at].isspace():
        match line[at]:
            case "'":
                end = line.find("'", at + 1)
                if end < 0:
                    return "".join(parts) + line[at + 1 :], len(line), "'"
                parts.append(line[at + 1 : end])
                at = end + 1
            case '"':
                found = _DOUBLE_QUOTED.match(line, at)
                assert found is not None  # the end of the line closes it, too
                parts.append(re.sub(r'\\(["\\])', r"\1", found[1]))
                at = found.end()
                if found[2] != '"':
                    return "".join(parts), len(line), '"'
            case "\\":
                if line[at + 1 :] in ("", "\n"):
                    return "".join(parts), len(line), "\\"
                parts.append("" if line[at + 1] == "\n" else line[at + 1])
                at += 2
            case _:
                found = _ORDINARY.match(line, at)
                assert found is not None
                parts.append(found[0])
                at = found.end()
    return "".join(parts), at, ""


def _end_of_json_word(line: str, at: int) -> int | None:
    """Behind the brace that closes the one at `at`; None when there is none yet."""
    depth = 0
    for found in _JSON_PART.finditer(line, at):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth == 0:
                return found.end()
        elif found[1] != '"':
            return None
    return None
