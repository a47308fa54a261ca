"""Identities, and how they stand in the URL (J 3.1.1; FIELD-NOTES "Connecting")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.identity import fault_of_identity_in_path, fold, identity_from_path, is_identity


@pytest.mark.parametrize("identity", ["CP1", "0", "a.b-c_d:e*f+g=h~i", "RDAM-123", "x" * 48, "4C:11:AE:00"])
def test_valid_identities(identity: str) -> None:
    assert is_identity(identity)
    assert identity_from_path(f"/{identity}") == identity


@pytest.mark.parametrize(
    "identity",
    [
        "",
        " ",
        "x" * 49,
        "-CP1",
        ".hidden",
        "..",
        "=1+1",
        "CP 1",
        "CP1\n",
        "CP/1",
        "CP$(1)",
        "CP'1",
        "CPé",
        "CP1\0",
        "|",
        "@",
    ],
)
def test_texts_that_name_no_charge_point(identity: str) -> None:
    assert not is_identity(identity)


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        ("/CP1", "CP1"),
        ("CP1", "CP1"),
        ("/ocpp/CP1", "CP1"),
        ("/steve/websocket/CentralSystemService/CP1", "CP1"),
        ("///CP1", "CP1"),
        ("/CP1/", "CP1"),
        ("/ocpp//CP1//", "CP1"),
        ("/CP1?token=abc/def", "CP1"),
        ("/CP1#part", "CP1"),
        ("/CP%2D1", "CP-1"),
        ("/cp%31", "cp1"),
        ("/CP%3A1", "CP:1"),
        ("/../CP1", "CP1"),
        ("", None),
        ("/", None),
        ("//", None),
        ("/?CP1", None),
        ("/CP%201", None),
        ("/CP%2F1", None),
        ("/CP%252D1", None),  # decoded once: CP%2D1
        ("/CP%00", None),
        ("/CP%FF", None),
        ("/CP%", None),
        ("/..", None),
        ("/CP1/..", None),
        ("/CP%0d%0aX", None),
        ("/" + "x" * 49, None),
    ],
)
def test_the_identity_is_the_last_segment_decoded_once(target: str, identity: str | None) -> None:
    assert identity_from_path(target) == identity


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("/", None),
        ("/ocpp/", None),
        ("/ocpp/CP1", None),
        ("/ocpp/" + "x" * 49, "49 characters, 48 at most"),
        ("/ocpp/CP%201", "it has characters that no identity has"),
    ],
)
def test_what_is_wrong_with_the_last_segment(target: str, fault: str | None) -> None:
    assert fault_of_identity_in_path(target) == fault


def test_identities_that_differ_only_in_case_are_one() -> None:
    assert fold("CP-Ab1") == fold("cp-aB1") != fold("CP-Ab2")


def test_blanks_around_an_id_tag_make_no_other_card_of_it() -> None:
    assert fold(" F6 CA 0C C5") == fold("f6 ca 0c c5  ") != fold("F6CA0CC5")


@given(st.text())
def test_any_target_gives_an_identity_or_none(target: str) -> None:
    identity = identity_from_path(target)

    assert identity is None or is_identity(identity)
