"""Systems that are all up and have the load in turns, each way round: whatever the machine does meanwhile is shared."""

from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from tests.bench.load import Report
from tests.bench.machine import ratio
from tests.bench.rivals.ocpp_rpc import why_no_ocpp_rpc
from tests.bench.systems import (
    COMPILED,
    Conditions,
    Start,
    System,
    bare_websockets,
    compiled_csmsd,
    csmsd,
    npm_ocpp_rpc,
    put_load_on,
    pypi_ocpp,
)

SECONDS = "2"
_WITHOUT_LOG = "csmsd, no message log"


def known_systems() -> dict[str, Start]:
    """csmsd first, and what is there of the others; which is not is said."""
    systems: dict[str, Start] = {
        "csmsd": csmsd,
        "bare websockets server, stores nothing": bare_websockets,
        "CSMS on PyPI ocpp": pypi_ocpp,
    }
    if (why := why_no_ocpp_rpc()) is None:
        systems["CSMS on npm ocpp-rpc"] = npm_ocpp_rpc
    else:
        print(f"\nnpm ocpp-rpc is not measured: {why}")
    if COMPILED.is_dir():
        systems["csmsd, compiled"] = compiled_csmsd
    return systems


def without_message_log(conditions: Conditions) -> dict[str, Start]:
    """csmsd once more, to be put beside the others."""
    return {_WITHOUT_LOG: lambda _: csmsd(Conditions(fsync_ms=conditions.fsync_ms, message_log=False))}


class Rotation:
    """Has them up as long as its block; each `measured` puts the load on all, one at a time."""

    def __init__(self, systems: dict[str, Start], conditions: Conditions) -> None:
        self._starts = systems
        self._conditions = conditions
        self._stack = ExitStack()
        self._systems: dict[str, System] = {}

    def __enter__(self) -> "Rotation":
        with ExitStack() as stack:
            for name, start in self._starts.items():
                self._systems[name] = stack.enter_context(start(self._conditions))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measured(self, *options: str, turns: int = 4, seconds: str = SECONDS) -> dict[str, list[Report]]:
        reports: dict[str, list[Report]] = {name: [] for name in self._systems}
        for turn in range(turns):
            for name in reversed(self._systems) if turn % 2 else self._systems:
                report = put_load_on(self._systems[name], "--seconds", seconds, "--warm-up", "0.5", *options)
                reports[name].append(report)
        return reports


def compared(reports: dict[str, list[Report]]) -> list[dict[str, object]]:
    """A row each: medians, and how many times csmsd (the first one) is as good."""
    ours = next(iter(reports.values()))

    def row(name: str, theirs: list[Report]) -> dict[str, object]:
        def middle(what: Callable[[Report], float]) -> float:
            return median(what(report) for report in theirs)

        return {
            "": name,
            "messages/s": middle(_rate),
            "CPU µs": middle(_cpu),
            "busy": middle(lambda report: report.cpu_share),
            "p50 ms": middle(lambda report: report.all.p50),
            "p99 ms": middle(lambda report: report.all.p99),
            "p99.9 ms": middle(lambda report: report.all.p999),
            "csmsd × by rate": ratio(ours, theirs, _rate),
            "csmsd × by CPU": ratio(theirs, ours, _cpu),
        }

    return [row(name, theirs) for name, theirs in reports.items()]


def _rate(report: Report) -> float:
    return report.rate


def _cpu(report: Report) -> float:
    return report.cpu_us_per_message
