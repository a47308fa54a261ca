"""Power cuts: csmsd is recorded while it works, and started on what a power cut would have left at any moment."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tests.support.acknowledged import Acknowledged, BooksFound
from tests.support.disk_shim import WatchedDisk
from tests.support.power_cut import MANNERS, Recording
from tests.support.site import Site
from tests.torture.report import Campaign

CHARGE_POINTS = 3


async def power_cuts(campaign: Campaign, *, images: int, recordings: int, acknowledgements: int, starts: int) -> None:
    """So many recordings of so many acknowledgements, and images of each; csmsd is started on some of these."""
    for number in range(recordings):
        with tempfile.TemporaryDirectory(prefix="csms-power-") as place:
            acknowledged, recording, begun = await _recorded(campaign, Path(place), acknowledgements)
            moments = [moment for moment in recording.moments if moment >= begun]
            cuts = sorted(campaign.chance.choices(moments, k=images // recordings))
            started = set(campaign.chance.sample(range(len(cuts)), starts // recordings))
            for which, moment in enumerate(cuts):
                recording.go_on(moment)
                manner = campaign.chance.choice(MANNERS)
                fault = f"power cut {manner!r} at {moment} of recording {number}"
                image = Path(place) / "image"
                recording.leave(image, manner, campaign.chance)
                held = [one for one in acknowledged if one.moment <= moment]
                if which in started:
                    await _start_on(campaign, image, held, fault)
                _look_into(campaign, image / "csms.db", held, fault)
                campaign.faults["power cuts"] += 1
                shutil.rmtree(image)


async def _recorded(campaign: Campaign, place: Path, wanted: int) -> tuple[list[Acknowledged], Recording, int]:
    """What was acknowledged, the journal of the disk, and where in it the load began."""
    async with campaign.site() as site:
        disk = WatchedDisk(place, site.state, journal=True)
        site.variables = disk.variables
        await site.start()
        async with campaign.fleet(site, CHARGE_POINTS, moment=disk.noted) as fleet:
            begun = disk.noted()
            for charge_point in fleet.charge_points:
                await charge_point.acknowledgements(wanted // CHARGE_POINTS)
            await site.kill()
        return fleet.acknowledged, Recording(disk.journal), begun


def _look_into(campaign: Campaign, database: Path, held: list[Acknowledged], fault: str) -> None:
    """As SQLite recovers it, and as it stands then."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        campaign.must(found == "ok", f"after {fault}: {found}")
        campaign.compare(fault, held, BooksFound.on_disk(database))
    except sqlite3.Error as error:
        campaign.lost.append(f"after {fault}: {len(held)} acknowledged messages: {error}")


async def _start_on(campaign: Campaign, image: Path, held: list[Acknowledged], fault: str) -> None:
    """What is said again is not booked again, and operators see what was acknowledged."""
    async with campaign.site() as site:
        shutil.copytree(image, site.state)
        await site.start()
        await campaign.compare_with_csmsctl(fault, held, site)
        await _say_again(site, held)
        campaign.compare(f"{fault}, said again", held, BooksFound.on_disk(site.database))


async def _say_again(site: Site, held: list[Acknowledged]) -> None:
    """As charge points do that never saw the last answers."""
    for identity in sorted({one.charge_point for one in held}):
        charge_point = await site.raw(identity, register=False)
        for one in [one for one in held if one.charge_point == identity][-4:]:
            answer = await charge_point.ask(one.action, one.payload)
            assert answer[0] == 3, answer
