"""Whose records a listing is of."""

import pytest

from csmsd.ports.listings import Places, Rows


@pytest.mark.parametrize(
    ("identity", "among"),
    [
        ("CP1", True),
        ("cp1", True),  # the case of letters is no difference
        ("CP11", False),
        ("north-2", True),
        ("NORTH-", True),
        ("far-north-2", False),
    ],
)
def test_records_are_among_them_by_identity_or_by_glob(identity: str, among: bool) -> None:
    assert Places(["Cp1"], ["North-*"]).has(identity) is among


def test_nobody_is_in_no_place() -> None:
    assert not Places().has("CP1")


def test_a_listing_is_whole_unless_it_says_otherwise() -> None:
    assert Rows([1]).more is False
