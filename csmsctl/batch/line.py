"""One line of a batch: what it says, and what came of it."""

import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from csmsctl.arguments.global_options import GlobalOptions, extract_global_options, wants_json_globally
from csmsctl.command_line import carry_out_command_line, failure_of_command_line
from csmsctl.display.output import Output, versioned_output
from csmsctl.failure import INTERRUPTED, USAGE, Failure
from csmsctl.groups import LazyGroup, arguments_of_group_command, options_of_group_command
from csmsctl.invocation import Invocation
from csmsctl.lines.json_objects import find_command_of_json_object, words_of_json_object
from csmsctl.lines.secrets import mask_secret_words
from csmsctl.lines.shell_words import split_words
from csmsctl.tree import Root

if TYPE_CHECKING:
    from csmsctl.display.table import Record
    from csmsctl.link.shared_client import SharedClient


class Line:
    """A line that is not blank. `what` and `about` say which other lines it gets along with (see `Schedule`)."""

    def __init__(
        self, number: int, text: bytes, options: GlobalOptions, tree: Root, is_identity: Callable[[str], bool]
    ) -> None:
        self.number = number
        self.words: list[str] = []
        self.what: Any = None  # the command; None when there is none of that name
        self.about: frozenset[str] | None = None  # the identities, idTags … it names; None for any of them
        self.result: Record | None = None
        self.ended = threading.Event()
        self._begun = False
        self._tree = tree
        self._is_identity = is_identity  # of a word that looks like a glob: DE*ABC*E1
        self._wrong: Failure | None = None  # what is wrong with the line itself
        try:
            self._read(text, options)
        except Failure as failure:
            self._wrong = failure

    def _read(self, line: bytes, options: GlobalOptions) -> None:
        try:
            text = line.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise failure_of_command_line(error) from error
        self.words = words_of_json_object(text, self._tree) if text.startswith("{") else split_words(text)
        self._options, self._rest = extract_global_options(self.words, options)
        if not self._rest:
            raise Failure(USAGE, "The command is missing.", "See: csmsctl --help")
        if self._options.socket != options.socket:
            raise Failure(USAGE, "A batch has one connection.", "Give --socket to csmsctl batch itself.")
        if self._options.csv:
            raise Failure(USAGE, "The results of a batch are JSON.", "Leave out --csv.")
        path = _command_path_of_line(self._rest, self._tree)
        self.what = find_command_of_json_object(self._tree, path)
        if self.what is not None and self.what.alone:
            raise Failure(USAGE, f"{' '.join(path)} cannot be part of a batch.", "Run it by itself.")
        if self.what is not None:
            if _line_writes_file(self.what, self._rest) and not wants_json_globally(self.words):
                self._options.json = False  # the file is to be what it is without a batch
            self.about = self._names(self._rest[len(path) :])

    def _names(self, words: list[str]) -> frozenset[str] | None:
        """What the arguments name; None when that is open (a glob, a label, everyone)."""
        named = arguments_of_group_command(self.what.attach(words), options_of_group_command(self.what))
        if not any(param.name == "targets" for param in self.what.params):
            named = named[:1]
        if not named or any(self._may_be_several(name) for name in named):
            return None
        return frozenset(name.casefold() for name in named)

    def _may_be_several(self, name: str) -> bool:
        return name.startswith("@") or (bool(set("*?[") & set(name)) and not self._is_identity(name))

    @property
    def failed(self) -> bool:
        """Whether it ended with another exit code than 0; one that was not run has none."""
        return self.result is not None and bool(self.result["exit_code"])

    def run(self, shared: "SharedClient") -> None:
        """Carries it out. Nothing is raised: what goes wrong is its result."""
        self._begun = True
        if self._wrong is not None:
            self._end(self._wrong.code, None, self._wrong)
            return
        gathered = Gathered(self._options, self.number)
        try:
            run = Invocation(self._options, output=gathered, shared=shared)
            code = carry_out_command_line(run, self._rest, tree=self._tree, helps=False)
        except Exception as error:
            failure = failure_of_command_line(error)
            self._end(failure.code, gathered.result, failure)
        else:
            self._end(code, gathered.result)

    def give_up(self, reason: Failure) -> None:
        """It is not begun any more, or no longer waited for; what has its result keeps it."""
        if self.result is not None:
            return
        if self._begun:
            reason = Failure(INTERRUPTED, "Interrupted; it may have been carried out.", "See: csmsctl task list")
        self._end(INTERRUPTED if self._begun else None, None, reason)

    def _end(self, code: int | None, result: "Record | None", failure: Failure | None = None) -> None:
        shown = mask_secret_words(self.words)
        self.result = {
            "line": self.number,
            "command": shown,
            "exit_code": code,
            "result": result,
            "error": _error_of_line(failure, zip(self.words, shown, strict=True)) if failure else None,
        }
        self.ended.set()


def _error_of_line(failure: Failure, words: Iterable[tuple[str, str]]) -> "Record":
    """What went wrong; a secret among the words, each with how it is shown, is not repeated in it either."""
    record = failure.as_record()
    for word, shown in words:
        if word != shown:
            record |= {name: text.replace(word, shown) for name, text in record.items() if isinstance(text, str)}
    return record


class Gathered(Output):
    """What a command prints, kept for the result of its line. Warnings go to standard error, with the line's number."""

    def __init__(self, options: GlobalOptions, number: int) -> None:
        super().__init__(options)
        self.terminal = False
        self._number = number
        self._document: Record | None = None
        self._lines: list[str] = []

    @property
    def result(self) -> "Record | None":
        """The command's document; text under `output` where a command has none."""
        return self._document or ({"output": self._lines} if self._lines else None)

    def document(self, data: "Record") -> None:
        self._document = versioned_output(data)

    def stream(self, key: str, records: "Iterable[Record]", rest: "Callable[[], Record]") -> None:
        listed = list(records)
        self.document({key: listed, **rest()})

    def raw(self, data: bytes) -> None:
        raise Failure(USAGE, "The content of a file cannot be the result of a line.", "Name a file: --output FILE")

    def flush(self) -> None:
        pass

    def sync(self) -> None:
        raise Failure(
            USAGE, "The result of a line is not out of hand before the batch ends.", "Name a file: --output FILE"
        )

    def warn(self, text: str) -> None:
        super().warn(f"line {self._number}: {text}")

    def _write(self, text: str, *, flush: bool = False) -> None:
        self._lines.append(text)


class _NoInput(io.StringIO):
    """Standard input belongs to the batch, or to whoever started it; it is no terminal, so that nobody is asked."""

    def read(self, size: int | None = -1) -> str:
        raise Failure(USAGE, "A line of a batch cannot read standard input.", "Name a file, or what would stand there.")


@contextmanager
def line_without_standard_input() -> Iterator[None]:
    """Commands find none."""
    before, sys.stdin = sys.stdin, _NoInput()
    try:
        yield
    finally:
        sys.stdin = before


def options_for_lines(options: GlobalOptions) -> GlobalOptions:
    """What every line begins with."""
    return replace(options, json=True, csv=False, quiet=True, verbose=False, color="never")


def _command_path_of_line(words: list[str], tree: Root) -> list[str]:
    """The words at the begin that name the command."""
    command: Any = tree
    for count, word in enumerate(words, 1):
        command = command.get_command(None, word)
        if not isinstance(command, LazyGroup):
            return words[:count]
    return words


def _line_writes_file(command: Any, words: list[str]) -> bool:
    """Whether a file is named for what the command would print."""
    named = any(word.startswith(("--output", "-o")) for word in words)
    return named and any(param.name == "output" for param in command.params)
