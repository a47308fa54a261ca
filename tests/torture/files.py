"""Database files that somebody else holds locked, damages, moves, deletes, replaces or empties."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from csmsd.store.database import damage
from tests.support.acknowledged import Acknowledged, BooksFound
from tests.support.books import Fleet
from tests.support.site import NotReady, Site
from tests.torture.report import Campaign

CHARGE_POINTS = 3
PAGE = 4096
LOOK_SECONDS = 60  # after a kill


async def go_on(fleet: Fleet) -> None:
    """All of them are acknowledged something."""
    await asyncio.gather(*(charge_point.acknowledgements(2) for charge_point in fleet.charge_points))


async def locked_files(campaign: Campaign, *, times: int, longest: float) -> None:
    """Each lock delays and loses nothing; during every fifth csmsd is killed."""
    async with campaign.site() as site:
        await site.start()
        async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
            for number in range(times):
                file = campaign.chance.choice([site.database, site.database, site.state / "log.db"])
                held = campaign.chance.uniform(0, longest)
                with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as other:
                    other.execute(f"BEGIN {campaign.chance.choice(['IMMEDIATE', 'EXCLUSIVE'])}")
                    await site.call("daemon.info")  # operators are answered meanwhile
                    await asyncio.sleep(held)
                    if number % 5 == 4:
                        await site.kill()
                    other.execute("ROLLBACK")
                if site.process is None:
                    await site.start()
                await go_on(fleet)
                campaign.compare_with_disk(f"a lock of {file.name} for {held:.1f} s", fleet, site)
                campaign.faults["locked files"] += 1
            await campaign.compare_with_csmsctl("locks", fleet.acknowledged, site)


# --- damaged while csmsd does not run


def _overwrite_pages(file: Path, campaign: Campaign) -> None:
    content = bytearray(file.read_bytes())
    for page in campaign.chance.sample(range(len(content) // PAGE), campaign.chance.randint(1, 8)):
        content[page * PAGE : (page + 1) * PAGE] = campaign.chance.randbytes(PAGE)
    file.write_bytes(content)


def _cut_off(file: Path, campaign: Campaign) -> None:
    os.truncate(file, campaign.chance.randrange(file.stat().st_size))


def _replace_with_noise(file: Path, campaign: Campaign) -> None:
    file.write_bytes(campaign.chance.randbytes(campaign.chance.randint(0, 100_000)))


def _delete(file: Path, campaign: Campaign) -> None:
    file.unlink()


DAMAGES: tuple[Callable[[Path, Campaign], None], ...] = (_overwrite_pages, _cut_off, _replace_with_noise, _delete)


async def damaged_files(campaign: Campaign, *, times: int) -> None:
    """csmsd refuses a damaged database and leaves it as it is, or tells of it, or has everything; a damaged log harms
    no books.
    """
    async with campaign.site() as site:
        await site.start()
        async with campaign.fleet(site, CHARGE_POINTS) as fleet:
            for charge_point in fleet.charge_points:
                await charge_point.acknowledgements(40)
            await fleet.finish()
        await site.stop()
        await site.start()
        await site.kill()  # after that the whole file is looked through; what was acknowledged is in it, not in its log
        whole = site.directory / "whole"
        shutil.copytree(site.state, whole)
        for _ in range(times):
            shutil.rmtree(site.state)
            shutil.copytree(whole, site.state)
            spoil = campaign.chance.choice(DAMAGES)
            file = site.state / campaign.chance.choice(["csms.db", "csms.db", "csms.db", "log.db"])
            spoil(file, campaign)
            await _started_on_damage(campaign, site, fleet.acknowledged, f"{spoil.__name__.strip('_')} {file.name}")
            campaign.faults["damaged files"] += 1


async def _started_on_damage(campaign: Campaign, site: Site, acknowledged: list[Acknowledged], fault: str) -> None:
    # SQLite puts what a log of commits holds in its place, also in a file that is of no use otherwise.
    log_of_commits = site.database.with_name("csms.db-wal")
    held = log_of_commits.stat().st_size if log_of_commits.exists() else 0
    left = site.database.read_bytes() if site.database.exists() else None
    try:
        await site.start()
    except NotReady:
        now = site.database.read_bytes() if site.database.exists() else None
        campaign.must(now == left or held > 0, f"{fault}: csmsd refused to start, and changed the file")
        campaign.must("log.db" not in fault, f"{fault}: csmsd does not start without its log")
        campaign.must("Traceback" not in site.errors(), f"{fault}: a traceback")
        site.stderr.unlink()
        return
    if not await _is_told(site):
        campaign.compare(fault, acknowledged, BooksFound.on_disk(site.database))
        await campaign.compare_with_csmsctl(fault, acknowledged, site)
    await site.kill()


async def _is_told(site: Site) -> bool:
    """Whether csmsd knows that the file is damaged, once it has looked."""
    if damage(site.database) is None:
        return False
    watcher = await site.control()
    await watcher.call("event.subscribe", types=["store.damaged"], after=0)
    await asyncio.wait_for(watcher.event("store.damaged"), LOOK_SECONDS)
    return "store_damaged" in [one["kind"] for one in (await site.json("status", "--problems"))["problems"]]


# --- gone while csmsd runs


async def _moved_and_back(site: Site, fleet: Fleet) -> None:
    aside = site.directory / "aside.db"
    site.database.rename(aside)
    await _refused(fleet)
    aside.rename(site.database)


async def _deleted(site: Site, fleet: Fleet) -> None:
    for path in site.state.glob("csms.db*"):
        path.unlink()
    await _rescued(site, fleet)


async def _replaced(site: Site, fleet: Fleet) -> None:
    other = site.directory / "other.db"
    shutil.copy(site.database, other)
    other.replace(site.database)
    await _rescued(site, fleet)


async def _log_of_commits_deleted(site: Site, fleet: Fleet) -> None:
    site.database.with_name("csms.db-wal").unlink()
    await _refused(fleet)
    await site.stop()
    await site.start()


async def _emptied(site: Site, fleet: Fleet) -> None:
    """Nobody can bring back what is not there; a backup can."""
    await fleet.hold()
    backup = site.directory / "backup.db"
    backup.unlink(missing_ok=True)
    assert (await site.csmsctl("backup", str(backup))).code == 0
    os.truncate(site.database, 0)
    fleet.up.set()
    await _refused(fleet)
    await _put_in_place(site, backup)


async def _refused(fleet: Fleet) -> None:
    """Nothing goes into the void."""
    await asyncio.gather(*(charge_point.refusal() for charge_point in fleet.charge_points))


async def _rescued(site: Site, fleet: Fleet) -> None:
    """What csmsd saved of it is put in its place."""
    await _refused(fleet)
    await _put_in_place(site, site.state / "csms.db.rescued")


async def _put_in_place(site: Site, database: Path) -> None:
    await site.stop()
    _replace(site.database, database)
    await site.start()


def _replace(database: Path, by: Path) -> None:
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    by.replace(database)


GONE = {
    "moved away": _moved_and_back,
    "deleted": _deleted,
    "replaced": _replaced,
    "without its log of commits": _log_of_commits_deleted,
    "emptied": _emptied,
}


async def missing_files(campaign: Campaign, *, ways: Sequence[str]) -> None:
    """The database goes while csmsd writes to it; it is put back as the manual says, and everything is there."""
    async with campaign.site() as site:
        await site.start()
        async with campaign.fleet(site, CHARGE_POINTS, pause=0.01) as fleet:
            for way in ways:
                await go_on(fleet)
                await GONE[way](site, fleet)
                await go_on(fleet)
                campaign.compare_with_disk(f"the database was {way}", fleet, site)
                campaign.faults["missing files"] += 1
            await campaign.compare_with_csmsctl("missing files", fleet.acknowledged, site)
