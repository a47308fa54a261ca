"""Commands made from operations, what they send, what they print, and the exit codes."""

import json
from typing import Annotated, Any, ClassVar, Literal

import pytest
import typer
from msgspec import Meta

from csmsctl.arguments.options import GlobalOptions
from csmsctl.operations.declared import build_operation, parameters
from csmsctl.operations.request import exit_code
from csmsctl.tree import root
from csmsd.profiles import operations
from csmsd.profiles.slice import Operation
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, RpcError, ScriptedDaemon

COMMON = {"targets", "all_", "all", "parallel", "fail_fast", "dry_run", "force", *GlobalOptions.__annotations__}


def answer_with(*results: Params) -> Any:
    def answer(peer: Peer, _params: Params) -> Params:
        peer.progress(list(results))
        return {"schema_version": 1, "results": list(results)}

    return answer


def test_every_operation_has_a_command_with_help_and_example() -> None:
    for name, declared in operations().items():
        command = build_operation(name)
        assert command.help.split("\n")[0].endswith("."), name
        assert declared.example.startswith(f"csmsctl {name} "), name
        assert declared.example in command.epilog
        for parameter in parameters(declared):
            assert parameter.said("description"), f"{name} {parameter.option} has no help"
            assert parameter.name not in COMMON, f"{name} {parameter.option} hides an option of every command"


def test_every_example_is_a_command_line_that_is_understood() -> None:
    import shlex

    from csmsctl.arguments.options import extract
    from csmsctl.manual import commands

    tree = root()
    for _, name, command in commands(tree):
        words = extract(shlex.split(command.example)[1:])[1]
        rest = words[len(name.split()) :]
        assert words[: len(name.split())] == name.split(), command.example
        command.make_context(name, rest).close()


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
    from csmsctl.groups import build
    from csmsctl.operations.declared import _function

    command = build("everything", _function(Everything), Everything.example)
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


def test_one_target(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = answer_with(samples.result())
    ended = csmsctl("reset", "CP1", "--type", "soft", "--json", "--timeout", "7")
    assert ended.code == 0
    assert ended.document == {"schema_version": 1, "results": [samples.result()]}
    assert daemon.params("operation.run") == {
        "command": "reset",
        "parameters": {"type": "Soft"},
        "targets": ["CP1"],
        "timeout": 7.0,
        "parallel": 8,
    }
    ended = csmsctl("reset", "CP1", "--type", "Soft")
    assert ended.out.splitlines()[1].split() == ["CP1", "Reset", "Accepted", "12", "ms", "-"]


def test_targets(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = answer_with(samples.result())
    csmsctl("clear-cache", "CP1", "north-*", "@south", "-", "CP1", stdin="CP7\nCP8  CP1\n")
    assert daemon.params("operation.run")["targets"] == ["CP1", "north-*", "@south", "CP7", "CP8"]
    csmsctl("clear-cache", "--all", "--parallel", "3", "--fail-fast", "--force")
    asked = daemon.params("operation.run")
    assert asked["targets"] == ["*"]
    assert (asked["parallel"], asked["fail_fast"], asked["force"]) == (3, True, True)
    csmsctl("remote-stop", "--transaction", "7")
    assert daemon.params("operation.run")["targets"] == []


@pytest.mark.parametrize("words", [[], ["--all", "CP1"], ["-"]])
def test_targets_that_make_no_sense(csmsctl: Csmsctl, words: list[str]) -> None:
    assert csmsctl("clear-cache", *words, "--json", stdin="").error["code"] == 2


@pytest.mark.parametrize(
    ("outcomes", "several", "code"),
    [
        (["accepted"], False, 0),
        (["rejected"], False, 7),
        (["call_error"], False, 7),
        (["timeout"], False, 8),
        (["not_connected"], False, 6),
        (["unknown"], False, 1),
        (["accepted", "rejected"], False, 7),
        (["accepted", "accepted"], True, 0),
        (["accepted", "not_connected"], True, 9),
        (["timeout"], True, 9),
        ([], False, 0),
    ],
)
def test_exit_codes(outcomes: list[str], several: bool, code: int) -> None:
    assert exit_code([samples.result(outcome=outcome) for outcome in outcomes], several=several) == code


def test_exit_codes_of_what_was_not_sent() -> None:
    assert exit_code([samples.result(outcome="not_sent", error="no", error_code=3)]) == 3
    assert exit_code([samples.result(outcome="not_sent", error="no", error_code=2)]) == 2
    assert exit_code([samples.result(outcome="not_sent")]) == 0  # a dry run
    assert exit_code([samples.result("CP1"), samples.result("CP2", "timeout")]) == 9


def test_exit_code_of_the_process(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    failed = samples.result("CP2", "not_connected", error="CP2 is not connected")
    daemon.replies["operation.run"] = answer_with(samples.result("CP1"), failed)
    ended = csmsctl("clear-cache", "CP1", "CP2")
    assert ended.code == 9
    assert "not connected" in ended.out


def test_unknown_charge_point(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(3, "No charge point CP9.", "See csmsctl cp list")

    daemon.replies["operation.run"] = fail
    assert csmsctl("clear-cache", "CP9").code == 3


# --- confirmation


def plan(*identities: str) -> Any:
    """A dry run names the charge points; the real run accepts."""

    def answer(_peer: Peer, params: Params) -> Params:
        outcome = "not_sent" if params.get("dry_run") else "accepted"
        return {"schema_version": 1, "results": [samples.result(identity, outcome) for identity in identities]}

    return answer


def test_one_named_charge_point_is_not_asked_for(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("CP1")
    assert csmsctl("reset", "CP1", "--type", "soft").code == 0
    assert len(daemon.requests) == 1


@pytest.mark.parametrize("words", [["CP1", "CP2"], ["CP*"], ["@north"], ["--all"]])
def test_several_are_asked_for(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    daemon.replies["operation.run"] = plan("CP1", "CP2")
    ended = csmsctl("reset", *words, "--type", "soft", "--json")
    assert ended.code == 10
    assert "--yes" in ended.error["next"]
    assert "CP1, CP2" in ended.error["message"]
    assert all(params.get("dry_run") for _, params in daemon.requests)
    assert csmsctl("reset", *words, "--type", "soft", "--yes").code == 0
    assert csmsctl("reset", *words, "--type", "soft", "--dry-run").code == 0


def test_an_identity_that_looks_like_a_glob_is_one(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("DE*ABC*E1")
    assert csmsctl("reset", "de*abc*e1", "--type", "soft").code == 0
    daemon.replies["operation.run"] = plan("CP1")
    assert csmsctl("reset", "CP*", "--type", "soft").code == 10


def test_raw_calls_ask_like_their_commands(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.call"] = plan("CP1", "CP2")
    assert csmsctl("call", "--all", "Reset", '{"type":"Soft"}').code == 10
    assert csmsctl("call", "--all", "ClearCache").code == 0


# --- call


@pytest.mark.parametrize(
    ("words", "targets", "action", "payload"),
    [
        (["CP1", "ClearCache"], ["CP1"], "ClearCache", {}),
        (["CP1", "CP2", "X1", '{"type":"Soft"}'], ["CP1", "CP2"], "X1", {"type": "Soft"}),
        (["CP1", "Reset", "-"], ["CP1"], "Reset", {"type": "Hard"}),
        (["--force", "CP1", "Anything", " {}"], ["CP1"], "Anything", {}),
    ],
)
def test_call(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], targets: list[str], action: str, payload: Params
) -> None:
    daemon.replies["operation.call"] = answer_with(samples.result())
    assert csmsctl("call", *words, stdin='{"type":"Hard"}').code == 0
    asked = daemon.params("operation.call")
    assert (asked["targets"], asked["action"], asked["payload"]) == (targets, action, payload)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["CP1"],
        ["{}"],
        ["CP1", "{}"],
        ["CP1", "Reset", "{"],
        ["CP1", "Reset", "[]"],
        ["CP1", "Reset", '{"a":NaN}'],
        ["CP1", "Reset", "[" * 100_000],
        ["CP1", "DE*1"],
        ["-", "Reset", "-"],
    ],
)
def test_calls_that_make_no_sense(csmsctl: Csmsctl, words: list[str]) -> None:
    assert csmsctl("call", *words, "--json", stdin="CP1").error["code"] == 2


# --- what people see


def test_lists_in_answers_become_tables(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "Evil", "readonly": True, "value": "\x1b[2J\u202e"},
    ]
    answer = samples.result(
        action="GetConfiguration", status=None, response={"configurationKey": keys, "unknownKey": ["Foo"]}
    )
    daemon.replies["operation.run"] = answer_with(answer)
    ended = csmsctl("get-configuration", "CP1")
    assert ended.out.splitlines() == [
        "KEY                READONLY  VALUE",
        "HeartbeatInterval  no        300",
        "Evil               yes       \\x1b[2J\\u202e",
    ]
    assert "unknownKey=Foo" in ended.err
    assert csmsctl("get-configuration", "CP1", "--csv").out.splitlines()[:2] == [
        "key,readonly,value",
        "HeartbeatInterval,false,300",
    ]
    failed = samples.result("CP2", "timeout", action="GetConfiguration")
    daemon.replies["operation.run"] = answer_with(answer, failed)
    ended = csmsctl("get-configuration", "CP1", "CP2", "-q")
    assert ended.out.startswith("CHARGE POINT  KEY")
    assert ended.err == "CP2: GetConfiguration timeout\n"


def test_repeated_actions_say_which_they_are(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = answer_with(
        samples.result(action="ChangeConfiguration", request={"key": "A", "value": "1"}),
        samples.result(outcome="rejected", action="ChangeConfiguration", request={"key": "B", "value": "2"}),
    )
    ended = csmsctl("change-configuration", "CP1", "--set", "A=1", "--set", "B=2", "--no-headers")
    assert ended.code == 7
    assert [line.split("  ")[-1] for line in ended.out.splitlines()] == ["key=A value=1", "key=B value=2"]
    assert json.loads(json.dumps(daemon.params("operation.run")["parameters"])) == {"set": ["A=1", "B=2"]}


def test_a_dry_run_prints_the_exact_message(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("CP1", "CP2")
    ended = csmsctl("reset", "CP1", "CP2", "--type", "soft", "--dry-run", "--no-headers")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f'{name}  Reset  would be sent  12 ms  {{"type":"Soft"}}' for name in ("CP1", "CP2")
    ]
