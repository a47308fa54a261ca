"""What a command prints: data on standard output, everything else on standard error."""

import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.display.escape import escape_text, escape_to_json
from csmsctl.failure import Failure

if TYPE_CHECKING:
    from csmsctl.display.table import Column, Record

SCHEMA_VERSION = 1
_ROWS = 1000  # of a table, at a time


class Output:
    """The way to standard output and standard error; everything that passes is made harmless here."""

    def __init__(self, options: GlobalOptions) -> None:
        self.json = options.json
        self.csv = options.csv
        self.locale = options.locale
        self.headers = options.headers
        self.quiet = options.quiet
        self.verbose = options.verbose
        self.pager = options.pager
        self.color = options.color
        # `>&-`: what is written goes nowhere (csmsctl/__main__.py).
        self.closed = getattr(sys.stdout, "name", None) == os.devnull
        # Rich tables: on a terminal, or where colours are demanded.
        self.terminal = options.color == "always" or (
            sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        )
        for stream in (sys.stdout, sys.stderr):
            _output_never_fails_to_encode(stream)

    @property
    def shows_progress(self) -> bool:
        """Whether a bar may be shown on standard error."""
        return sys.stderr.isatty() and not self.quiet

    # --- data

    def document(self, data: "Record") -> None:
        """The one JSON document of a command."""
        self._write(
            escape_to_json(
                versioned_output(data), indent=2 if self._at_a_terminal() else None, ascii_only=_output_is_ascii()
            )
        )

    def documented(self, data: "Record") -> bool:
        """Prints the one JSON document where JSON is asked for; whether it is."""
        if self.json:
            self.document(data)
        return self.json

    def stream(self, key: str, records: "Iterable[Record]", rest: "Callable[[], Record]") -> None:
        """The document of a list, written while it is read; `rest` is what there is to say after its end."""
        if self._at_a_terminal():
            listed = list(records)
            self.document({key: listed, **rest()})
            return
        first = True
        for record in records:
            start = f'{{"schema_version":{SCHEMA_VERSION},{escape_to_json(key)}:[' if first else ","
            sys.stdout.write(start + escape_to_json(record, ascii_only=_output_is_ascii()))
            first = False
        if first:
            self.document({key: [], **rest()})
            return
        end = "".join(
            f",{escape_to_json(name)}:{escape_to_json(value, ascii_only=_output_is_ascii())}"
            for name, value in rest().items()
        )
        self._write(f"]{end}}}")

    def names(self, field: str, records: "Iterable[Record]") -> None:
        """One name a line, to be read by other commands: each once, in the order in which they come."""
        seen: set[str] = set()
        for record in records:
            name = str(record.get(field) or "")
            if name and name not in seen:
                seen.add(name)
                self._write(escape_text(name))

    def outcome(self, result: "Record", sentence: str) -> None:
        """What came of a change: csmsd's answer as the document, or a sentence for people."""
        if not self.documented(result):
            self.note(sentence)

    def line(self, data: "Record", *, flush: bool = True) -> None:
        """One line of a stream of JSON."""
        self._write(escape_to_json(versioned_output(data), ascii_only=_output_is_ascii()), flush=flush)

    def text(self, line: str, *, style: str = "", flush: bool = False) -> None:
        """A line of text for people; a style is Rich's and shows on a terminal only."""
        if self.terminal and style:
            from csmsctl.display.rich_terminal import rich_styled

            self._write(rich_styled(escape_text(line), style, self.color), flush=flush)
        else:
            self._write(escape_text(line), flush=flush)

    def table(
        self, columns: "Sequence[Column]", records: "Iterable[Record]", *, empty: str = "", wide: bool = False
    ) -> None:
        """Rows: CSV, plain text, or on a terminal a table; `empty` is the note when there are none.

        A `wide` one has all its columns, however wide the terminal is. However many rows there are, a part of them is
        held at a time.
        """
        if self.csv:
            self.csv_rows([column.key for column in columns], records, headers=self.headers)
            return
        from itertools import islice

        rows = iter(records)
        part = list(islice(rows, _ROWS))
        if not part:
            self.note(empty)
        elif self.terminal:
            from csmsctl.display.rich_terminal import render_rich_table, show_paged_on_terminal

            headers = self.headers
            while part:
                rendered = render_rich_table(columns, part, headers=headers, color=self.color, wide=wide)
                part, last = list(islice(rows, _ROWS)), len(part) < _ROWS
                if not (last and self.pager and self._at_a_terminal() and headers and show_paged_on_terminal(rendered)):
                    self._write(rendered)
                headers = False
        else:
            from csmsctl.display.table import plain_table_lines

            self.lines(plain_table_lines(columns, part, rows, headers=self.headers))

    def csv_rows(self, keys: Sequence[str], records: "Iterable[Record]", *, headers: bool = False) -> None:
        """Rows of CSV; those of a stream, one by one, are without headers."""
        self.lines(self.csv_lines(keys, records, headers=headers), flush=True)

    def csv_lines(
        self, keys: Sequence[str], records: "Iterable[Record]", *, headers: bool | None = None
    ) -> "Iterable[str]":
        """Rows of CSV for the spreadsheet that is meant; with headers unless they are not wanted."""
        from csmsctl.display.table import csv_table_lines

        locale = None
        if self.locale is not None:
            from csmsctl.arguments.locales import locale_named

            locale = locale_named(self.locale)
        return csv_table_lines(keys, records, headers=self.headers if headers is None else headers, locale=locale)

    def fields(self, pairs: Sequence[tuple[str, str]]) -> None:
        """A record as `name: value` lines; what is empty is left out."""
        shown = [(name, value) for name, value in pairs if value]
        width = max((len(name) for name, _ in shown), default=0) + 2
        for name, value in shown:
            self._write(escape_text(f"{name + ':':<{width}}{value}"))

    def lines(self, lines: Iterable[str], *, flush: bool = False) -> None:
        """Lines that are harmless already."""
        for line in lines:
            self._write(line)
        if flush:
            self.flush()

    def raw(self, data: bytes) -> None:
        """A part of a file, as it is."""
        sys.stdout.buffer.write(data)

    def flush(self) -> None:
        """Nothing of the data is held back any more."""
        sys.stdout.flush()

    def sync(self) -> None:
        """The data is where it goes: on disk, if standard output is a file. Raises OSError when it is not."""
        self.flush()
        try:
            os.fsync(sys.stdout.fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):  # a pipe, a terminal, a device
                raise

    # --- everything else

    def note(self, text: str) -> None:
        """Something worth knowing; `--quiet` is without it."""
        if text and not self.quiet:
            self.warn(text)

    def progress(self, text: str, *, last: bool = False) -> None:
        """How far it is, on a terminal: the next one takes the place of this line, unless it is the last."""
        if self.shows_progress and not self.json:
            sys.stderr.write(f"\r{escape_text(text)}\x1b[K" + ("\n" if last else ""))
            sys.stderr.flush()

    def detail(self, text: str) -> None:
        """Something for `--verbose`."""
        if self.verbose:
            self.warn(f"csmsctl: {text}")

    def warn(self, text: str) -> None:
        """Something that must be known."""
        _output_to_stderr(escape_text(text))

    def _at_a_terminal(self) -> bool:
        return sys.stdout is not None and sys.stdout.isatty()

    def _write(self, text: str, *, flush: bool = False) -> None:
        sys.stdout.write(text + "\n")
        if flush or self._at_a_terminal():
            self.flush()


def output_failure(failure: Failure, *, as_json: bool) -> None:
    """The error on standard error: a sentence and the next step, or one JSON line."""
    _output_never_fails_to_encode(sys.stderr)
    if as_json:
        _output_to_stderr(escape_to_json(versioned_output({"error": failure.as_record()}), ascii_only=True))
        return
    _output_to_stderr(escape_text(f"csmsctl: {failure.message}"))
    if failure.next_step:
        _output_to_stderr(escape_text(failure.next_step))


def versioned_output(data: "Record") -> "Record":
    """As a document has it."""
    return {"schema_version": SCHEMA_VERSION, **data}


def _output_to_stderr(text: str) -> None:
    """Nobody is left to be told when standard error is closed or full."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass


def _output_never_fails_to_encode(stream: TextIO | Any) -> None:
    """A lone surrogate or a letter that the locale lacks becomes an escape instead of an exception."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and stream.errors != "backslashreplace":
        reconfigure(errors="backslashreplace")


def _output_is_ascii() -> bool:
    """Whether JSON must keep to ASCII because the locale cannot write the rest."""
    return (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "") != "utf8"
