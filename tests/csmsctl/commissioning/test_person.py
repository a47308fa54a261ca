"""The person at the terminal."""

import io

import pytest

from csmsctl.commissioning.ends import Skipped, Stopped
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


@pytest.mark.parametrize(
    ("typed", "ends"),
    [
        ("\n", None),
        ("done\n", None),
        ("s\n", Skipped),
        (" SKIP \n", Skipped),
        ("q\n", Stopped),
        ("Quit\n", Stopped),
        ("", Stopped),  # the terminal has gone
        ("s", Stopped),
    ],
)
def test_what_a_person_answers(monkeypatch: pytest.MonkeyPatch, typed: str, ends: type[Exception] | None) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    if ends is None:
        Person().do("Plug it in.")
    else:
        with pytest.raises(ends):
            Person().do("Plug it in.")
