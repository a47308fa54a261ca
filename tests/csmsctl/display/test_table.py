"""Rows as aligned text and as CSV."""

from csmsctl.arguments.locales import LOCALES
from csmsctl.display.table import (
    Column,
    Record,
    csv_table_cell,
    csv_table_lines,
    plain_table_lines,
    text_of_csv_table_cell,
)

COLUMNS = (Column("id", "ID", right=True), Column("name", "NAME"))


def test_plain_text_is_aligned_and_never_cut() -> None:
    rows: list[Record] = [{"id": 1, "name": "a long name"}, {"id": 20, "name": None}, {"id": 3, "name": "\x1b日本"}]
    assert list(plain_table_lines(COLUMNS, rows, headers=True)) == [
        "ID  NAME",
        " 1  a long name",
        "20  -",
        " 3  \\x1b日本",
    ]


def test_what_comes_later_widens_what_is_too_narrow() -> None:
    later = ({"id": number, "name": "x"} for number in (7, 1000, 8))
    lines = list(plain_table_lines(COLUMNS, [{"id": 10, "name": "x"}], later, headers=False))
    assert lines == ["10  x", " 7  x", "1000  x", "   8  x"]


def test_csv_runs_nothing_and_can_be_read_back() -> None:
    for text in ("=1+1", "'=1", "plain", "-5", ""):
        assert text_of_csv_table_cell(csv_table_cell(text)) == text
    assert [*csv_table_lines(["a", "b"], [{"a": "=x", "b": True}, {"a": 1.5}], headers=True)] == [
        "a,b",
        "'=x,true",
        "1.5,",
    ]


def test_a_number_of_another_country_is_no_formula_and_a_text_still_is() -> None:
    rows = [{"a": -1.5, "cost": "-2.50", "b": "-2.50"}]
    assert [*csv_table_lines(["a", "cost", "b"], rows, headers=False, locale=LOCALES["de"])] == ["-1,5;-2,50;'-2.50"]
