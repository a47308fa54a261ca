"""`tag import` and `tag export`: idTags as CSV."""

import csv
import re
import sys
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import Output, file_parameter_values
from csmsctl.arguments.when_and_duration import parse_when
from csmsctl.commands.tags import LISTING, TAGS
from csmsctl.display.confirm import confirm
from csmsctl.display.files import write_document_to_file, write_lines_to_file
from csmsctl.display.table import csv_table_lines, text_of_csv_table_cell
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import invocation
from csmsctl.records.listing import Chosen, named_in_listing
from csmsd.ocpp.identity import fold

FIELDS = ("id", "parent", "expires_at", "blocked", "max_transactions", "note", "labels")
_MAX_ID_TAG = 20
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")
_SHOWN = 20  # errors
_SHORTENED = re.compile(r"\d+(?:[.,]\d+)?E\+\d+", re.IGNORECASE)


@lists(of=TAGS, time="created", forms=False)
def tag_export_command(ctx: typer.Context, output: Output = None, *, view: View) -> None:
    """Write idTags as CSV, all unless some are chosen, in the form that `tag import` reads."""
    run = invocation(ctx)
    tags = list(Chosen(LISTING, view, named_in_listing(run.call("tag.list"), LISTING, view)["tags"], view.limit or 0))
    if run.options.json:
        write_document_to_file(run.output, output, {"tags": tags})
        return
    write_lines_to_file(run.output, output, csv_table_lines(_tag_file_columns(view), tags, headers=run.output.headers))


def _tag_file_columns(view: View) -> list[str]:
    """Only what can be imported again."""
    if not view.columns:
        return list(FIELDS)
    chosen = [word.strip().casefold().replace("-", "_") for word in view.columns.split(",")]
    if unknown := [word for word in chosen if word not in FIELDS]:
        raise Failure(USAGE, f"There is no column {unknown[0]!r} in this file.", f"There are: {', '.join(FIELDS)}.")
    return chosen


def tag_import_command(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="CSV file; - reads it", autocompletion=file_parameter_values)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Remove the idTags that are not in the file")] = False,
) -> None:
    """Add and change idTags from CSV, all of them or, when a line is bad, none.

    The first line names the columns: id, parent, expires_at, blocked, max_transactions, note, labels (with blanks
    between them), of which only id is needed. An empty cell means none.
    """
    run = invocation(ctx)
    text = _text_of_tag_file(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
    tags, errors = read_tag_file(text)
    if errors:
        shown = errors[:_SHOWN] + ([f"… and {len(errors) - _SHOWN} more"] if len(errors) > _SHOWN else [])
        if not run.options.json:
            for error in shown:
                run.output.warn(error)
        detail = "; ".join(shown) if run.options.json else f"{len(errors)} of the lines cannot be read"
        raise Failure(USAGE, f"Nothing was imported: {detail}.", "Mend the file and import it again.")
    if replace:
        confirm(run.options, f"Every idTag that is not among the {len(tags)} in {file} will be removed. Go on?")
    result = run.call("tag.import", tags=tags, replace=replace or None)
    if run.output.documented(result):
        return
    counts = [f"{result.get(key, 0)} {key}" for key in ("added", "changed", "unchanged", "removed")]
    run.output.text(", ".join(counts))


def _text_of_tag_file(data: bytes) -> str:
    """Spreadsheets write UTF-8 with a mark, or what their country had before it. Raises Failure."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        shown = data[error.start : error.start + 1].decode("cp1252", "replace")
        raise Failure(
            USAGE,
            f"Nothing was imported: line {line} is not UTF-8 (0x{data[error.start]:02X}, {shown} in Windows-1252).",
            "Save it as CSV UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE | csmsctl tag import -",
        ) from None


def read_tag_file(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The idTags in a CSV text, and what is wrong with it, line by line."""
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    tags: list[dict[str, Any]] = []
    errors: list[str] = []
    seen: dict[str, int] = {}
    try:
        columns = [name.strip().casefold() for name in next(lines, [])]
        if "id" not in columns:
            return [], ["line 1: there is no column id; the first line names the columns"]
        if unknown := [name for name in columns if name not in FIELDS]:
            return [], [f"line 1: unknown column {unknown[0]!r}; known are {', '.join(FIELDS)}"]
        if len(set(columns)) != len(columns):
            return [], ["line 1: a column is named twice"]
        before = lines.line_num
        for cells in lines:
            number, before = before + 1, lines.line_num
            if not any(cell.strip() for cell in cells):
                continue
            try:
                tag = _read_tag_of_file(columns, cells)
                first = seen.setdefault(fold(tag["id"]), number)
                if first != number:
                    raise ValueError(f"{tag['id']} stands in line {first} already")
                tags.append(tag)
            except ValueError as error:
                errors.append(f"line {number}: {error}")
    except csv.Error as error:
        errors.append(f"line {lines.line_num}: {error}")
    return tags, errors


def _read_tag_of_file(columns: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells for {len(columns)} columns")
    given = dict(zip(columns, (text_of_csv_table_cell(cell.strip()) for cell in cells), strict=True))
    tag: dict[str, Any] = {"id": given["id"]}
    for name in ("id", "parent"):
        if len(given.get(name, "")) > _MAX_ID_TAG:
            raise ValueError(f"{name} is {len(given[name])} characters long; OCPP allows {_MAX_ID_TAG}")
        if _SHORTENED.fullmatch(given.get(name, "")):
            raise ValueError(
                f"{name} {given[name]} is a number that a spreadsheet has shortened: make the column one of text there"
            )
    if not tag["id"]:
        raise ValueError("id is empty")
    for name, value in given.items():
        if name == "blocked":
            tag[name] = _yes_or_no_in_tag_file(value)
        elif name == "labels":
            tag[name] = value.split()
        elif name == "expires_at" and value:
            tag[name] = parse_when(value)
        elif name == "max_transactions" and value:
            if not (value.isascii() and value.isdigit()) or len(value) > 9:
                raise ValueError(f"max_transactions is {value!r}, not a number")
            tag[name] = int(value)
        elif name != "id":
            tag[name] = value or None
    return tag


def _yes_or_no_in_tag_file(text: str) -> bool:
    if text.casefold() in _YES:
        return True
    if text.casefold() in _NO:
        return False
    raise ValueError(f"blocked is {text!r}, not true or false")
