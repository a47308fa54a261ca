"""Completion at the prompt: the candidates of `csmsctl __complete`, found by any of their letters."""

import time
from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from csmsctl.arguments.candidates import Candidates
from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.completion import complete_words
from csmsctl.display.escape import escape_text
from csmsctl.lines.shell_words import commands_in_lines, quoted_word, scan_words
from csmsctl.shell.fuzzy import fuzzy_matching
from csmsctl.tree import Root

_FRESH = 1.0  # seconds in which letters are typed without asking csmsd again
_OWN = [("help", "What a command does"), ("exit", "End the shell")]


class LineCompleter(Completer):
    """For the word before the cursor. Live values come with what they are doing."""

    def __init__(self, options: GlobalOptions, tree: Root) -> None:
        self._options = options
        self._tree = tree
        self._asked: dict[tuple[str, ...], tuple[float, Candidates]] = {}

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before, newline, line = document.text_before_cursor.rpartition("\n")
        text = commands_in_lines(before + newline).rest + line  # of several commands the one that is being typed
        scanned = scan_words(text)
        words = [word.text for word in scanned.words]
        start = len(text)
        if scanned.open in ("{", "\\"):
            return
        if scanned.open or (words and not text[-1].isspace()):
            start = scanned.words[-1].start
        else:
            words.append("")
        if words[0] == "csmsctl" and len(words) > 1:
            del words[0]
        for value, meaning in self._candidates(words):
            # A value that holds control characters could not be typed anyway.
            if value == escape_text(value):
                yield Completion(
                    _typed_for_completer(value), start - len(text), display=value, display_meta=escape_text(meaning)
                )

    def _candidates(self, words: list[str]) -> Candidates:
        own = _OWN if len(words) == 1 else []
        if words[0] == "help" and len(words) > 1:
            words = words[1:]
        word = words[-1]
        base = _base_for_completer(word)
        found = self._all([*words[:-1], base])
        # csmsd gives the first some hundreds; what has these letters may be among the others.
        if base != word and len(found) >= 500:
            found = self._all([*words[:-1], base], word.removeprefix(base))
        return fuzzy_matching(word, list(dict([*found, *own]).items()))

    def _all(self, words: list[str], letters: str = "") -> Candidates:
        asked = (*words, letters)
        at, found = self._asked.get(asked, (0.0, []))
        if time.monotonic() - at > _FRESH:
            try:
                found = complete_words(words, self._options, self._tree, letters)
            except (Exception, SystemExit):  # a broken completion must not break the line that is being typed
                found = []
            # Nobody comes back to what is old.
            self._asked = {of: known for of, known in self._asked.items() if time.monotonic() - known[0] < _FRESH}
            self._asked[asked] = time.monotonic(), found
        return found


def _typed_for_completer(value: str) -> str:
    """The value as it is typed; a file at home keeps its `~/`."""
    return "~/" + quoted_word(value[2:]) if value.startswith("~/") else quoted_word(value)


def _base_for_completer(word: str) -> str:
    """The part of the word that decides what is asked for; the letters after it choose."""
    if word.startswith("-"):
        name, equals, _ = word.partition("=")
        return name + equals if equals else "--"
    return word[: word.rfind("/") + 1]
