"""Reports that commands write to a FILE: which form its name asks for, and the parts that forms are made of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from csmsctl.display.escape import escape_text, escape_to_json
from csmsctl.failure import USAGE, Failure

Form = Literal["text", "json", "markdown"]
FORMS: dict[str, Form] = {".txt": "text", ".json": "json", ".md": "markdown"}


def report_form_of(file: str) -> Form:
    """The form that the name of a file asks for. Raises Failure before anything is done that could not be written."""
    form = FORMS.get(Path(file).suffix.casefold())
    if form is None:
        raise Failure(USAGE, f"--report wants a FILE that ends in {', '.join(FORMS)}, not {file!r}.")
    if not Path(file).absolute().parent.is_dir():
        raise Failure(USAGE, f"There is no directory {Path(file).absolute().parent}.")
    return form


def report_lines(
    record: dict[str, Any],
    form: Form,
    *,
    text: Callable[[dict[str, Any]], Iterable[str]],
    markdown: Callable[[dict[str, Any]], Iterable[str]],
) -> list[str]:
    """A report in a form: its record as JSON, or what `text` and `markdown` make of it."""
    match form:
        case "json":
            return escape_to_json({"schema_version": 1, **record}, indent=2).splitlines()
        case "markdown":
            return list(markdown(record))
        case "text":
            return list(text(record))


def aligned_in_report(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """`name:  value`, a line each."""
    width = max(len(name) for name, _ in pairs) + 2
    for name, value in pairs:
        yield f"{name + ':':<{width}}{value}"


def report_columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows of text, the first one with the titles."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def markdown_table_in_report(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The same in Markdown."""
    yield f"| {' | '.join(titles)} |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield f"| {' | '.join(map(markdown_in_report, row))} |"


def markdown_in_report(text: str) -> str:
    """Text that does not end its cell, nor become an element of the page."""
    return escape_text(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
