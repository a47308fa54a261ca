"""`check`: the state of the site for a monitoring system, as the monitoring plugins of Nagios and Icinga give it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer

from csmsctl.arguments.shared_parameters import Targets
from csmsctl.arguments.targets import expand_targets
from csmsctl.display.escape import escape_text
from csmsctl.display.value_texts import counted_text
from csmsctl.failure import TIMED_OUT, UNREACHABLE, USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result

OK, WARNING, CRITICAL, UNKNOWN = range(4)  # exit codes of monitoring plugins, and of this command
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

_STALE = frozenset({"silent", "no_answer", "meter_values_missing"})
_SHOWN = 20  # problems below the first line
_DURATION = re.compile(r"(\d{1,9})([smhdw])\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MEBIBYTE = 1_048_576
_AGES = ("backup_age", "replica_age")


class Measure(NamedTuple):
    """Something that thresholds are for. `worse` is the direction in which it gets worse."""

    name: str
    form: str
    unit: str = ""
    worse: str = "more"
    warning: str | None = None
    critical: str | None = None
    of_site: bool = False  # no matter of single charge points


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("offline", "charge points: 2 or 10%", warning="1", critical="50%"),
        Measure("faulted", "connectors", warning="1"),
        Measure("stale", "charge points that are silent, do not answer, or send no meter values", warning="1"),
        Measure("over_limit", "phases of circuits that carry more than they may", critical="1", of_site=True),
        Measure("problems", "all others that `status --problems` shows", warning="1"),
        Measure("queued", "commands that wait or are under way", of_site=True),
        Measure("disk_free", "MiB, or 10%", "B", "less", "10%", "5%", of_site=True),
        Measure("backup_age", "26h, 2d", "s", of_site=True),
        Measure("replica_age", "30s, 5m", "s", of_site=True),
    )
}


class Finding(NamedTuple):
    """A measure, its value, and what its thresholds make of it."""

    measure: Measure
    value: float | None  # None: there never was one
    warning: float | None
    critical: float | None
    state: int


def check_command(
    ctx: typer.Context,
    targets: Targets = None,
    warning: Annotated[
        list[str] | None, typer.Option("--warning", "-w", metavar="NAME=VALUE", help="WARNING from there on")
    ] = None,
    critical: Annotated[
        list[str] | None, typer.Option("--critical", "-c", metavar="NAME=VALUE", help="CRITICAL from there on")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="KIND", help="Problems of this kind do not count")
    ] = None,
) -> None:
    """Check the site for a monitoring system: one line, performance data, and its exit codes.

    Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. A daemon that cannot be reached, or cannot store, is CRITICAL;
    a command line that makes no sense, or a socket that may not be opened, is UNKNOWN.

    Thresholds, with their defaults for warning and critical: offline charge points (1, 50%), faulted connectors (1),
    stale charge points (1), over_limit: phases of circuits that carry more than they may (critical: 1), other problems
    (1), disk_free in MiB or percent (10%, 5%); without a default: queued commands, backup_age and replica_age (for how
    long what was committed has been missing in the copy off the box), written as 26h or 5m. NAME=none takes one away.
    With targets only these charge points are looked at, and of the site only what has a threshold here.

    Below the first line stand the problems that count, each with the command that tells more.
    """
    run = invocation(ctx)
    try:
        given = {"warning": _given_check_thresholds(warning), "critical": _given_check_thresholds(critical)}
        chosen = expand_targets(targets, globs=run.options.globs) or None
        status = run.call("status", targets=chosen)
        info = run.call("daemon.info")
        _report_check(run, status, info, given, ignored=set(ignore or []), some=chosen is not None)
    except Failure as failure:
        run.exit_code = report_check_failure(run, failure)


def report_check_failure(run: Invocation, failure: Failure) -> int:
    """The line for a check that came to nothing; gives the exit code."""
    state = CRITICAL if failure.code in (UNREACHABLE, TIMED_OUT) else UNKNOWN
    if not run.output.documented({"state": WORDS[state].lower(), "exit_code": state, "error": failure.as_record()}):
        run.output.text(f"CSMS {WORDS[state]} - {_harmless_in_check(failure.message)}")
        if failure.next_step:
            run.output.text(_harmless_in_check(failure.next_step))
    return state


def _given_check_thresholds(texts: list[str] | None) -> dict[str, str]:
    """Thresholds by name. Raises Failure."""
    found: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if name not in MEASURES or not equals:
            raise Failure(USAGE, f"{text!r} is no threshold.", f"Write NAME=VALUE with {', '.join(MEASURES)}.")
        if value != "none":
            _check_threshold(MEASURES[name], value, 100.0)
        found[name] = value
    return found


def _check_threshold(measure: Measure, text: str, whole: float) -> float:
    """The number that a text stands for; percent are of `whole`. Raises Failure."""
    if measure.name in _AGES and (duration := _DURATION.match(text)):
        return float(duration[1]) * _SECONDS[duration[2]]
    percent = text.endswith("%") and measure.name in ("offline", "disk_free")
    digits = text[:-1] if percent else text
    if measure.name in _AGES or not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", digits, re.ASCII):
        raise Failure(USAGE, f"{measure.name}={text} is no threshold.", f"Write it as: {measure.form}")
    if not float(digits) and measure.worse == "more":
        raise Failure(USAGE, f"{measure.name}={text} would always be too much.", "1 means: as soon as there is one.")
    if percent:
        part = float(digits) * whole / 100
        return part if measure.name == "offline" else float(round(part))
    return float(digits) * (_MEBIBYTE if measure.name == "disk_free" else 1)


def _report_check(
    run: Invocation, status: Result, info: Result, given: dict[str, dict[str, str]], *, ignored: set[str], some: bool
) -> None:
    problems = _problems_to_check(status, ignored, some=some)
    values = _values_to_check(status, info, problems)
    whole = {"offline": float(len(status["charge_points"])), "disk_free": float(info["store"]["disk_bytes"])}
    findings = [
        _check_measure(
            measure, values[measure.name], given, whole.get(measure.name, 0.0), judged=not (some and measure.of_site)
        )
        for measure in MEASURES.values()
    ]
    store = {"failing": CRITICAL, "slow": WARNING}.get(status["daemon"]["store"], OK)
    state = max(store, *(finding.state for finding in findings))
    summary = _check_summary(status, info, findings)
    run.exit_code = state
    if run.options.json:
        run.output.document(
            {
                "state": WORDS[state].lower(),
                "exit_code": state,
                "summary": summary,
                "measures": [_check_record(finding) for finding in findings],
                "problems": problems,
            }
        )
        return
    run.output.text(f"CSMS {WORDS[state]} - {summary}|{_check_performance_data(status, info, findings)}")
    for problem in problems[:_SHOWN]:
        place = _checked_place(problem)
        text = f"{place}: {problem['text']}" if place else problem["text"]
        run.output.text(_harmless_in_check(f"{text}; see: {problem['next']}"))
    if len(problems) > _SHOWN:
        run.output.text(f"and {len(problems) - _SHOWN} more; see: csmsctl status --problems")


def _problems_to_check(status: Result, ignored: set[str], *, some: bool) -> list[Any]:
    from csmsctl.records.problems import problems_in_status

    looked_at = {"charge_points": status["charge_points"]} if some else status
    return [problem for problem in problems_in_status(looked_at) if problem["kind"] not in ignored]


def _values_to_check(status: Result, info: Result, problems: list[Any]) -> dict[str, float | None]:
    """Every measure's value."""

    def charge_points(kinds: set[str] | frozenset[str]) -> float:
        return float(len({problem["charge_point"] for problem in problems if problem["kind"] in kinds}))

    counted = {"offline", "faulted", "store_failing", "circuit_over_limit"} | _STALE
    backup = info["books"]["backup"]
    replica = info["store"].get("replica")
    made = datetime.fromisoformat(backup["at"]) if backup is not None else None
    return {
        "offline": charge_points({"offline"}),
        "faulted": float(sum(problem["kind"] == "faulted" for problem in problems)),
        "stale": charge_points(_STALE),
        "over_limit": float(sum(problem["kind"] == "circuit_over_limit" for problem in problems)),
        "problems": float(sum(problem["kind"] not in counted for problem in problems)),
        "queued": float(status["daemon"]["open_tasks"] + status["daemon"]["queued_commands"]),
        "disk_free": float(info["store"]["disk_free_bytes"]),
        "backup_age": max(0.0, (datetime.now(UTC) - made).total_seconds()) if made is not None else None,
        "replica_age": None if replica is None or replica["age_s"] is None else float(replica["age_s"]),
    }


def _check_measure(
    measure: Measure, value: float | None, given: dict[str, dict[str, str]], whole: float, *, judged: bool
) -> Finding:
    """What is not `judged` has only the thresholds that were given for it."""
    limits: dict[str, float | None] = {}
    for level, usual in (("warning", measure.warning), ("critical", measure.critical)):
        text = given[level].get(measure.name, usual if judged else None)
        limits[level] = None if text in (None, "none") else _check_threshold(measure, str(text), whole)
    state = OK
    for level, code in (("warning", WARNING), ("critical", CRITICAL)):
        limit = limits[level]
        # Where nothing can be counted (no charge point at all), nothing is too much.
        if limit is not None and (value is None or (value <= limit if measure.worse == "less" else value >= limit > 0)):
            state = code
    return Finding(measure, value, limits["warning"], limits["critical"], state)


def _check_summary(status: Result, info: Result, findings: list[Finding]) -> str:
    """What is wrong, then how it is."""
    wrong = []
    match status["daemon"]["store"]:
        case "failing":
            wrong.append(f"the store is failing: {info['store']['error']}")
        case "slow":
            wrong.append("the disk is slow: a commit has not come to its end")
    for finding in sorted(findings, key=lambda finding: -finding.state):
        if finding.state != OK:
            wrong.append(_check_finding_in_words(finding))
    running = sum(1 for _ in _running_to_check(status))
    connected = sum(bool(charge_point["connected"]) for charge_point in status["charge_points"])
    wrong.append(
        f"{connected} of {len(status['charge_points'])} charge points connected, "
        f"{counted_text(running, 'transaction')}, {_power_to_check(status) / 1000:.1f} kW"
    )
    return _harmless_in_check("; ".join(wrong))


def _check_finding_in_words(finding: Finding) -> str:
    value = finding.value
    match finding.measure.name:
        case "disk_free":
            return f"{(value or 0) / _MEBIBYTE:.0f} MiB of disk free"
        case "backup_age":
            return "there is no backup" if value is None else f"the last backup is {value / 3600:.1f} hours old"
        case "replica_age":
            return "there is no replica" if value is None else f"the replica is {value / 60:.1f} minutes behind"
        case "over_limit":
            return f"{counted_text(round(value or 0), 'phase')} of circuits over the limit"
        case "problems":
            return f"{value:.0f} other problem{'' if value == 1 else 's'}"
        case name:
            return f"{value:.0f} {name}"


def _running_to_check(status: Result) -> Any:
    """Connectors on which a transaction runs."""
    for charge_point in status["charge_points"]:
        for connector in charge_point["connectors"]:
            if connector["transaction"] is not None:
                yield charge_point, connector


def _power_to_check(status: Result) -> float:
    """W of all that is known to flow now."""
    return sum(
        connector["power_w"] or 0.0
        for charge_point, connector in _running_to_check(status)
        if charge_point["connected"]
    )


def _check_performance_data(status: Result, info: Result, findings: list[Finding]) -> str:
    """`label=value[unit];warning;critical;minimum;maximum`, as the guidelines of monitoring plugins have it."""
    charge_points, store = status["charge_points"], info["store"]
    connected = sum(bool(charge_point["connected"]) for charge_point in charge_points)
    parts = [
        f"connected={connected};;;0;{len(charge_points)}",
        f"charge_points={len(charge_points)};;;0",
        f"transactions={sum(1 for _ in _running_to_check(status))};;;0",
        f"power_w={_check_number(round(_power_to_check(status), 1))};;;0",
    ]
    for finding in findings:
        if finding.value is not None:
            limits = f"{_check_limit(finding, finding.warning)};{_check_limit(finding, finding.critical)}"
            parts.append(f"{finding.measure.name}={_check_number(finding.value)}{finding.measure.unit};{limits};0")
    parts += [f"database={store['database_bytes']}B;;;0", f"log={store['log_bytes']}B;;;0"]
    if store["last_commit_ms"] is not None:
        parts.append(f"last_commit={_check_number(store['last_commit_ms'])}ms;;;0")
    parts.append(f"uptime={info['uptime_s']}s;;;0")
    return " ".join(parts)


def _check_limit(finding: Finding, limit: float | None) -> str:
    """`10:` is what should not be less than 10."""
    if limit is None:
        return ""
    return _check_number(limit) + (":" if finding.measure.worse == "less" else "")


def _check_number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _check_record(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.measure.name,
        "value": finding.value,
        "unit": finding.measure.unit or None,
        "warning": finding.warning,
        "critical": finding.critical,
        "state": WORDS[finding.state].lower(),
    }


def _checked_place(problem: dict[str, Any]) -> str:
    place = str(problem["charge_point"] or "")
    return f"{place} connector {problem['connector']}" if problem["connector"] else place


def _harmless_in_check(text: str) -> str:
    """`|` begins the performance data."""
    return escape_text(text).replace("|", "/")
