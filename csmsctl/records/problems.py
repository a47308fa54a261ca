"""Problems as csmsd reports them with `status`: all of them in one list, and how they are shown."""

from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text


def problems_in_status(status: Record) -> list[Record]:
    """Of the site and of the charge points, the worst first."""
    found = [*(status.get("daemon") or {}).get("problems", [])]
    for charge_point in status.get("charge_points") or []:
        found += charge_point.get("problems") or []
    return sorted(found, key=lambda problem: problem.get("severity") != "critical")


def problem_style(problem: Record) -> str:
    return "red" if problem.get("severity") == "critical" else "yellow"


def problem_told(problem: Record, human: bool) -> str:
    """In words, with when it was so last."""
    last = problem.get("last_at")
    return f"{problem.get('text')}, last {moment_text(last, human)}" if last else str(problem.get("text") or "")


COLUMNS = (
    Column("severity", "SEVERITY", style=problem_style),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("since", "SINCE", moment_text, wide=True),
    Column("told", "PROBLEM", folds=True),
    Column("next", "SEE", folds=True),
)
CSV_COLUMNS = tuple(
    Column(key, key) for key in ("kind", "severity", "charge_point", "connector", "since", "last_at", "text", "next")
)
