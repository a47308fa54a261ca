"""Rows of records with their columns: plain aligned text, and CSV. Terminals are in `rich_terminal.py`."""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from csmsctl.display.escape import escape_text
from csmsctl.display.value_texts import plain_text

if TYPE_CHECKING:
    from csmsctl.arguments.locales import Locale

Record = dict[str, Any]

# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """A column: the record's key, the title, and how the value is shown to people (`show(value, human)`)."""

    key: str
    title: str
    show: Callable[[Any, bool], str] | None = None
    right: bool = False
    wide: bool = False  # left out on a terminal that is too narrow
    folds: bool = False  # gives way where a terminal is too narrow
    style: Callable[[Record], str] | None = None
    unknown: Callable[[Record], bool] | None = None  # what the key has is no answer to a person

    def text(self, record: Record, human: bool) -> str:
        """The cell, safe to print."""
        value = None if self.unknown is not None and self.unknown(record) else record.get(self.key)
        return escape_text(self.show(value, human) if self.show else plain_text(value))


def plain_table_lines(
    columns: Sequence[Column], records: Iterable[Record], more: Iterable[Record] = (), *, headers: bool
) -> Iterator[str]:
    """Aligned text, two blanks between columns, `-` for nothing, never cut.

    The records say how wide the columns are; `more` of them are not looked at before, and widen what is too narrow.
    """
    rows = [[column.text(record, False) or "-" for column in columns] for record in records]
    if headers:
        rows.insert(0, [column.title for column in columns])
    widths = [max((_width_in_table(row[at]) for row in rows), default=0) for at in range(len(columns))]
    for row in chain(rows, ([column.text(record, False) or "-" for column in columns] for record in more)):
        widths = [max(width, _width_in_table(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            _pad_in_table(cell, width, column.right) for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def csv_table_lines(
    keys: Sequence[str], records: Iterable[Record], *, headers: bool, locale: "Locale | None" = None
) -> Iterator[str]:
    """CSV with the records' keys as header; values as they are, except what a spreadsheet would run."""
    if locale is None:
        if headers:
            yield _csv_table_line(list(keys))
        for record in records:
            yield _csv_table_line([csv_table_cell(record.get(key)) for key in keys])
        return
    from csmsctl.arguments.locales import MARK, Written

    if headers:
        yield MARK + _csv_table_line(list(keys), locale.delimiter)
    for record in records:
        values = [locale.cell(key, record) for key in keys]
        yield _csv_table_line(
            [value if isinstance(value, Written) else csv_table_cell(value) for value in values], locale.delimiter
        )


def csv_table_cell(value: Any) -> str:
    """A value for CSV. Text that looks like a formula gets a leading quote; `text_of_csv_table_cell` undoes it."""
    if value is None or value == []:  # most cells
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = escape_text(plain_text(value))
    return "'" + text if text.lstrip("'").startswith(_FORMULA) else text


def text_of_csv_table_cell(cell: str) -> str:
    """What `csv_table_cell` was given, for text."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def _csv_table_line(cells: list[str], delimiter: str = ",") -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="", delimiter=delimiter).writerow(cells)
    return line.getvalue()


def _width_in_table(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _pad_in_table(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _width_in_table(text))
    return blanks + text if right else text + blanks
