"""`csmsctl conformance` as users run it: its report in three forms, and its exit codes."""

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from csmsd import __version__
from tests.support.site import Ended, environment

FUNCTIONALITIES = [
    "Core",
    "Firmware Management",
    "Smart Charging",
    "Reservation",
    "Local Authorization List Management",
    "Remote Trigger",
]


def conformance(*arguments: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "csmsctl", "conformance", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(),
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def test_a_case_is_a_line_and_the_abstract_follows() -> None:
    ended = conformance("--case", "TC_001_CSMS", "--case", "tc_023_1")
    assert ended.code == 0, ended
    lines = ended.out.splitlines()
    assert {line.split()[1] for line in lines[:2]} == {"TC_001_CSMS", "TC_023_1_CSMS"}
    assert {line.split()[0] for line in lines[:2]} == {"pass"}
    assert "Abstract of test report" in lines
    assert f"Product:  csms {__version__}, Central System" in lines
    assert "Result:   Incomplete, 2 of 2 cases passed" in lines
    assert "Milliseconds in timestamps: yes" in lines
    for name in FUNCTIONALITIES:
        assert any(line.startswith(name) for line in lines), name


def test_json_is_one_document() -> None:
    ended = conformance("--json", "--case", "TC_003", "--case", "TC_061")
    assert (ended.code, ended.err) == (0, "")
    report = ended.json
    assert (report["schema_version"], report["product"], report["version"]) == (1, "csms", __version__)
    assert report["date"].endswith("Z")
    assert (report["result"], report["milliseconds_in_timestamps"]) == ("Incomplete", True)
    assert [row["functionality"] for row in report["functionalities"]] == FUNCTIONALITIES
    # Two cases of many are no Pass of a functionality.
    assert report["functionalities"][0] == {"functionality": "Core", "result": "Incomplete", "passed": 2, "cases": 34}
    assert {row["result"] for row in report["functionalities"][1:]} == {"Not run"}
    for name in ("ocpp", "authorize"):
        times = report["response_times"][name]
        assert times["measured"] >= 1
        assert 0 < times["longest_ms"] < times["allowed_ms"] == 30_000
    assert report["limits"]["id_tag_characters"] == 20
    assert report["settings"]["ocpp"]["heartbeat_interval"] == 300
    assert [(case["id"], case["passed"]) for case in report["cases"]] == [("TC_003_CSMS", True), ("TC_061_CSMS", True)]


@pytest.mark.parametrize("ending", [".txt", ".json", ".md"])
def test_the_report_is_written_in_the_form_of_its_ending(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"report{ending}"
    ended = conformance("--quiet", "--case", "TC_064", "--report", str(file))
    assert ended.code == 0, ended
    text = file.read_text("utf-8")
    match ending:
        case ".json":
            report = json.loads(text)
            assert (report["schema_version"], report["cases"][0]["id"]) == (1, "TC_064_CSMS")
        case ".md":
            assert text.startswith("# Abstract of test report\n")
            assert "| Core | Incomplete | 1 of 34 |" in text
            assert "| TC_064_CSMS | Data Transfer to a Central System | Core | Pass |" in text
            assert "| ocpp.heartbeat_interval | 300 |" in text
        case _:
            assert text.startswith("Abstract of test report\n")
            assert "ocpp.heartbeat_interval" in text


@pytest.mark.slow
def test_all_of_it_passes() -> None:
    """What test_cases.py sees case by case, in one command."""
    ended = conformance("--json")
    assert ended.code == 0, ended.out
    assert (ended.json["result"], len(ended.json["cases"])) == ("Pass", 62)


def test_a_csmsd_that_takes_every_id_tag_does_not_pass(tmp_path: Path) -> None:
    """TC_023_1 and TC_037_3 want Invalid for an unknown idTag; these settings say otherwise."""
    config, file = tmp_path / "csmsd.toml", tmp_path / "report.md"
    config.write_text('[ocpp]\nunknown_id_tags = "Accepted"\nheartbeat_interval = 60\n')
    ended = conformance(
        *("--config", str(config), "--report", str(file), "--json"),
        *("--case", "TC_003", "--case", "TC_023_1", "--case", "TC_037_3"),
    )
    assert ended.code == 1, ended
    report = ended.json
    assert report["result"] == "Fail"
    assert report["functionalities"][0]["result"] == "Fail"
    assert report["settings"]["ocpp"]["heartbeat_interval"] == 60
    assert [case["passed"] for case in report["cases"]] == [True, False, False]
    refused = report["cases"][1]
    assert "Invalid" in refused["problem"]
    assert "Accepted" in refused["problem"]
    assert any('"Authorize"' in line for line in refused["conversation"])
    assert "Fail: Authorize.conf: idTagInfo.status" in file.read_text("utf-8")


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
            assert process.stdout.readline().startswith("pass")  # the first case is done, others are under way
            [private] = Path(directory).iterdir()
            process.send_signal(number)
            assert process.wait(30) == code
            assert "Traceback" not in process.stderr.read()
        assert not private.exists()
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert str(private) not in running
