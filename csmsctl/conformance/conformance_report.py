"""The abstract of test report, as the certificate has it: as text, as JSON and as Markdown."""

import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from csmsctl.conformance.case import FUNCTIONALITIES, Case, Functionality, Outcome
from csmsctl.conformance.limits import SECONDS_ALLOWED
from csmsctl.display.escape import escape_text
from csmsctl.display.report_forms import (
    Form,
    aligned_in_report,
    markdown_in_report,
    markdown_table_in_report,
    report_columns,
    report_lines,
)
from csmsd import __version__

Result = Literal["Pass", "Fail", "Incomplete", "Not run"]

Record = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What was run against which csmsd, and what came of it."""

    date: str
    cases: Sequence[Case]  # all there are
    outcomes: Sequence[Outcome]  # of those that were run
    settings: Record  # every setting with its value
    limits: Record  # what no setting moves
    daemon: Record  # daemon.info
    daemon_problem: str | None  # what was wrong with its log or its end

    @property
    def passed(self) -> bool:
        """Whether everything that was run passed."""
        return bool(self.outcomes) and self.daemon_problem is None and all(outcome.passed for outcome in self.outcomes)

    @property
    def result(self) -> Result:
        """Pass needs all the cases there are."""
        if not self.passed:
            return "Fail"
        return "Pass" if len(self.outcomes) == len(self.cases) else "Incomplete"

    def functionality(self, name: Functionality) -> tuple[Result, int, int]:
        """Its result, how many of its cases passed, and how many it has. Pass needs all of them."""
        total = sum(case.functionality == name for case in self.cases)
        own = [outcome for outcome in self.outcomes if outcome.case.functionality == name]
        passed = sum(outcome.passed for outcome in own)
        if passed < len(own):
            return "Fail", passed, total
        if not own:
            return "Not run", 0, total
        return ("Pass" if passed == total else "Incomplete"), passed, total

    def response_times(self, *, authorize: bool) -> list[float]:
        """Seconds from a CALL to its answer: of Authorize, or of everything else."""
        return [
            seconds
            for outcome in self.outcomes
            for action, seconds in outcome.observations.response_times
            if (action == "Authorize") == authorize
        ]

    @property
    def timestamps(self) -> int:
        return sum(outcome.observations.timestamps for outcome in self.outcomes)

    @property
    def milliseconds(self) -> bool:
        """Whether every time that csmsd wrote had milliseconds."""
        return self.timestamps > 0 and not any(outcome.observations.bad_timestamps for outcome in self.outcomes)

    def as_record(self) -> Record:
        """The JSON document."""
        return {
            "product": "csms",
            "version": __version__,
            "protocol": "OCPP 1.6-J",
            "date": self.date,
            "system": _conformance_system(self.daemon),
            "result": self.result,
            "functionalities": [self._functionality_record(name) for name in FUNCTIONALITIES],
            "response_times": {
                "ocpp": _conformance_times(self.response_times(authorize=False)),
                "authorize": _conformance_times(self.response_times(authorize=True)),
            },
            "milliseconds_in_timestamps": self.milliseconds,
            "timestamps_seen": self.timestamps,
            "limits": self.limits,
            "settings": self.settings,
            "daemon_problem": self.daemon_problem,
            "cases": [_conformance_case_record(outcome) for outcome in self.outcomes],
        }

    def _functionality_record(self, name: Functionality) -> Record:
        result, passed, total = self.functionality(name)
        return {"functionality": name, "result": result, "passed": passed, "cases": total}

    def written_as(self, form: Form) -> list[str]:
        """The report in lines."""
        return report_lines(self.as_record(), form, text=conformance_text_lines, markdown=_conformance_markdown)


def conformance_case_line(outcome: Outcome) -> str:
    """The line that is printed as soon as a case is done."""
    word = "pass" if outcome.passed else "FAIL"
    line = f"{word}  {outcome.case.id:<14}  {outcome.seconds:5.2f} s  {outcome.case.name}"
    return line if outcome.problem is None else f"{line}\n      {escape_text(outcome.problem)}"


def conformance_text_lines(record: Record) -> Iterator[str]:
    """The report for people."""
    yield "Abstract of test report"
    yield ""
    yield from aligned_in_report(_conformance_headings(record))
    yield ""
    yield from report_columns([("FUNCTIONALITY", "RESULT", "CASES"), *_conformance_functionality_rows(record)])
    yield ""
    yield from report_columns([("RESPONSE TIME", "LONGEST", "TYPICAL", "ALLOWED"), *_conformance_time_rows(record)])
    yield ""
    yield from aligned_in_report(
        [("Milliseconds in timestamps", _conformance_yes(record["milliseconds_in_timestamps"]))]
    )
    yield ""
    yield from report_columns([("LIMIT", "VALUE"), *_conformance_flat(record["limits"])])
    yield ""
    yield from report_columns([("SETTING", "VALUE"), *_conformance_flat(record["settings"])])
    problems = list(conformance_failures(record))
    if problems:
        yield ""
        yield from problems
    yield ""
    # The verdict comes last, where it is on the screen.
    yield f"Verdict: {record['result']}, {_conformance_passed(record)}"


def conformance_failures(record: Record) -> Iterator[str]:
    """What did not pass, and why."""
    failed = [case for case in record["cases"] if not case["passed"]]
    if failed:
        yield "Not passed"
    for case in failed:
        yield f"  {case['id']}  {case['name']}"
        yield f"      {escape_text(case['problem'])}"
    if record["daemon_problem"]:
        yield f"csmsd: {escape_text(record['daemon_problem'])}"


def _conformance_markdown(record: Record) -> Iterator[str]:
    yield "# Abstract of test report"
    yield ""
    yield from markdown_table_in_report(("", ""), _conformance_headings(record))
    yield ""
    yield from markdown_table_in_report(("Functionality", "Result", "Cases"), _conformance_functionality_rows(record))
    yield ""
    yield from markdown_table_in_report(
        ("Response time", "Longest", "Typical", "Allowed"), _conformance_time_rows(record)
    )
    yield ""
    yield from markdown_table_in_report(
        ("", ""), [("Milliseconds in timestamps", _conformance_yes(record["milliseconds_in_timestamps"]))]
    )
    yield ""
    yield "## Cases"
    yield ""
    rows = [
        (case["id"], case["name"], case["functionality"], "Pass" if case["passed"] else f"Fail: {case['problem']}")
        for case in record["cases"]
    ]
    yield from markdown_table_in_report(("Case", "Name", "Functionality", "Result"), rows)
    for title, values in (("Limits", record["limits"]), ("Settings", record["settings"])):
        yield ""
        yield f"## {title}"
        yield ""
        yield from markdown_table_in_report((title[:-1], "Value"), list(_conformance_flat(values)))
    if record["daemon_problem"]:
        yield ""
        yield f"csmsd: {markdown_in_report(record['daemon_problem'])}"


def _conformance_headings(record: Record) -> list[tuple[str, str]]:
    return [
        ("Product", f"{record['product']} {record['version']}, Central System"),
        ("Protocol", record["protocol"]),
        ("Date", record["date"]),
        ("System", record["system"]),
        ("Result", f"{record['result']}, {_conformance_passed(record)}"),
    ]


def _conformance_passed(record: Record) -> str:
    passed = sum(case["passed"] for case in record["cases"])
    return f"{passed} of {len(record['cases'])} cases passed"


def _conformance_functionality_rows(record: Record) -> list[tuple[str, ...]]:
    return [
        (row["functionality"], row["result"], f"{row['passed']} of {row['cases']}") for row in record["functionalities"]
    ]


def _conformance_time_rows(record: Record) -> list[tuple[str, ...]]:
    titles = {"ocpp": "OCPP answer", "authorize": "Authorize"}
    return [
        (
            titles[name],
            _conformance_milliseconds(times["longest_ms"]),
            _conformance_milliseconds(times["typical_ms"]),
            _conformance_milliseconds(times["allowed_ms"]),
        )
        for name, times in record["response_times"].items()
    ]


def _conformance_milliseconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g} ms" if value < 1000 else f"{value / 1000:g} s"


def _conformance_times(measured: list[float]) -> Record:
    return {
        "measured": len(measured),
        "longest_ms": round(max(measured) * 1000, 1) if measured else None,
        "typical_ms": round(statistics.median(measured) * 1000, 1) if measured else None,
        "allowed_ms": SECONDS_ALLOWED * 1000,
    }


def _conformance_case_record(outcome: Outcome) -> Record:
    record: Record = {
        "id": outcome.case.id,
        "name": outcome.case.name,
        "functionality": outcome.case.functionality,
        "passed": outcome.passed,
        "problem": outcome.problem,
        "duration_ms": round(outcome.seconds * 1000),
    }
    if not outcome.passed:
        record["conversation"] = outcome.observations.conversation
    return record


def _conformance_system(daemon: Record) -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {daemon.get('loop')}"


def _conformance_flat(values: Record, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _conformance_flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _conformance_plain(value)


def _conformance_plain(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return _conformance_yes(value)
        case list():
            return " ".join(_conformance_plain(part) for part in value) or "-"
        case float():
            return f"{value:g}"
    return str(value)


def _conformance_yes(value: bool) -> str:
    return "yes" if value else "no"
