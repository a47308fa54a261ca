"""How many commands a second: `csmsctl batch` against one csmsctl a command, as a shell script has it."""

import json
import subprocess
import sys
from time import perf_counter

import pytest

from tests.bench.systems import running_site
from tests.support.site import Site, environment

pytestmark = pytest.mark.bench

LINES = 5000
PROCESSES = 40


def test_commands_a_second() -> None:
    """The goal: thousands of lines in seconds, and a hundred times as many a second as processes would do."""
    with running_site() as site:
        rates = {
            "one csmsctl a command": _processes(site),
            "batch, one after the other": _batch(site, "A", "--parallel", "1"),
            "batch": _batch(site, "B"),
        }
    least = rates["one csmsctl a command"]
    print(f"\n\n{'tag add':36}{'a second':>10}{'times':>8}")
    for name, rate in rates.items():
        print(f"{name:36}{rate:10,.0f}{rate / least:8.0f}")


def _processes(site: Site) -> float:
    begun = perf_counter()
    for number in range(PROCESSES):
        subprocess.run(
            [*_csmsctl(site), "tag", "add", f"P{number}"], check=True, env=environment(), capture_output=True
        )
    return PROCESSES / (perf_counter() - begun)


def _batch(site: Site, prefix: str, *options: str) -> float:
    lines = "".join(f"tag add {prefix}{number}\n" for number in range(LINES))
    begun = perf_counter()
    done = subprocess.run(
        [*_csmsctl(site), "batch", "-", *options],
        input=lines,
        text=True,
        capture_output=True,
        check=True,
        env=environment(),
    )
    seconds = perf_counter() - begun
    assert all(json.loads(line)["result"]["changed"] for line in done.stdout.splitlines())
    assert done.stdout.count("\n") == LINES
    return LINES / seconds


def _csmsctl(site: Site) -> list[str]:
    return [sys.executable, "-m", "csmsctl", "--socket", str(site.socket)]
