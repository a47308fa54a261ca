"""What was answered survives a power cut: every commit is on the disk before it is told.

No kill -9 shows that, since the system keeps what it was given. So the calls are counted that have it written.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.site import environment

HERE = Path(__file__).parent
COMMITS = 20
SCRIPT = """
import asyncio, ctypes, sys
from pathlib import Path
from csmsd.profiles.core.id_tags import IdTag
from csmsd.settings.sections import Store
from csmsd.store.database import prepare_database
from csmsd.store.writer import Writer

flushes = ctypes.CDLL(sys.argv[1]).flushes

async def main():
    path = Path(sys.argv[2])
    prepare_database(path)
    async def recover(): ...
    synchronous = Store().synchronous if sys.argv[3] == "usual" else sys.argv[3]
    writer = Writer(path, synchronous=synchronous, recover=recover)
    await writer.open()
    await writer.commit([IdTag(id="first", created_at=0)])
    for number in range(int(sys.argv[4])):
        before = flushes()
        await writer.commit([IdTag(id=f"T{number}", created_at=0)])
        print(flushes() - before)
    await writer.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("counting takes a C compiler, and Linux")
    library = tmp_path_factory.mktemp("flushes") / "flushes.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, HERE / "flushes.c"], check=True, timeout=60)
    return library


def flushes_of_each_commit(counter: Path, path: Path, synchronous: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(counter), str(path), synchronous, str(COMMITS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment(LD_PRELOAD=str(counter)),
    )
    return [int(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("synchronous", ["usual", "FULL"])
def test_every_commit_is_on_the_disk_before_it_is_told(counter: Path, tmp_path: Path, synchronous: str) -> None:
    counted = flushes_of_each_commit(counter, tmp_path / "csms.db", synchronous)
    assert len(counted) == COMMITS
    assert min(counted) >= 1


def test_where_the_settings_want_it_only_checkpoints_are(counter: Path, tmp_path: Path) -> None:
    assert sum(flushes_of_each_commit(counter, tmp_path / "csms.db", "NORMAL")) == 0
