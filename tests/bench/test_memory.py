"""The memory of a connection: idle, once booted, and after it has sent a while."""

import pytest

from tests.bench.results import show
from tests.bench.rotation import Rotation, known_systems
from tests.bench.systems import USUAL

pytestmark = pytest.mark.bench

CHARGE_POINTS = 1000
RATE = "1000"  # messages a second of all together, so that each system has the same to remember
SECONDS = "8"


def test_memory_of_a_connection() -> None:
    """By what a process has more than before they came; each is a process that has served nobody else."""
    options = ("--charge-points", str(CHARGE_POINTS), "--rate", RATE)
    with Rotation(known_systems(), USUAL) as systems:
        reports = systems.measured(*options, turns=1, seconds=SECONDS)
    rows: list[dict[str, object]] = [
        {
            "": name,
            "alone, MiB": report.memory.before / 1024,
            "KiB each, booted": (report.memory.connected - report.memory.before) / CHARGE_POINTS,
            "KiB each, afterwards": (report.memory.afterwards - report.memory.before) / CHARGE_POINTS,
            "messages": report.messages,
        }
        for name, (report,) in reports.items()
    ]
    show("memory", f"{CHARGE_POINTS} charge points, {RATE} messages a second for {SECONDS} s", rows)
