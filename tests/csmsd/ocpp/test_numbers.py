"""Numbers as charge points write them."""

import math
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.numbers import parse_integer, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5", 12.5),
        (" 12.5 ", 12.5),
        ("-3", -3),
        ("1e3", 1000),
        ("12,345", 12.345),
        ("13000,7", 13000.7),
        ("-0,5", -0.5),
        (",5", 0.5),
        ("5,", 5),
        (" 1,5 ", 1.5),
        ("1,5e3", 1500),
        ("1,234,567", 1234567),
        ("1,234,567.8", 1234567.8),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("1.234.567", 1234567),
        ("1.234.567,89", 1234567.89),
        ("1'234'567.8", 1234567.8),
        ("1 234 567,8", 1234567.8),
        ("-1,234,567.8", -1234567.8),
        ("0" * 60 + "1", 1),
        ("1" * 400, None),
        ("", None),
        (",", None),
        ("NaN", None),
        ("inf", None),
        ("1e999", None),
        ("12 kWh", None),
        ("1,2,3", None),
        ("1,23,456", None),
        ("1234,567,890", None),
        ("1,234.567.890", None),
        ("1.234,567.8", None),
        ("12,34.5", None),
        ("1 23", None),
        ("1, 5", None),
        ("--5", None),
        ("0x10", None),
    ],
)
def test_numbers(text: str, number: float | None) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("+5", 5),
        (" -5 ", -5),
        ("9007199254740993", 9007199254740993),  # no float holds it
        ("5.9", 5),
        ("13000,7", 13000),
        ("-0,9", 0),
        ("12,345", 12345),  # thousandths of a watt-hour are nothing that a whole number says
        ("12.345", 12),
        ("1,234,567.8", 1234567),
        ("1.234.567,8", 1234567),
        ("1 234", 1234),
        ("1e3", 1000),
        ("many", None),
        ("", None),
        ("NaN", None),
        ("1" * 5000, None),
        ("+-5", None),
    ],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert parse_integer(text) == number


@given(st.text(alphabet="0123456789.,' +-eE_x", max_size=70) | st.text())
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = parse_number(text)
    assert number is None or math.isfinite(number)
    parse_integer(text)


@given(st.integers(-(2**63), 2**63))
def test_what_is_written_as_specified_is_read_as_it_is(number: int) -> None:
    assert parse_integer(str(number)) == number
    assert parse_number(str(number)) == float(number)


def test_long_text_costs_nothing() -> None:
    begun = process_time()
    for text in ("1" * 1_000_000, ",1" * 500_000, "1,234" * 200_000, " " * 1_000_000):
        parse_number(text)
        parse_integer(text)
    assert process_time() - begun < 5, "a quadratic part takes minutes"
