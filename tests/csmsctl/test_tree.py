"""The tree of all commands: what the contract promises of each of them holds for each of them."""

import re
import shlex
from typing import Any

import pytest

from csmsctl.arguments.global_options import FLAGS, HELP_OPTIONS, VALUED, extract_global_options
from csmsctl.examples import examples_of_command
from csmsctl.failure import MEANINGS
from csmsctl.manual import commands_of_manual
from csmsctl.tree import tree_root

TREE = tree_root()
COMMANDS: dict[str, Any] = {name: command for _, name, command in commands_of_manual(TREE)}

# One command for each operation of OCPP 1.6, with the options that it is promised to have.
OPERATIONS = {
    "remote-start": "--tag --connector --profile",
    "remote-stop": "--connector --transaction",
    "reset": "--type",
    "unlock-connector": "--connector",
    "change-availability": "--connector --type",
    "get-configuration": "--key",
    "change-configuration": "--set",
    "clear-cache": "",
    "data-transfer": "--vendor --message-id --data",
    "update-firmware": "--location --file --retrieve-date --retries --retry-interval",
    "get-diagnostics": "--location --start-time --stop-time --retries --retry-interval",
    "set-charging-profile": "--connector --profile --limit --transaction",
    "clear-charging-profile": "--id --connector --purpose --stack-level",
    "get-composite-schedule": "--connector --duration --unit",
    "reserve-now": "--connector --tag --expires --parent-tag --id",
    "cancel-reservation": "--id",
    "get-local-list-version": "",
    "send-local-list": "--type --version --tag",
    "trigger-message": "--message --connector",
    "call": "",
}
RECORDS = """
status, watch, explain, cp list|show|add|set|remove|pending|accept,
tag list|show|add|set|block|unblock|remove|import|export,
tx list|show|close|export|meter, reservation list|show, profile list|show|add|remove|preview, task list|show|cancel,
config export|plan|apply, log, events, backup create, check, conformance, simulate, daemon info|reload|wait-ready, rpc
"""
# Their options are written as everywhere: RFC 3339 or a distance, a length with a unit or in seconds.
TIMES = ("2026-11-28T10:00:00Z", "2026-11-28", "now", "today", "monday", "08:00", "2h", "1d", "+15m", "-2h")
LENGTHS = {"90s": 90, "30m": 1800, "+30m": 1800, "2h": 7200, "1d": 86400, "45": 45}


def options_of(command: Any) -> dict[str, Any]:
    return {option: param for param in command.params for option in param.opts if option.startswith("-")}


def test_no_secret_stands_on_a_command_line() -> None:
    """Everybody on the machine reads those of all processes: an option is told the file, or makes the secret itself."""
    found = {
        (name, option): param
        for name, command in COMMANDS.items()
        for option, param in options_of(command).items()
        if re.search("passw|secret|credential|token|private", option)
    }
    assert {option for _, option in found} == {"--password-file", "--generate-password"}
    assert all(param.is_flag for (_, option), param in found.items() if option == "--generate-password")


@pytest.mark.parametrize(("name", "promised"), OPERATIONS.items())
def test_there_is_a_command_for_each_operation(name: str, promised: str) -> None:
    options = options_of(COMMANDS[name])
    everywhere = {"--all", "--parallel", "--fail-fast", "--dry-run", "--force", "--queue"}
    assert {*promised.split()} | everywhere <= {*options}
    assert name == "call" or any(param.name == "targets" for param in COMMANDS[name].params)


def test_the_records_have_their_commands() -> None:
    promised = set()
    for group in RECORDS.replace("\n", " ").split(","):
        *before, verbs = group.split()
        promised |= {" ".join([*before, verb]) for verb in verbs.split("|")}
    assert promised <= {*COMMANDS}


def helps() -> list[tuple[str, Any]]:
    context = TREE.make_context("csmsctl", [], resilient_parsing=True, help_option_names=[*HELP_OPTIONS])
    groups = [(name, TREE.get_command(context, name)) for name in TREE.list_commands(context) if name not in COMMANDS]
    return [("csmsctl", TREE), *groups, *COMMANDS.items()]


@pytest.mark.parametrize(("name", "command"), helps())
def test_every_help_lists_the_global_options(name: str, command: Any) -> None:
    fresh = tree_root() if command is TREE else command  # what it is asked first, it remembers
    text = fresh.get_help(fresh.make_context(name, [], resilient_parsing=True, help_option_names=[*HELP_OPTIONS]))
    assert "-h, --help" in text
    missing = [option for option in (*FLAGS, *VALUED) if not re.search(rf"^ +{re.escape(option)}", text, re.MULTILINE)]
    assert missing == []


def test_times_and_lengths_are_written_alike_in_every_command() -> None:
    seen = 0
    for name, command in COMMANDS.items():
        context = command.make_context(name, [], resilient_parsing=True)
        for option, param in options_of(command).items():
            if param.metavar == "WHEN":
                seen += 1
                assert all(param.callback(context, param, text).endswith("Z") for text in TIMES), (name, option)
            if param.metavar == "DURATION":
                seen += 1
                assert {text: param.type.convert(text, param, context) for text in LENGTHS} == LENGTHS, (name, option)
    assert seen > 50


def test_nothing_that_is_a_time_or_a_length_is_written_otherwise() -> None:
    others = ("SECONDS", "MINUTES", "HOURS", "TIME", "DATE", "TTL")
    odd = [
        (name, option)
        for name, command in COMMANDS.items()
        for option, param in options_of(command).items()
        if param.metavar in others
    ]
    assert odd == []


def test_the_exit_codes_are_those_of_the_contract() -> None:
    assert {*MEANINGS} == {*range(11), 130, 143}


def test_every_example_is_a_command_line_that_is_understood() -> None:
    for name, command in COMMANDS.items():
        for line in examples_of_command(name, command.declared_example):
            words = extract_global_options(shlex.split(line.partition(" > ")[0])[1:])[1]
            rest = words[len(name.split()) :]
            assert words[: len(name.split())] == name.split(), line
            command.make_context(name, rest).close()
