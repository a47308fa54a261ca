"""A run that is killed leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.site import ROOT, environment

# A run that starts a program which starts another, both for long, and is then killed where it stands.
RUN = """
import os, signal, subprocess, sys
from pathlib import Path
from tests.support.guard import guarded

with guarded("{mark}", Path(sys.argv[1])):
    sleeper = "import time; time.sleep(600)"
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {{sleeper!r}}]); {{sleeper}}"
    subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
    {act}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("act", ["os.kill(os.getpid(), signal.SIGKILL)", "pass"])
def test_processes_end_with_the_run(tmp_path: Path, act: str) -> None:
    # Each of the processes holds the pipe open as its stdout: at its end, all of them are gone.
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(mark=f"{os.getpid()}-{act[:4]}", act=act), str(tmp_path)],
        stdout=subprocess.PIPE,
        timeout=60,
        cwd=ROOT,
        env=environment(),
        check=False,
    )
    assert done.returncode == (0 if act == "pass" else -signal.SIGKILL)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")
def test_what_was_mounted_is_unmounted(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    act = "subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', sys.argv[1] + '/disk'], check=True)"
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(mark=f"{os.getpid()}-disk", act=act), str(tmp_path)],
        timeout=60,
        cwd=ROOT,
        env=environment(),
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("no file system can be mounted here")
    assert not place.is_mount()
