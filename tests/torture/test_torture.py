"""Torture is worth something only if it tells a csmsd that breaks its promise from one that keeps it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shim import needs_compiler
from tests.support.site import ROOT

WRITER = "csmsd/store/writer.py"
BREAKS = {
    "answers before the commit": (
        "        begun = self._begun = monotonic()\n",
        "        begun = self._begun = monotonic()\n"
        "        for member in batch:\n"
        "            _call(member.done, None)\n"
        "            member.done = lambda error: None\n",
        "power-cuts",
    ),
    "no fsync": ("PRAGMA synchronous={self._synchronous}", "PRAGMA synchronous=OFF", "power-cuts"),
    "acknowledges what failed": (
        "_call(member.done, NotStored(str(reason)))",
        "_call(member.done, None)",
        "failing-writes",
    ),
}


def tortured(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.torture", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def figure(printed: str, name: str) -> int:
    """What stands behind that name in the last lines."""
    (line,) = (
        line for line in printed.splitlines() if line.startswith(f"{name}: ") and line[len(name) + 2 :].isdigit()
    )
    return int(line.split()[-1])


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_csmsd_is_found(name: str, tmp_path: Path) -> None:
    right, wrong, kind = BREAKS[name]
    shutil.copytree(ROOT / "csmsd", tmp_path / "csmsd", ignore=shutil.ignore_patterns("__pycache__"))
    writer = tmp_path / WRITER
    text = writer.read_text("utf-8")
    assert text.count(right) == 1
    writer.write_text(text.replace(right, wrong), "utf-8")
    ended = tortured(kind, "--share", "0.1", "--csmsd", str(tmp_path))
    print(ended.stdout, ended.stderr)
    assert ended.returncode == 1
    assert figure(ended.stdout, "lost") > 0


@pytest.mark.slow
@needs_compiler
def test_a_sound_csmsd_is_not_accused_and_a_run_can_be_repeated() -> None:
    ended = tortured("power-cuts", "clocks", "--share", "0.05", "--seed", "7")
    print(ended.stdout, ended.stderr)
    assert ended.returncode == 0
    assert ended.stdout.startswith("seed: 7\n")
    assert (figure(ended.stdout, "lost"), figure(ended.stdout, "doubled")) == (0, 0)
    assert figure(ended.stdout, "acknowledged") > 100
