"""`csmsctl` as a process: what it loads, where its output goes, how it ends."""

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon, Silence

LAZY = ("rich", "prompt_toolkit", "asyncio", "msgspec", "csmsd", "websockets")


@pytest.mark.parametrize(
    ("words", "unneeded", "commands"),
    [
        (["status", "--json"], LAZY, {"csmsctl.commands.status"}),
        (["__complete", "cp", "show", "C"], LAZY, {"csmsctl.commands.charge_points"}),
        (["--help"], ("rich.table", "prompt_toolkit", "asyncio"), None),
    ],
    ids=["status --json", "completion", "help"],
)
def test_nothing_is_imported_that_is_not_needed(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], unneeded: tuple[str, ...], commands: set[str] | None
) -> None:
    daemon.replies["status"] = samples.status(samples.charge_point())
    daemon.replies["complete"] = {"values": [["CP1", "Available"]]}
    program = (
        "import sys, json\n"
        "from csmsctl.__main__ import run_main\n"
        f"code = run_main({words})\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=csmsctl.environment
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert [
        name for name in modules if name.startswith(tuple(f"{part}." for part in unneeded)) or name in unneeded
    ] == []
    if commands is not None:
        assert {name for name in modules if name.startswith("csmsctl.commands.")} == commands


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["rest"], "Did you mean reset"),
        (["cp", "shw"], "Did you mean show"),
        (["reset", "CP1"], "Missing option '--type'"),
        (["reset", "CP1", "--typ", "soft"], "No such option"),
        (["cp"], "there are list, show, add"),
        (["--timeout", "x", "status"], "--timeout wants a length of time"),
        (["tx", "show", "x"], "'x' is not a valid int"),
    ],
)
def test_usage_errors(csmsctl: Csmsctl, words: list[str], message: str) -> None:
    ended = csmsctl(*words)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    error = csmsctl(*words, "--json").error
    assert error["code"] == 2
    assert message in error["message"]


def test_help_and_version(csmsctl: Csmsctl) -> None:
    ended = csmsctl()
    assert ended.code == 0
    assert ended.out == csmsctl("--help").out
    panels = ("Core:", "Remote trigger:", "Any profile:", "Records:", "Daemon:", "Global options")
    places = [ended.out.index(panel) for panel in panels]
    assert places == sorted(places)
    assert csmsctl("--version").out.startswith("csmsctl ")
    assert "Examples:\n  csmsctl cp add CP1" in csmsctl("cp", "add", "--help").out
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.parametrize("words", [["tx", "list"], ["tx", "list", "--json"], ["tx", "export"], ["--help"]])
def test_head(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    many = [samples.transaction(number) for number in range(999, 0, -1)]
    daemon.replies["transaction.list"] = {"schema_version": 1, "transactions": many}
    with csmsctl.start(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("words", [["tx", "list"], ["tx", "list", "--json"], ["tx", "export"], ["status", "--json"]])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_full_disk(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    many = [samples.transaction(number) for number in range(999, 0, -1)]
    daemon.replies |= {
        "transaction.list": {"schema_version": 1, "transactions": many},
        "status": samples.status(samples.charge_point()),
    }
    with Path("/dev/full").open("w") as full, csmsctl.start(*words, stdout=full) as process:
        assert process.stderr is not None
        assert process.wait(60) == 1
        errors = process.stderr.read()
    assert "No space left on device" in errors
    assert errors.count("\n") == 1
    if words[0] == "tx" and "export" in words:
        assert csmsctl("tx", "export", "--output", "/dev/full").code == 1


def test_standard_output_is_closed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status()
    command = shlex.join(csmsctl.command("status")) + " >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], env=csmsctl.environment, check=False, timeout=60).returncode == 0


def test_input_that_is_no_text(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    file = tmp_path / "latin1.csv"
    file.write_bytes("id,note\nA1,Müller\n".encode("latin-1"))
    ended = csmsctl("tag", "import", str(file), "--json")
    assert (ended.code, ended.error["message"]) == (
        2,
        "Nothing was imported: line 2 is not UTF-8 (0xFC, ü in Windows-1252).",
    )
    daemon.replies["tag.show"] = samples.tag()
    with csmsctl.start("tag", "show", b"\xff\x1b".decode(errors="surrogateescape")) as process:
        assert process.wait(60) == 0
    assert daemon.params("tag.show") == {"id": "\udcff\x1b"}


def test_an_answer_that_nobody_expected(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.list"] = {"cards": []}
    ended = csmsctl("tag", "list")
    assert (ended.code, ended.out) == (1, "")
    assert "of one version" in ended.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(csmsctl: Csmsctl, daemon: ScriptedDaemon, number: signal.Signals, code: int) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["operation.run"] = be_silent
    with csmsctl.start("clear-cache", "CP1") as process:
        daemon.wait_for("operation.run")
        process.send_signal(number)
        assert process.wait(60) == code
        assert process.stderr is not None
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert ("csmsctl task list" in errors) == (number == signal.SIGINT)


def test_a_time_zone_that_does_not_exist_is_said(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(samples.charge_point())
    said = csmsctl("status", TZ="Europe/Amsterdm")
    assert said.code == 0
    assert said.err.startswith("TZ=Europe/Amsterdm is no time zone that is known here")
    assert "TZ" not in csmsctl("status", "-q", TZ="Europe/Amsterdm").err
    assert "TZ" not in csmsctl("status", TZ="Europe/Amsterdam").err
