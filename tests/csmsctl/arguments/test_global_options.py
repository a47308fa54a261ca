"""Global options: taken from any position, never from after `--`."""

from pathlib import Path

import pytest

from csmsctl.arguments.global_options import extract_global_options, wants_json_globally
from csmsctl.failure import USAGE, Failure


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        (["--json", "status"], ["status"]),
        (["status", "--json"], ["status"]),
        (["cp", "--json", "show", "CP1"], ["cp", "show", "CP1"]),
        (["status", "--", "--json"], ["status", "--", "--json"]),
        (["tag", "add", "A", "--note=--json"], ["tag", "add", "A", "--note=--json"]),
        (["log", "-f", "-qv"], ["log", "-f"]),
        (["call", "CP1", "Reset", '{"type":"Soft"}', "--yes"], ["call", "CP1", "Reset", '{"type":"Soft"}']),
        (["--version"], ["--version"]),
    ],
)
def test_what_is_left(arguments: list[str], rest: list[str]) -> None:
    assert extract_global_options(arguments)[1] == rest


def test_every_option_at_every_position() -> None:
    words = ["cp", "show", "CP1"]
    flags = ["--json", "--no-headers", "--yes", "-q", "-v", "--no-pager", "--timeout=5", "--color=never"]
    for position in range(len(words) + 1):
        options, rest = extract_global_options([*words[:position], *flags, "--socket", "/x/y", *words[position:]])
        assert rest == words
        assert (options.json, options.headers, options.yes, options.pager) == (True, False, True, False)
        assert (options.quiet, options.verbose, options.timeout, options.color) == (True, True, 5.0, "never")
        assert options.socket == Path("/x/y")


def test_socket_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_SOCKET", "/from/environment")
    assert extract_global_options(["status"])[0].socket == Path("/from/environment")
    assert extract_global_options(["status", "--socket", "/from/option"])[0].socket == Path("/from/option")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeout", "soon"],
        ["--timeout", "0"],
        ["--timeout", "-1"],
        ["--timeout", "nan"],
        ["--timeout"],
        ["--socket"],
        ["--socket="],
        ["--color", "blue"],
        ["--json", "--csv"],
    ],
)
def test_bad_values(arguments: list[str]) -> None:
    with pytest.raises(Failure) as failed:
        extract_global_options(["status", *arguments])
    assert failed.value.code == USAGE


def test_json_errors_are_wanted_only_before_the_double_dash() -> None:
    assert wants_json_globally(["status", "--json", "--timeout", "x"])
    assert not wants_json_globally(["status", "--", "--json"])
