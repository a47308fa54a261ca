"""Whatever a test run has started ends with it, also when the run itself is killed.

The guard is a process of its own, with the other end of a pipe in its hand that closes when the run is gone, however it
went. It ends what carries the mark of the run in its environment (all that was started, and what that started in turn),
and unmounts what was mounted below the run's directory. It needs /proc, and does nothing elsewhere.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "CSMS_TEST_RUN"
_PROCESSES = Path("/proc")
_MOUNTS = Path("/proc/self/mounts")


@contextmanager
def guarded(mark: str, directory: Path | None = None) -> Iterator[None]:
    """Marks what this process starts from now on; below the directory it may mount things."""
    before = os.environ.get(MARK)
    os.environ[MARK] = mark
    # A session of its own: what ends the run by its group, or with Ctrl-C, must not end the guard.
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, mark, *([] if directory is None else [os.fspath(directory)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before


def _marked(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in _PROCESSES.glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:  # it has ended, or is another user's
            continue
    return found


def _end(mark: str) -> None:
    # What has ended and was not waited for has no environment any more; what is just being started is found next time.
    while processes := _marked(mark):
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                continue


def _unmount(directory: str) -> None:
    mounted = [line.split()[1] for line in _MOUNTS.read_text().splitlines()] if _MOUNTS.exists() else []
    for place in mounted:
        if place.startswith(directory + "/"):
            subprocess.run(["umount", "--lazy", place], check=False)


if __name__ == "__main__":
    sys.stdin.read()
    _end(sys.argv[1])
    for directory in sys.argv[2:]:
        _unmount(directory)
