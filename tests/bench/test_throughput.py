"""How many messages a second, at what cost, and how soon they are answered: csmsd beside what it is compared with.

All systems carry the same load, one after the other and then in reverse order, so that a machine that grows slower
meanwhile does no one wrong. How to read it: absolute figures hold for one machine and one moment, ratios for longer.
"by rate" compares messages per second; it means something where the servers were busy all the time ("busy" near
100 %) and had their core to themselves. "by CPU" compares what a message costs and survives a machine shared with
others.
"""

from collections.abc import Callable
from statistics import median

import pytest

from tests.bench.load import Report
from tests.bench.machine import ratio
from tests.bench.systems import (
    CHARGE_POINTS,
    COMPILED,
    Start,
    bare_websockets,
    compiled_csmsd,
    csmsd,
    put_load_on,
    pypi_ocpp,
)

pytestmark = pytest.mark.bench

SYSTEMS: dict[str, Start] = {
    "csmsd": csmsd,
    "bare websockets server, stores nothing": bare_websockets,
    "CSMS on PyPI ocpp": pypi_ocpp,
}
if COMPILED.is_dir():
    SYSTEMS["csmsd, compiled"] = compiled_csmsd
SECONDS = "4"
OPEN_LOOP_RATE = 3000


def test_closed_loop() -> None:
    """200 charge points, each as fast as it is answered."""
    reports: dict[str, list[Report]] = {name: [] for name in SYSTEMS}
    for name in (*SYSTEMS, *reversed(SYSTEMS)):
        with SYSTEMS[name]() as target:
            reports[name].append(put_load_on(target, "--seconds", SECONDS))
    ours = reports["csmsd"]

    title = f"{CHARGE_POINTS} charge points, closed loop"
    print(f"\n\n{title:40}{'messages/s':>11}{'CPU µs':>8}{'busy':>7}{'p50 ms':>9}{'p99 ms':>8}", end="")
    print(f"{'csmsd is, by rate':>20}{'by CPU':>9}")
    for name, theirs in reports.items():

        def middle(what: Callable[[Report], float], reports: list[Report] = theirs) -> float:
            return median(what(report) for report in reports)

        print(
            f"{name:40}{middle(_rate):11,.0f}{middle(_cpu):8.0f}{middle(lambda r: r.cpu_share):7.0%}"
            f"{middle(lambda r: r.all.p50):9.1f}{middle(lambda r: r.all.p99):8.1f}"
            f"{ratio(ours, theirs, _rate):18.2f} ×{ratio(theirs, ours, _cpu):7.2f} ×"
        )


def _rate(report: Report) -> float:
    return report.rate


def _cpu(report: Report) -> float:
    return report.cpu_us_per_message


def test_open_loop() -> None:
    """So many messages a second that csmsd is busy, not full: how long does each action take?"""
    with csmsd() as target:
        report = put_load_on(target, "--seconds", SECONDS, "--rate", str(OPEN_LOOP_RATE))
    print(f"\n\n{f'csmsd, open loop, {report.rate:,.0f} messages/s':40}{'messages':>12}{'p50 ms':>18}{'p99 ms':>9}")
    for action, latency in report.actions.items():
        print(f"{action:40}{latency.count:12,}{latency.p50:18.2f}{latency.p99:9.2f}{latency.p999:9.2f}")
