"""What a message costs csmsd as charge points write it in the field, against the same said plainly."""

from statistics import median

import pytest

from tests.bench.load import Report
from tests.bench.machine import ratio
from tests.bench.manners import MANNERS
from tests.bench.results import show
from tests.bench.rotation import SECONDS
from tests.bench.systems import CHARGE_POINTS, csmsd, put_load_on

pytestmark = pytest.mark.bench

TURNS = 3


def test_each_manner_of_writing() -> None:
    """One csmsd, which has all manners in turns; the message log is on, and looks for secrets in each."""
    reports: dict[str, list[Report]] = {manner: [] for manner in MANNERS}
    with csmsd() as target:
        for turn in range(TURNS):
            for manner in reversed(MANNERS) if turn % 2 else MANNERS:
                options = ("--seconds", SECONDS, "--warm-up", "0.5", "--manner", manner)
                reports[manner].append(put_load_on(target, *options))
    rows = [
        {
            "manner": manner,
            "messages/s": median(report.rate for report in found),
            "CPU µs": median(_cpu(report) for report in found),
            "× plain": ratio(found, reports["plain"], _cpu),
        }
        for manner, found in reports.items()
    ]
    show("manners", f"csmsd, {CHARGE_POINTS} charge points, closed loop, by how they write", rows)


def _cpu(report: Report) -> float:
    return report.cpu_us_per_message
