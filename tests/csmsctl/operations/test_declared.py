"""Commands made from the operations that the slices declare."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
import typer
from msgspec import Meta

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.operations.declared import build_declared_operation, declared_parameters
from csmsd.profiles import operations
from csmsd.profiles.action import Operation
from tests.csmsctl import samples
from tests.csmsctl.commands.profile_samples import ACCEPTED
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.operations.answers import answer_with
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_a_profile_of_an_operation_is_a_name_or_a_file(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    daemon.replies["operation.run"] = {"schema_version": 1, "results": [{**ACCEPTED, "action": "SetChargingProfile"}]}
    words = ["set-charging-profile", "CP1", "--connector", "1", "--profile"]
    file = tmp_path / "p.json"
    file.write_text('{"stackLevel":0}')
    for given, sent in (("night", "night"), (str(file), {"stackLevel": 0})):
        assert csmsctl(*words, given).code == 0
        assert daemon.params("operation.run")["parameters"] == {"connector": 1, "profile": sent}
    assert csmsctl(*words, "-", stdin='{"a":1}').code == 0
    assert daemon.params("operation.run")["parameters"]["profile"] == {"a": 1}
    assert csmsctl(*words, "missing.json").code == 2
    assert csmsctl(*words, "-", stdin="[]").code == 2


COMMON = {"targets", "all_", "all", "parallel", "fail_fast", "dry_run", "force", *GlobalOptions.__annotations__}


def test_every_operation_has_a_command_with_help_and_example() -> None:
    for name, declared in operations().items():
        command = build_declared_operation(name)
        assert command.help.split("\n")[0].endswith("."), name
        assert declared.example.startswith(f"csmsctl {name} "), name
        assert declared.example == command.declared_example
        for parameter in declared_parameters(declared):
            assert parameter.said("description"), f"{name} {parameter.option} has no help"
            assert parameter.name not in COMMON, f"{name} {parameter.option} hides an option of every command"


class Everything(Operation, kw_only=True):
    """Do everything.

    Really.
    """

    command: ClassVar[str] = "everything"
    example: ClassVar[str] = "csmsctl everything CP1 --count 1"

    count: Annotated[int, Meta(description="How many", ge=1, le=9)]
    over: Annotated[int, Meta(description="More than", gt=3, lt=6)] | None = None
    kind: Annotated[Literal["Soft", "HardAndFast"], Meta(description="Kind")] | None = None
    several: Annotated[list[Literal["One", "Two"]], Meta(description="Several", max_length=2)] = []
    text: Annotated[str, Meta(description="Text", max_length=3)] | None = None
    texts: list[Annotated[str, Meta(description="Texts", max_length=3, extra={"metavar": "T"})]] = []
    at: Annotated[str, Meta(description="Time", extra={"metavar": "WHEN"})] | None = None
    really: Annotated[bool, Meta(description="Really")] = False


def parse(*words: str) -> dict[str, Any]:
    from csmsctl.groups import build_command_of_group
    from csmsctl.operations.declared import _function_of_declared

    command = build_command_of_group("everything", _function_of_declared(Everything))
    with command.make_context("everything", list(words)) as context:
        return dict(context.params)


def test_fields_become_options() -> None:
    given = parse(
        *("CP1", "--count", "2", "--over", "4", "--kind", "hardandfast", "--several", "two", "--several", "ONE"),
        *("--text", "abc", "--texts", "a", "--texts", "b", "--at", "2026-01-31T12:00:00Z", "--really"),
    )
    expected = {
        "targets": ["CP1"],
        "count": 2,
        "over": 4,
        "kind": "HardAndFast",
        "several": ["Two", "One"],
        "text": "abc",
        "texts": ["a", "b"],
        "at": "2026-01-31T12:00:00.000Z",
        "really": True,
    }
    assert {name: list(given[name]) if isinstance(given[name], tuple) else given[name] for name in expected} == expected


@pytest.mark.parametrize(
    "words",
    [
        ["CP1"],
        ["CP1", "--count", "0"],
        ["CP1", "--count", "10"],
        ["CP1", "--count", "x"],
        ["CP1", "--count", "1", "--over", "3"],
        ["CP1", "--count", "1", "--over", "6"],
        ["CP1", "--count", "1", "--kind", "slow"],
        ["CP1", "--count", "1", "--several", "three"],
        ["CP1", "--count", "1", "--text", "abcd"],
        ["CP1", "--count", "1", "--texts", "abcd"],
        ["CP1", "--count", "1", "--at", "soon"],
    ],
)
def test_limits_are_checked(words: list[str]) -> None:
    with pytest.raises(typer.TyperException):
        parse(*words)


def test_targets(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = answer_with(samples.result())
    csmsctl("clear-cache", "CP1", "north-*", "@south", "-", "CP1", "--yes", stdin="CP7\nCP8  CP1\n")
    assert daemon.params("operation.run")["targets"] == ["CP1", "north-*", "@south", "CP7", "CP8"]
    csmsctl("clear-cache", "--all", "--parallel", "3", "--fail-fast", "--force", "--yes")
    asked = daemon.params("operation.run")
    assert asked["targets"] == ["*"]
    assert (asked["parallel"], asked["fail_fast"], asked["force"]) == (3, True, True)
    csmsctl("remote-stop", "--transaction", "7")
    assert daemon.params("operation.run")["targets"] == []


@pytest.mark.parametrize("words", [[], ["--all", "CP1"], ["-"]])
def test_targets_that_make_no_sense(csmsctl: Csmsctl, words: list[str]) -> None:
    assert csmsctl("clear-cache", *words, "--json", stdin="").error["code"] == 2
