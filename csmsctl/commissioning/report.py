"""The report of a test: as text, as JSON and as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from csmsctl.commissioning.step import Outcome, Suite
from csmsctl.display.escape import to_json, visible
from csmsctl.display.report_forms import Form, aligned, markdown, markdown_table
from csmsctl.display.table import Record
from csmsd import __version__

_WORDS = {"pass": "pass", "fail": "FAIL", "skipped": "skipped"}
_IDENTITY = ("vendor", "model", "serial_number", "firmware_version", "address", "security_profile")
_MARGIN = 29  # of everything below the first line of a step


@dataclass(frozen=True)
class Report:
    """Which charge point was tested how, and what came of it."""

    date: str
    suite: Suite
    connector: int
    charge_point: Record
    outcomes: Sequence[Outcome]
    deviations: Sequence[Record]  # from the specification, that were counted meanwhile
    left_behind: Sequence[str]

    @property
    def failed(self) -> bool:
        return any(outcome.result == "fail" for outcome in self.outcomes)

    def as_record(self) -> Record:
        """The JSON document."""
        results = [outcome.result for outcome in self.outcomes]
        return {
            "product": "csms",
            "version": __version__,
            "date": self.date,
            "charge_point": {"id": self.charge_point["id"]} | {name: self.charge_point[name] for name in _IDENTITY},
            "suite": self.suite,
            "connector": self.connector,
            "passed": results.count("pass"),
            "failed": results.count("fail"),
            "skipped": results.count("skipped"),
            "steps": [_step_record(outcome) for outcome in self.outcomes],
            "deviations": list(self.deviations),
            "left_behind": list(self.left_behind),
        }

    def written_as(self, form: Form) -> list[str]:
        """The report in lines."""
        record = self.as_record()
        match form:
            case "json":
                return to_json({"schema_version": 1, **record}, indent=2).splitlines()
            case "markdown":
                return list(_markdown(record))
            case "text":
                steps = [line for outcome in self.outcomes for line in step_lines(outcome)]
                return [*aligned(_headings(record)), "", *steps, "", *closing_lines(record)]


def step_lines(outcome: Outcome, width: int | None = None) -> list[str]:
    """What is printed of a step as soon as it is done; folded where there is a width."""
    said = [*_said(outcome), *([f"→ {outcome.advice}"] if outcome.advice is not None else [])]
    texts = [line for text in said for line in _folded(visible(text), width)] or [outcome.step.title]
    head = f"{_WORDS[outcome.result]:<8} {outcome.step.name:<{_MARGIN - 10}} "
    return [head + texts[0], *(" " * _MARGIN + text for text in texts[1:])]


def _said(outcome: Outcome) -> list[str]:
    return [*outcome.seen, *([outcome.reason] if outcome.reason is not None else [])]


def _folded(text: str, width: int | None) -> list[str]:
    return [text] if width is None else wrap(text, max(20, width - _MARGIN), subsequent_indent="  ")


def closing_lines(record: Record) -> Iterator[str]:
    """The sum of it."""
    for deviation in record["deviations"]:
        where = f"{deviation['action']} {deviation['field']}: {deviation['kind'].replace('_', ' ')}"
        yield f"deviates from the specification: {visible(where)} (counted {deviation['count']})"
    for left in record["left_behind"]:
        yield f"left behind: {visible(left)}"
    yield f"{visible(record['charge_point']['id'])}: {_sum(record)}"


def _markdown(record: Record) -> Iterator[str]:
    yield f"# Test of {markdown(record['charge_point']['id'])}"
    yield ""
    yield from markdown_table(("", ""), _headings(record))
    yield ""
    yield "## Steps"
    yield ""
    rows = [
        (
            step["step"],
            step["title"],
            step["result"],
            "; ".join([*step["seen"], *([step["reason"]] if step["reason"] else [])]),
            step["advice"] or "",
        )
        for step in record["steps"]
    ]
    yield from markdown_table(("Step", "Title", "Result", "Seen", "What to do"), rows)
    if record["deviations"]:
        yield ""
        yield "## Deviations from the specification"
        yield ""
        counted = [
            (one["action"], one["field"], one["kind"].replace("_", " "), str(one["count"]))
            for one in record["deviations"]
        ]
        yield from markdown_table(("Action", "Field", "Kind", "Times"), counted)
    for left in record["left_behind"]:
        yield ""
        yield f"Left behind: {markdown(left)}"


def _headings(record: Record) -> list[tuple[str, str]]:
    charge_point = record["charge_point"]
    known = [
        (name.replace("_", " ").capitalize(), visible(str(charge_point[name])))
        for name in _IDENTITY
        if charge_point[name] is not None
    ]
    return [
        ("Charge point", visible(charge_point["id"])),
        *known,
        ("Date", record["date"]),
        ("Suite", f"{record['suite']}, connector {record['connector']}"),
        ("Tested with", f"{record['product']} {record['version']}"),
        ("Result", _sum(record)),
    ]


def _sum(record: Record) -> str:
    return f"{record['passed']} passed, {record['failed']} failed, {record['skipped']} skipped"


def _step_record(outcome: Outcome) -> Record:
    record: Record = {
        "step": outcome.step.name,
        "title": outcome.step.title,
        "result": outcome.result,
        "seen": outcome.seen,
        "reason": outcome.reason,
        "advice": outcome.advice,
        "duration_ms": round(outcome.seconds * 1000),
    }
    if outcome.result == "fail":
        record["conversation"] = outcome.conversation
    return record
