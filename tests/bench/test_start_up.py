"""How long one waits for csmsctl: against `python -c pass`, which is the least that any program in Python takes."""

import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter

import pytest

from tests.bench.systems import CHARGE_POINTS, put_load_on, running_site, system
from tests.support.site import Site, environment

pytestmark = pytest.mark.bench

ROUNDS = 11
MOST = 9  # times `python -c pass`


def test_start_up() -> None:
    """The goal for `status --json` and for an answer of completion: at most nine times `python -c pass`."""
    with running_site() as site:
        put_load_on(system(site), "--seconds", "1")  # so that there are charge points to show
        commands = _commands(site)
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        of_cpu: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(ROUNDS):
            for name in list(commands) if turn % 2 else reversed(commands):
                waited, worked = _seconds(*commands[name])
                seconds[name].append(waited)
                of_cpu[name].append(worked)
    print(f"\n\n{f'with {CHARGE_POINTS} charge points':36}{'ms':>8}{'× python':>12}")
    least = median(seconds["python -c pass"])
    for name, several in seconds.items():
        print(f"{name:36}{median(several) * 1000:8.0f}{median(several) / least:12.1f}")
    # Of CPU time, since other load on the machine makes the longer runs wait more often.
    for name in ("csmsctl status --json", "completion of csmsctl cp show CP00"):
        assert median(of_cpu[name]) <= MOST * median(of_cpu["python -c pass"]), name


def _commands(site: Site) -> dict[str, tuple[list[str], dict[str, str]]]:
    csmsctl = [sys.executable, "-m", "csmsctl"]
    on_site = environment(CSMS_SOCKET=str(site.socket))
    return {
        "python -c pass": ([sys.executable, "-c", "pass"], environment()),
        "csmsctl status --json": ([*csmsctl, "status", "--json"], on_site),
        "csmsctl --help": ([*csmsctl, "--help"], on_site),
        "completion of csmsctl cp show CP00": ([*csmsctl, "__complete", "cp", "show", "CP00"], on_site),
    }


def _seconds(command: list[str], variables: dict[str, str]) -> tuple[float, float]:
    """Until it has ended, and of CPU."""
    begun, before = perf_counter(), getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, env=variables, check=False)
    seconds, after = perf_counter() - begun, getrusage(RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout or "-c" in command
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
