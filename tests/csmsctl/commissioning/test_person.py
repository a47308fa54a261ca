"""The person at the terminal."""

import io

import pytest

from csmsctl.commissioning.person import Person


def test_what_a_person_is_told_is_not_broken_in_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    Person().do("CP1 is not connected. Its URL is wss://csms.example.org:9000/ocpp/CP1; switch it on.")
    assert capsys.readouterr().err.splitlines()[:3] == [
        "  CP1 is not connected. Its URL is",
        "  wss://csms.example.org:9000/ocpp/CP1;",
        "  switch it on.",
    ]
