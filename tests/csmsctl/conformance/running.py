"""`csmsctl conformance` as a process."""

import subprocess
import sys

from tests.support.site import Ended, environment

FUNCTIONALITIES = [
    "Core",
    "Firmware Management",
    "Smart Charging",
    "Reservation",
    "Local Authorization List Management",
    "Remote Trigger",
    "Security",
]


def conformance(*arguments: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "csmsctl", "conformance", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(),
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)
