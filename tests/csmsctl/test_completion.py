"""Completion: the candidates, and the shims in real shells."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon, Silence
from tests.support.shells import BASH, TRIES, ZSH, Shell, need, with_csmsctl
from tests.support.site import ROOT, Site

IDENTITIES = [
    "CP1",
    "CP2",
    "DE*ABC*E1",
    "a:b:c1",
    "a:b:c2",
    "k=v~1",
    "evil$(touch pwned)",
    "evil`touch pwned`",
    "evil;touch pwned",
]


def values(kind: str) -> list[list[str]]:
    match kind:
        case "targets":
            return [[identity, "Available"] for identity in [*IDENTITIES, "@north"]]
        case "charge_points":
            return [[identity, "Available"] for identity in IDENTITIES]
        case "tags":
            return [["A1", "Jo"], ["B2", "blocked"]]
        case "transactions":
            return [["17", "CP1 connector 1"]]
        case "configuration_keys":
            return [["HeartbeatInterval", "300"]]
    return []


def answer(_peer: Peer, params: Params) -> Params:
    prefix = params.get("prefix", "")
    return {"values": [pair for pair in values(params["kind"]) if pair[0].startswith(prefix)]}


@pytest.fixture
def completing(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> Csmsctl:
    daemon.replies["complete"] = answer
    return csmsctl


Seen = TypeVar("Seen")


def tabbed(ask: Callable[[], Seen], wanted: Callable[[Seen], bool]) -> Seen:
    """Who sees nothing come presses Tab again: csmsctl waits for csmsd for 0.3 s, since the shell stands still."""
    for _ in range(TRIES - 1):
        if wanted(found := ask()):
            return found
    return ask()


def candidates(csmsctl: Csmsctl, *words: str) -> list[str]:
    ended = csmsctl("__complete", *words)
    assert (ended.code, ended.err) == (0, "")
    assert all(line.count("\t") == 1 for line in ended.out.splitlines())
    return [line.partition("\t")[0] for line in ended.out.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rem"], ["remote-start", "remote-stop"]),
        (["cp", "a"], ["add", "accept"]),
        (["--json", "cp", "a"], ["add", "accept"]),
        (["--timeout", "5", "cp", "--yes", "a"], ["add", "accept"]),
        (["reset", "CP"], ["CP1", "CP2"]),
        (["reset", "CP1", "CP"], ["CP1", "CP2"]),
        (["reset", "@"], ["@north"]),
        (["reset", "DE"], ["DE*ABC*E1"]),
        (["reset", "CP1", "--type", ""], ["Hard", "Soft"]),
        (["reset", "CP1", "--type", "s"], ["soft"]),
        (["reset", "CP1", "--type=s"], ["--type=soft"]),
        (["reset", "CP1", "--ty"], ["--type"]),
        (["reset", "--type", "soft", "CP"], ["CP1", "CP2"]),
        (["reset", "--", "CP"], ["CP1", "CP2"]),
        (["reset", "--", "--ty"], []),
        (["remote-start", "CP1", "--tag", ""], ["A1", "B2"]),
        (["remote-start", "CP1", "--tag=B"], ["--tag=B2"]),
        (["get-configuration", "CP1", "--key", "Hear"], ["HeartbeatInterval"]),
        (["cp", "show", "a:b"], ["a:b:c1", "a:b:c2"]),
        (["tx", "show", ""], ["17"]),
        (["tx", "list", "--state", "a"], ["active", "abandoned"]),
        (["call", "CP1", "Rese"], ["ReserveNow", "Reset"]),
        (["trigger-message", "CP1", "--message", "H"], ["Heartbeat"]),
        (["--color", ""], ["auto", "always", "never"]),
        (["--color=n"], ["--color=never"]),
        (["status", "--tim"], ["--timeout"]),
        (["reset", "CP1", "--timeout", ""], []),
        (["tag", "import", str(ROOT / "pyproj")], [str(ROOT / "pyproject.toml")]),
        (["tag", "import", str(ROOT / "csmsc")], [str(ROOT / "csmsctl") + "/"]),
        (["backup", str(ROOT / "pyproj")], [str(ROOT / "pyproject.toml")]),
        (["backup", "v"], ["verify"]),
        (["backup", "--fo"], ["--force"]),
        (["backup", "--force", str(ROOT / "pyproj")], [str(ROOT / "pyproject.toml")]),
        (["backup", "verify", str(ROOT / "pyproj")], [str(ROOT / "pyproject.toml")]),
        (["auth", "can-i", "rem"], ["remote-start", "remote-stop"]),
        (["auth", "can-i", "cp", "a"], ["add", "accept"]),
        (["auth", "can-i", "reset", "CP"], ["CP1", "CP2"]),
        (["help", "cp", "a"], ["add", "accept"]),
        (["nonsense", ""], []),
        (["reset", "--nonsense", ""], ["CP1", "CP2"]),
    ],
)
def test_candidates(completing: Csmsctl, words: list[str], expected: list[str]) -> None:
    def among(found: list[str]) -> list[str]:
        return [value for value in found if value in expected]

    found = tabbed(lambda: candidates(completing, *words), lambda found: among(found) == expected)
    assert among(found) == expected
    if words[-1] or expected == []:
        assert found == expected


def test_configuration_keys_are_those_of_the_charge_point(completing: Csmsctl, daemon: ScriptedDaemon) -> None:
    candidates(completing, "get-configuration", "CP1", "--key", "")
    daemon.wait_for("complete")
    assert daemon.params("complete") == {"kind": "configuration_keys", "charge_point": "CP1"}


def test_everything_has_a_help(completing: Csmsctl) -> None:
    for line in completing("__complete", "").out.splitlines():
        value, text = line.split("\t")
        assert text, value


def test_a_daemon_that_is_down_or_slow_is_silent(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["complete"] = be_silent
    assert candidates(csmsctl, "reset", "CP") == []
    assert candidates(csmsctl, "--socket", "/nowhere/s", "reset", "CP") == []
    assert daemon.requests == [("complete", {"kind": "targets", "prefix": "CP"})]


def test_control_characters_are_left_out(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["complete"] = {"values": [["CP1", "bell\x07"], ["CP\x1b2", ""], ["CP\n3", ""]]}
    expected = "CP1\tbell\\x07\n"
    assert tabbed(lambda: csmsctl("__complete", "reset", "CP").out, expected.__eq__) == expected


# --- shells


@pytest.fixture
def bin_directory(completing: Csmsctl, tmp_path: Path) -> Path:
    """A directory with a program csmsctl, first in PATH."""
    completing.environment = with_csmsctl(tmp_path / "bin", completing.environment)
    return tmp_path / "bin"


def bash(csmsctl: Csmsctl, directory: Path, line: str) -> list[str]:
    """What bash puts into COMPREPLY, its words broken as readline breaks them."""
    words = [word for word in re.split(r"(\s+|[:=]+)", line) if word and not word.isspace()]
    if line.endswith(" "):
        words.append("")
    script = (
        f"source {shlex.quote(str(ROOT))}/completions/csmsctl.bash\n"
        'COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        "_csmsctl\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [need("bash"), "--norc", "-c", script, "bash", line, *words],
        env=csmsctl.environment,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("csmsctl cp show CP", ["CP1", "CP2"]),
        ("csmsctl cp show a:b", ["b:c1", "b:c2"]),
        ("csmsctl cp show a:b:c1", ["c1"]),
        ("csmsctl cp show k=", ["v~1"]),
        ("csmsctl cp show DE", [r"DE\*ABC\*E1"]),
        (r"csmsctl cp show DE\*", [r"DE\*ABC\*E1"]),
        ("csmsctl cp show 'DE*", ["DE*ABC*E1"]),
        ("csmsctl remote-start a:b:c1 --tag=", ["A1", "B2"]),
        ("csmsctl remote-start a:b:c1 --tag ", ["A1", "B2"]),
        ("csmsctl --json  tx show ", ["17"]),
        ("csmsctl cp show evil", [r"evil\$\(touch\ pwned\)", r"evil\`touch\ pwned\`", r"evil\;touch\ pwned"]),
    ],
)
def test_bash(completing: Csmsctl, bin_directory: Path, line: str, expected: list[str]) -> None:
    assert tabbed(lambda: bash(completing, bin_directory, line), expected.__eq__) == expected
    assert not (bin_directory / "pwned").exists()


def test_interactive_bash(completing: Csmsctl, bin_directory: Path) -> None:
    shell = Shell(completing.environment, bin_directory, BASH)
    try:
        shell.complete("csmsctl cp show DE", r"csmsctl cp show DE\*ABC\*E1 ")
        shell.complete("csmsctl cp show a", "csmsctl cp show a:b:c")
        shell.complete("csmsctl cp show a:b:c1", "csmsctl cp show a:b:c1 ")
        shell.complete("csmsctl cp show k", "csmsctl cp show k=v~1 ")
        shell.complete("csmsctl reset CP1 --ty", "csmsctl reset CP1 --type ")
        shell.complete("csmsctl cp show 'evil$", "csmsctl cp show 'evil$(touch pwned)' ")
    finally:
        shell.close()
    assert not (bin_directory / "pwned").exists()


def test_interactive_zsh(completing: Csmsctl, bin_directory: Path) -> None:
    shell = Shell(completing.environment, bin_directory, ZSH)
    try:
        shell.complete("csmsctl cp show DE", r"csmsctl cp show DE\*ABC\*E1 ")
        shell.complete("csmsctl cp show a", "csmsctl cp show a:b:c")
        shell.complete("csmsctl cp show k", "csmsctl cp show k=v~1 ")
        shell.complete("csmsctl reset CP1 --ty", "csmsctl reset CP1 --type ")
        shell.complete("csmsctl reset CP1 --type=s", "csmsctl reset CP1 --type=soft ")
        shell.complete("csmsctl cp show 'evil$", "csmsctl cp show 'evil$(touch pwned)' ")
    finally:
        shell.close()
    assert not (bin_directory / "pwned").exists()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("csmsctl cp show CP", ["CP1\tAvailable", "CP2\tAvailable"]),
        ("csmsctl cp show DE", ["DE*ABC*E1\tAvailable"]),
        ("csmsctl cp show a:b", ["a:b:c1\tAvailable", "a:b:c2\tAvailable"]),
        ("csmsctl remote-start a:b:c1 --tag ", ["A1\tJo", "B2\tblocked"]),
        ("csmsctl cp show evil", [f"{identity}\tAvailable" for identity in IDENTITIES if identity.startswith("evil")]),
    ],
)
def test_fish(completing: Csmsctl, bin_directory: Path, line: str, expected: list[str]) -> None:
    fish = need("fish")

    def shown() -> list[str]:
        completion = shlex.quote(f"{ROOT}/completions/csmsctl.fish")
        done = subprocess.run(
            [fish, "--no-config", "-c", f"source {completion}; complete -C $argv[1]", line],
            env=completing.environment,
            cwd=bin_directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return sorted(done.stdout.splitlines())

    assert tabbed(shown, sorted(expected).__eq__) == sorted(expected)
    assert not (bin_directory / "pwned").exists()


async def test_connectors_and_transactions_that_have_ended(site: Site) -> None:
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    await charge_point.status("Available", 2)
    begun = await charge_point.start_transaction("A1", meter_start=0)
    number = str(begun.transaction_id)
    await charge_point.stop_transaction(begun.transaction_id, 1000)

    async def values(kind: str, **more: str) -> list[str]:
        return [value for value, _ in (await site.call("complete", kind=kind, **more))["values"]]

    assert await values("transactions") == [number]
    assert await values("active_transactions") == [], "it does not run any more"
    assert await values("connectors", charge_point="CP1") == ["0", "2"], "as it said itself"
