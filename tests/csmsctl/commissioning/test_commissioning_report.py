"""The report of `cp test` in its three forms, with text that a charge point might send to do harm."""

import json

from csmsctl.commissioning.commissioning_report import Report, commissioning_step_lines
from csmsctl.commissioning.step import Outcome, Step, Suite

SUITE: Suite = "full"
HOSTILE = "a|b <script>\x1b[2J\u202e"


def step(name: str, title: str) -> Step:
    return Step(name, title, lambda visit: None)


OUTCOMES = [
    Outcome(step("link", "Connected, and answers"), "pass", 0.25, ["connected", HOSTILE]),
    Outcome(step("clock", "Has the right time"), "fail", 1.0, [], "an hour behind", "Set it.", ["→ [2]"]),
    Outcome(step("reset", "Comes back after a reset"), "skipped", reason="transaction 7 is running"),
]
CHARGE_POINT = {
    "id": "DE*ABC*E1",
    "vendor": HOSTILE,
    "model": "M",
    "serial_number": None,
    "firmware_version": "1.0",
    "address": "192.0.2.7",
    "security_profile": 1,
}
DEVIATION = {
    "action": "MeterValues",
    "field": "meterValue.value",
    "kind": "number_instead_of_text",
    "count": 3,
}
REPORT = Report("2026-03-01T12:00:00Z", SUITE, 1, CHARGE_POINT, OUTCOMES, [DEVIATION], ["transaction 9: Rejected"])


def test_a_step_in_lines() -> None:
    assert commissioning_step_lines(OUTCOMES[1]) == [
        "FAIL     clock               an hour behind",
        "                             → Set it.",
    ]
    assert commissioning_step_lines(OUTCOMES[2]) == ["skipped  reset               transaction 7 is running"]
    folded = commissioning_step_lines(Outcome(step("link", "T"), "pass", 0.1, ["one two three four five six"]), 50)
    assert folded == ["pass     link                one two three four", "                               five six"]


def test_text() -> None:
    lines = REPORT.written_as("text")
    assert "Result:           1 passed, 1 failed, 1 skipped" in lines
    assert "Security profile: 1" in lines
    assert not any(line.startswith("Serial number") for line in lines)
    assert lines[-3:] == [
        "deviates from the specification: MeterValues meterValue.value: number instead of text (counted 3)",
        "left behind: transaction 9: Rejected",
        "DE*ABC*E1: 1 passed, 1 failed, 1 skipped",
    ]
    assert "\x1b" not in "".join(lines)


def test_markdown() -> None:
    lines = REPORT.written_as("markdown")
    assert lines[0] == "# Test of DE*ABC*E1"
    assert "| clock | Has the right time | fail | an hour behind | Set it. |" in lines
    assert "| MeterValues | meterValue.value | number instead of text | 3 |" in lines
    assert "Left behind: transaction 9: Rejected" in lines
    page = "\n".join(lines)
    assert "a\\|b &lt;script>" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_json() -> None:
    report = json.loads("\n".join(REPORT.written_as("json")))
    assert (report["schema_version"], report["suite"], report["charge_point"]["vendor"]) == (1, "full", HOSTILE)
    assert (report["passed"], report["failed"], report["skipped"]) == (1, 1, 1)
    passed, failed, skipped = report["steps"]
    assert (passed["result"], passed["duration_ms"], "conversation" in passed) == ("pass", 250, False)
    assert (failed["reason"], failed["advice"], failed["conversation"]) == ("an hour behind", "Set it.", ["→ [2]"])
    assert failed["duration_ms"] == 1000
    assert skipped["reason"] == "transaction 7 is running"
    assert (report["deviations"], report["left_behind"]) == ([DEVIATION], ["transaction 9: Rejected"])
