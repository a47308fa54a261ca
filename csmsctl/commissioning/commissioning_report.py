"""The report of a test: as text, as JSON and as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from csmsctl.commissioning.step import Outcome, Suite
from csmsctl.display.escape import escape_text
from csmsctl.display.report_forms import (
    Form,
    aligned_in_report,
    markdown_in_report,
    markdown_table_in_report,
    report_lines,
)
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
            "steps": [_commissioning_step_record(outcome) for outcome in self.outcomes],
            "deviations": list(self.deviations),
            "left_behind": list(self.left_behind),
        }

    def written_as(self, form: Form) -> list[str]:
        """The report in lines."""
        return report_lines(self.as_record(), form, text=self._text, markdown=_commissioning_markdown)

    def _text(self, record: Record) -> Iterator[str]:
        yield from aligned_in_report(_commissioning_headings(record))
        yield ""
        for outcome in self.outcomes:
            yield from commissioning_step_lines(outcome)
        yield ""
        yield from commissioning_closing_lines(record)


def commissioning_step_lines(outcome: Outcome, width: int | None = None) -> list[str]:
    """What is printed of a step as soon as it is done; folded where there is a width."""
    said = [*_commissioning_said(outcome), *([f"→ {outcome.advice}"] if outcome.advice is not None else [])]
    texts = [line for text in said for line in _commissioning_folded(escape_text(text), width)] or [outcome.step.title]
    head = f"{_WORDS[outcome.result]:<8} {outcome.step.name:<{_MARGIN - 10}} "
    return [head + texts[0], *(" " * _MARGIN + text for text in texts[1:])]


def _commissioning_said(outcome: Outcome) -> list[str]:
    return [*outcome.seen, *([outcome.reason] if outcome.reason is not None else [])]


def _commissioning_folded(text: str, width: int | None) -> list[str]:
    return [text] if width is None else wrap(text, max(20, width - _MARGIN), subsequent_indent="  ")


def commissioning_closing_lines(record: Record) -> Iterator[str]:
    """The sum of it."""
    for deviation in record["deviations"]:
        where = f"{deviation['action']} {deviation['field']}: {deviation['kind'].replace('_', ' ')}"
        yield f"deviates from the specification: {escape_text(where)} (counted {deviation['count']})"
    for left in record["left_behind"]:
        yield f"left behind: {escape_text(left)}"
    yield f"{escape_text(record['charge_point']['id'])}: {_commissioning_sum(record)}"


def _commissioning_markdown(record: Record) -> Iterator[str]:
    yield f"# Test of {markdown_in_report(record['charge_point']['id'])}"
    yield ""
    yield from markdown_table_in_report(("", ""), _commissioning_headings(record))
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
    yield from markdown_table_in_report(("Step", "Title", "Result", "Seen", "What to do"), rows)
    if record["deviations"]:
        yield ""
        yield "## Deviations from the specification"
        yield ""
        counted = [
            (one["action"], one["field"], one["kind"].replace("_", " "), str(one["count"]))
            for one in record["deviations"]
        ]
        yield from markdown_table_in_report(("Action", "Field", "Kind", "Times"), counted)
    for left in record["left_behind"]:
        yield ""
        yield f"Left behind: {markdown_in_report(left)}"


def _commissioning_headings(record: Record) -> list[tuple[str, str]]:
    charge_point = record["charge_point"]
    known = [
        (name.replace("_", " ").capitalize(), escape_text(str(charge_point[name])))
        for name in _IDENTITY
        if charge_point[name] is not None
    ]
    return [
        ("Charge point", escape_text(charge_point["id"])),
        *known,
        ("Date", record["date"]),
        ("Suite", f"{record['suite']}, connector {record['connector']}"),
        ("Tested with", f"{record['product']} {record['version']}"),
        ("Result", _commissioning_sum(record)),
    ]


def _commissioning_sum(record: Record) -> str:
    return f"{record['passed']} passed, {record['failed']} failed, {record['skipped']} skipped"


def _commissioning_step_record(outcome: Outcome) -> Record:
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
