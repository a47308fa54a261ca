"""The report of a self-test in its three forms."""

import json
from pathlib import Path

import pytest

from csmsd import __version__
from tests.csmsctl.conformance.running import FUNCTIONALITIES, conformance


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
