"""Nothing that somebody else wrote steers a terminal, a spreadsheet, or ends a line."""

import json

import pytest

from csmsctl.display.escape import escape_text, escape_to_json
from csmsctl.display.table import Column, csv_table_cell, csv_table_lines, plain_table_lines, text_of_csv_table_cell

HARMFUL = [
    "\x1b[31mred",
    "\x9b31m",
    "bell\x07",
    "line\nbreak",
    "return\rback",
    "delete\x7f",
    "right\u202eleft",
    "isolate\u2066x",
    "zero\u200bwidth",
    "separator\u2028x",
    "lone \ud800 surrogate",
    "\ufeffmark",
]


@pytest.mark.parametrize("text", HARMFUL)
def test_visible(text: str) -> None:
    shown = escape_text(text)
    assert shown.isprintable()
    shown.encode()


@pytest.mark.parametrize("text", ["CP1", "Müller", "[bold]markup[/bold]", "日本", "a\\b", "50 %", "⚡"])
def test_harmless_text_stays(text: str) -> None:
    assert escape_text(text) == text


@pytest.mark.parametrize("text", HARMFUL)
def test_json_says_the_same_and_is_safe(text: str) -> None:
    for indent in (None, 2):
        written = escape_to_json({"a": text}, indent=indent)
        assert json.loads(written) == {"a": text}
        assert escape_text(written.replace("\n", "")) == written.replace("\n", "")


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@sum", "'=1", "''-x"])
def test_formulas_get_a_quote_that_import_takes_away(text: str) -> None:
    assert csv_table_cell(text).startswith("'")
    assert text_of_csv_table_cell(csv_table_cell(text)) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (True, "true"), (-5, "-5"), (1.5, "1.5"), ("it's", "it's"), ("'quoted'", "'quoted'")],
)
def test_other_values(value: object, cell: str) -> None:
    assert csv_table_cell(value) == cell
    if isinstance(value, str):
        assert text_of_csv_table_cell(cell) == value


def test_a_record_is_one_line_of_csv() -> None:
    lines = list(csv_table_lines(["id", "note"], [{"id": "A", "note": 'x\ny, "z"'}], headers=True))
    assert lines == ["id,note", 'A,"x\\ny, ""z"""']


def test_plain_text_is_aligned_and_never_cut() -> None:
    columns = [Column("id", "ID"), Column("n", "N", right=True), Column("note", "NOTE")]
    records = [{"id": "日本", "n": 5, "note": "x" * 300}, {"id": "A\x1b[0m", "n": 1234, "note": None}]
    assert list(plain_table_lines(columns, records, headers=True)) == [
        "ID           N  NOTE",
        "日本         5  " + "x" * 300,
        "A\\x1b[0m  1234  -",
    ]
    assert len(list(plain_table_lines(columns, records, headers=False))) == 2
