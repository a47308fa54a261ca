"""Names of certificates: equal as numbers and in any case."""

import pytest

from csmsd.profiles.security.certificate_hash_data import same_name, serial_number_of


@pytest.mark.parametrize("text", ["1ab", "01AB", "0001ab", "0x1AB", "01:AB", " 01 ab "])
def test_a_serial_number_however_it_is_written(text: str) -> None:
    assert serial_number_of(text) == 0x1AB


@pytest.mark.parametrize("text", ["", "xyz", "1g"])
def test_what_is_none(text: str) -> None:
    assert serial_number_of(text) is None


def test_names_are_equal_in_any_case_and_of_one_algorithm_only() -> None:
    assert same_name("SHA256", "AA", "bB", "01") == same_name("SHA256", "aa", "BB", "1")
    assert same_name("SHA256", "AA", "BB", "01") != same_name("SHA384", "AA", "BB", "01")
    assert same_name("SHA256", "AA", "BB", "01") != same_name("SHA256", "AA", "BB", "02")
