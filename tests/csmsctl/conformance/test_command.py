"""`csmsctl conformance` as users run it: which cases, and how it ends."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from csmsd import __version__
from tests.csmsctl.conformance.running import FUNCTIONALITIES, conformance
from tests.support.site import environment


def test_a_case_is_a_line_and_the_abstract_follows() -> None:
    ended = conformance("--case", "TC_001_CSMS", "--case", "tc_023_1")
    assert ended.code == 0, ended
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["1/2", "2/2"]
    assert {line.split()[2] for line in lines[:2]} == {"TC_001_CSMS", "TC_023_1_CSMS"}
    assert lines[-1].startswith("Verdict: ")
    assert {line.split()[1] for line in lines[:2]} == {"pass"}
    assert "Abstract of test report" in lines
    assert f"Product:  csms {__version__}, Central System" in lines
    assert "Result:   Incomplete, 2 of 2 cases passed" in lines
    assert "Milliseconds in timestamps: yes" in lines
    for name in FUNCTIONALITIES:
        assert any(line.startswith(name) for line in lines), name


@pytest.mark.slow
def test_all_of_it_passes() -> None:
    """What test_cases.py sees case by case, in one command."""
    ended = conformance("--json")
    assert ended.code == 0, ended.out
    assert (ended.json["result"], len(ended.json["cases"])) == ("Pass", 75)


def test_what_makes_no_sense_is_said_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[ocpp\n")
    for arguments in (
        ["--case", "TC_999"],
        ["--report", "report.pdf"],
        ["--report", "report"],
        ["--report", str(tmp_path / "nowhere" / "report.md")],
        ["--config", str(tmp_path / "missing.toml")],
        ["--config", str(tmp_path / "broken.toml")],
    ):
        ended = conformance(*arguments)
        assert (ended.code, ended.out) == (2, ""), (arguments, ended)
        assert ended.err


def test_a_csmsd_that_does_not_start_is_a_failure(tmp_path: Path) -> None:
    config = tmp_path / "csmsd.toml"
    config.write_text("[ocpp]\nheartbeat_interval = -1\n")
    ended = conformance("--config", str(config), "--case", "TC_001")
    assert ended.code == 1
    assert "heartbeat_interval" in ended.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_leaves_nothing_behind(number: signal.Signals, code: int) -> None:
    with tempfile.TemporaryDirectory(prefix="csms-") as directory:
        with subprocess.Popen(
            [sys.executable, "-m", "csmsctl", "conformance"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(TMPDIR=directory),
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline().split()[:2] == [
                "1/75",
                "pass",
            ]  # the first case is done, others are under way
            [private] = Path(directory).iterdir()
            process.send_signal(number)
            assert process.wait(30) == code
            assert "Traceback" not in process.stderr.read()
        assert not private.exists()
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert str(private) not in running
