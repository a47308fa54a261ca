"""Books that were put back know less than charge points do: they give no id twice, and book no old stop on a new
transaction.
"""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

A_DAY = 1_000_000  # ids of transactions that nobody gives in a day


def at(minute: int) -> str:
    return f"2026-03-01T12:{minute:02d}:00.000Z"


async def started(charge_point: RawChargePoint, connector: int, minute: int) -> int:
    payload = {"connectorId": connector, "idTag": "A1B2C3", "meterStart": 1000, "timestamp": at(minute)}
    return int((await charge_point.ask("StartTransaction", payload))[2]["transactionId"])


async def stop(charge_point: RawChargePoint, number: int, minute: int, meter: int) -> None:
    payload = {"transactionId": number, "idTag": "A1B2C3", "meterStop": meter, "timestamp": at(minute)}
    assert (await charge_point.ask("StopTransaction", payload))[0] == 3


async def reserved(site: Site, charge_point: RawChargePoint) -> int:
    line = ("reserve-now", "CP1", "--tag", "A1B2C3", "--connector", "3", "--expires", "+1h", "--force")
    reserving = asyncio.create_task(site.csmsctl(*line))
    request = await charge_point.asked("ReserveNow")
    await charge_point.answer(request, {"status": "Accepted"})
    assert (await reserving).code == 0
    return int(request[3]["reservationId"])


async def profile(site: Site, name: str) -> int:
    return int((await site.call("profile.add", name=name, limit="16A"))["profile"]["id"])


async def states(site: Site) -> dict[int, tuple[str, int | None]]:
    found = (await site.json("tx", "list"))["transactions"]
    return {known["id"]: (known["state"], known["meter_stop_wh"]) for known in found}


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    made = await make_site()
    await made.call("tag.add", id="A1B2C3")
    return made


def put(site: Site, copy: Path, *, onto: bool) -> None:
    """Puts a copy in the place of the database: over it, or as a new file, which may get the inode of the old one."""
    for suffix in ("-wal", "-shm"):
        site.database.with_name(site.database.name + suffix).unlink(missing_ok=True)
    if not onto:
        site.database.unlink()
    shutil.copyfile(copy, site.database)


async def gone_on_and_put_back(site: Site, copy: Path, *, onto: bool, elsewhere: bool = False) -> None:
    """After the copy was made ids are given; the box is lost; the copy goes on; what is late arrives."""
    charge_point = await site.raw("CP1", register=False)
    running = [number for number, (state, _) in (await states(site)).items() if state == "active"]
    lost = [await started(charge_point, 2, minute) for minute in (10, 11, 12)]
    ids = [await reserved(site, charge_point), await profile(site, "lost")]
    await site.kill()
    put(site, copy, onto=onto)
    if elsewhere:
        for path in site.state.iterdir():
            if path != site.database:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    await site.start()
    assert f"{site.database} was put back" in site.errors()

    charge_point = await site.raw("CP1", register=False)
    # The stop of a transaction that these books never knew; the one that runs in them has the same idTag.
    await stop(charge_point, lost[0], 20, 5000)
    measured = {"timestamp": at(21), "sampledValue": [{"value": "9000"}]}
    await charge_point.ask("MeterValues", {"connectorId": 1, "transactionId": lost[1], "meterValue": [measured]})
    known = await states(site)
    assert set(known) == set(running)
    assert all(state == ("active", None) for state in known.values())
    (orphan,) = (await site.json("tx", "orphans"))["orphans"]
    assert (orphan["action"], f'"transactionId":{lost[0]}' in str(orphan).replace("'", '"').replace(": ", ":")) == (
        "StopTransaction",
        True,
    )
    assert site.stored("SELECT count(*) FROM meter_value WHERE transaction_id IS NOT NULL") == [(0,)]

    new = await started(charge_point, 2, 30)
    assert max(lost) + A_DAY // 2 < new < 2**31 - 1
    assert await reserved(site, charge_point) > ids[0]
    assert await profile(site, "new") > ids[1]
    for number, minute in zip(lost[1:], (22, 23), strict=True):
        await stop(charge_point, number, minute + 20, 6000)
    await stop(charge_point, running[0], 50, 7000)
    after = await states(site)
    assert after[running[0]] == ("stopped", 7000)
    assert after[new] == ("active", None)
    assert len((await site.json("tx", "orphans"))["orphans"]) == 3

    # From here on it is the database of this place: the ids go on.
    await site.restart()
    charge_point = await site.raw("CP1", register=False)
    assert await started(charge_point, 1, 55) == new + 1


@pytest.mark.parametrize("onto", [True, False], ids=["over it", "as a new file"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["on the same box", "on another box"])
async def test_a_backup(site: Site, onto: bool, elsewhere: bool) -> None:
    charge_point = await site.raw("CP1")
    await started(charge_point, 1, 1)
    await charge_point.disconnect()
    copy = site.directory / "backup.db"
    assert (await site.csmsctl("backup", str(copy))).code == 0
    await gone_on_and_put_back(site, copy, onto=onto, elsewhere=elsewhere)


@pytest.mark.parametrize("onto", [True, False], ids=["over it", "as a new file"])
async def test_a_copy_that_does_not_know_that_it_is_one(site: Site, onto: bool) -> None:
    """A replica, say: made beside csmsd, and put back within the run that it is from."""
    charge_point = await site.raw("CP1")
    await started(charge_point, 1, 1)
    await charge_point.disconnect()
    copy = site.directory / "replica.db"
    with closing(sqlite3.connect(site.database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    if onto:  # by its inode it is the same: what was noted since tells it
        first = await site.raw("CP1", register=False)
        await started(first, 3, 2)
        await first.disconnect()
        await site.call("transaction.close", id=2, reason="x")
        await site.stop()
        await site.start()
    await gone_on_and_put_back(site, copy, onto=onto)


async def test_an_ordinary_restart_goes_on_where_it_was(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert await started(charge_point, 1, 1) == 1
    await site.restart()
    charge_point = await site.raw("CP1", register=False)
    assert await started(charge_point, 2, 2) == 2
    assert await site.stop() == 0
    await site.start()
    charge_point = await site.raw("CP1", register=False)
    assert await started(charge_point, 3, 3) == 3
    assert "put back" not in site.errors()


async def test_it_is_told_to_those_who_watch(site: Site) -> None:
    copy = site.directory / "backup.db"
    assert (await site.csmsctl("backup", str(copy))).code == 0
    await site.kill()
    put(site, copy, onto=False)
    await site.start()
    events: Any = (await site.call("event.list", types=["store.restored"]))["events"]
    assert [event["data"] for event in events] == [{"because": "it was made as a copy"}]
