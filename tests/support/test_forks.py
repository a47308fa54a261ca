"""What was forked is as any other: its exit code, its output, its environment, and nothing of its neighbours."""

import asyncio
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import MakeSite
from tests.support import console, forked_csmsctl
from tests.support.forks import FORKS, Forked
from tests.support.site import NotReady, Site, environment


async def test_it_is_a_process_of_its_own_with_its_own_end(make_site: MakeSite) -> None:
    first, second = await make_site(), await make_site()
    assert isinstance(first.process, Forked)
    assert isinstance(second.process, Forked)
    assert first.process.pid != second.process.pid
    with pytest.raises(subprocess.TimeoutExpired):
        second.process.wait(0)
    first.signal(signal.SIGKILL)
    assert first.process.wait(30) == first.process.poll() == -signal.SIGKILL
    assert second.process.poll() is None
    assert await second.stop() == 0
    assert "csmsd.daemon: stopping" in second.errors()


def descriptors(site: Site) -> list[str]:
    """What csmsd has open."""
    assert site.process is not None
    links: list[str] = []
    for link in Path(f"/proc/{site.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            links.append(str(link.readlink()))
    return sorted(link.split(":")[0].replace(str(site.directory), "") for link in links)


async def test_it_holds_no_descriptor_that_one_from_scratch_does_not(make_site: MakeSite) -> None:
    beside = await make_site()
    forked, other = await make_site(), await make_site(start=False)
    other.from_scratch = True
    await other.start()
    deadline = monotonic() + 30
    while (held := descriptors(forked)) != (usual := descriptors(other)):  # until those who asked are gone
        assert monotonic() < deadline, (held, usual)
        await asyncio.sleep(0.05)
    assert beside.process is not None
    assert beside.process.poll() is None


async def test_one_that_cannot_start_says_why_and_ends(make_site: MakeSite) -> None:
    site = await make_site({"server": {"listen": []}}, start=False)
    with pytest.raises(NotReady, match="exit code 78"):
        await site.start()


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["version"], {}),
        (["tag", "add", "--help"], {}),
        (["tag", "add"], {}),
        (["--json", "status"], {"CSMS_SOCKET": "/nowhere/s.sock"}),
        (["status"], {"CSMS_SOCKET": "/nowhere/s.sock", "TZ": "Europe/Amsterdm"}),
        (["batch", "-"], {}),
        (["tag", "import", "cards.csv"], {}),
        (["tariff", "check", "\udcff"], {}),
    ],
)
def test_csmsctl_says_what_it_says_when_it_is_started(
    arguments: list[str], variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cards.csv").write_text("no,column\n")
    monkeypatch.chdir(tmp_path)
    found = environment(**variables)
    assert console._forked(arguments, found) == console._from_scratch(arguments, found)


def test_what_python_begins_with_otherwise_is_not_forked() -> None:
    assert console._forked(["version"], environment(LC_ALL="C")) is None
    assert console._forked(["version", "x" * 70_000], environment()) is None


LINES = """
csmsctl version; csmsctl tag add; echo $?
csmsctl tag import 'no such "file' 2>&1 | tr a-z A-Z
echo version | csmsctl batch -
csmsctl nothing
"""


def test_a_line_of_a_shell_gets_what_it_would_get_otherwise(tmp_path: Path) -> None:
    way = FORKS["csmsctl"].way()

    def ended(*csmsctl: str) -> tuple[int, bytes]:
        function = f'csmsctl() {{ {shlex.join(csmsctl)} "$@"; }}\n'
        done = subprocess.run(
            ["sh", "-c", function + LINES], cwd=tmp_path, env=environment(), pass_fds=[way],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    forked = ended(sys.executable, "-I", "-S", forked_csmsctl.__file__, str(way))
    assert forked == ended(sys.executable, "-m", "csmsctl")
    assert forked[0] == 2
