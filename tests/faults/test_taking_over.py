"""A box that burns: csmsd and Litestream are killed, another box goes on by the commands of docs/taking-over.md."""

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, time
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.litestream import Litestream
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import ROOT, Site, environment
from tests.support.wire import WAIT

PAGE = (ROOT / "docs/taking-over.md").read_text()
SYNC_SECONDS = 1.0  # as the page has it


def block(language: str) -> str:
    """The one example of the page in that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


class Box:
    """A csmsd and a Litestream on a directory, set up as the page says; the copy is elsewhere."""

    def __init__(self, site: Site, replica: Path) -> None:
        self.site = site
        self._places = {
            "/var/lib/csmsd": str(site.state),
            "/etc/csmsd": str(site.directory),
            "/mnt/replica": str(replica),
            "sudo -u csms ": "",
        }
        (site.directory / "litestream.yml").write_text(self.here(block("yaml")))
        site.config.write_text(self.here(block("toml")))
        self.litestream = Litestream(site.directory / "litestream.yml")

    def here(self, text: str) -> str:
        """The same with the places of this test."""
        for place, instead in self._places.items():
            text = text.replace(place, instead)
        return text

    async def start(self) -> None:
        await self.site.start()
        self.litestream.start()

    async def burn(self) -> None:
        self.litestream.end()
        await self.site.kill()

    async def take_over(self) -> list[str]:
        """What the commands of the page say, line by line."""
        said = []
        for line in block("sh").splitlines():
            if line.startswith("systemctl"):
                if "start" in line.split():
                    await self.start()
                continue
            csmsctl = shlex.join([sys.executable, "-m", "csmsctl", "--socket", str(self.site.socket)])
            command = self.here(line)
            command = csmsctl + command.removeprefix("csmsctl") if command.startswith("csmsctl ") else command
            done = await asyncio.to_thread(
                subprocess.run,
                ["sh", "-c", command],
                capture_output=True,
                text=True,
                timeout=60,
                env=environment(**self.litestream.variables),
                cwd=ROOT,
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            said.append(done.stdout)
        return said


@pytest.fixture
async def boxes(make_site: MakeSite, tmp_path: Path) -> AsyncIterator[tuple[Box, Box]]:
    """One that runs, with CP1 and a card, and one on which nothing has run yet."""
    made = [Box(await make_site(start=False), tmp_path / "replica") for _ in range(2)]
    await made[0].start()
    await made[0].site.call("tag.add", id="A1B2C3")
    yield made[0], made[1]
    for box in made:
        box.litestream.end()


async def started(point: RawChargePoint, number: int) -> int:
    at = f"2026-03-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    payload = {"connectorId": number % 200 + 1, "idTag": "A1B2C3", "meterStart": number, "timestamp": at}
    answer = await point.ask("StartTransaction", payload)
    return int(answer[2]["transactionId"])


def written_before_the_last(replica: Path) -> float:
    """When the last file but one of the copy was written: what was committed a second before is in the last one.

    Litestream may be held up between its look at the database and what it writes of that.
    """
    times: list[float] = []
    for path in replica.rglob("*"):
        with suppress(FileNotFoundError):  # it had a name for the meantime
            if path.is_file():
                times.append(path.stat().st_mtime)
    return sorted(times)[-2] if len(times) > 1 else 0.0


async def test_another_box_goes_on_where_the_copy_ends(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    burning, fresh = boxes
    replica = tmp_path / "replica" / "csms"
    point = await burning.site.raw("CP1")
    acknowledged: list[tuple[int, float]] = []  # transactions, and when they were acknowledged
    deadline = monotonic() + 2 * WAIT
    while not acknowledged or written_before_the_last(replica) < acknowledged[0][1] + 2 * SYNC_SECONDS:
        assert monotonic() < deadline, "nothing is copied"
        acknowledged.append((await started(point, len(acknowledged)), time()))
        await asyncio.sleep(0.02)
    await burning.burn()
    await point.vanish()
    copied_at = written_before_the_last(replica)

    said = await fresh.take_over()
    assert any("sound" in text or "good" in text for text in said), said
    there = {number for (number,) in fresh.site.stored("SELECT id FROM transactions")}
    missing = [number for number, _ in acknowledged if number not in there]
    assert not [number for number, at in acknowledged if at < copied_at - SYNC_SECONDS and number not in there]
    assert missing == [number for number, _ in acknowledged[len(acknowledged) - len(missing) :]], "the last ones alone"

    point = await fresh.site.raw("CP1", register=False)
    new = await started(point, 10_000)
    last = acknowledged[-1][0]
    assert new > last + 100_000
    stop = {"transactionId": last + 1, "idTag": "A1B2C3", "meterStop": 20_000, "timestamp": "2026-03-01T13:00:00.000Z"}
    assert (await point.ask("StopTransaction", stop))[0] == 3
    kept: dict[int, Any] = dict(fresh.site.stored("SELECT id, state FROM transactions WHERE id=?", new))
    assert kept == {new: "active"}


@pytest.mark.slow
async def test_a_copy_that_lies_behind_is_told(boxes: tuple[Box, Box]) -> None:
    box, _ = boxes

    async def seen(least: int, most: int) -> None:
        """Waits until the copy is seen to lie so many seconds behind, while something is written all the time."""
        deadline = monotonic() + 2 * WAIT
        while True:
            age = (await box.site.call("daemon.info"))["store"]["replica"]["age_s"]
            if age is not None and least <= age <= most:
                return
            assert monotonic() < deadline, age
            await box.site.call("tag.add", id=f"T{monotonic():.3f}".replace(".", ""))
            await asyncio.sleep(0.2)

    await seen(0, 0)
    assert (await box.site.csmsctl("check", "--critical", "replica_age=5m")).code == 0
    box.litestream.end()
    await seen(6, 1000)
    ended = await box.site.csmsctl("check", "--critical", "replica_age=5s")
    assert ended.code == 2
    assert "the replica is" in ended.out
