"""What goes to the bookkeeper: exports, reports, backups; and what is let go of in the end."""

import asyncio
import csv
import io
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.support.charge_point import timestamp
from tests.support.control import ControlConnection, ControlError
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.wire import WAIT


async def started(charge_point: RawChargePoint, connector: int = 1, *, meter: int = 1000, **fields: object) -> int:
    request = {"connectorId": connector, "idTag": "TAG1", "meterStart": meter, "timestamp": timestamp(), **fields}
    number = (await charge_point.ask("StartTransaction", request))[2]["transactionId"]
    assert isinstance(number, int)
    return number


async def stopped(charge_point: RawChargePoint, number: int, meter: int, **fields: object) -> None:
    request = {"transactionId": number, "meterStop": meter, "timestamp": timestamp(), **fields}
    assert (await charge_point.ask("StopTransaction", request))[0] == 3


async def charged(charge_point: RawChargePoint, day: int, meter: int = 1500) -> int:
    """A transaction of that day in November from 10 to 11 o'clock, from 1000 Wh to `meter`, told now."""
    number = await started(charge_point, timestamp=f"2026-11-{day:02}T10:00:00Z")
    await stopped(charge_point, number, meter, timestamp=f"2026-11-{day:02}T11:00:00Z")
    return number


async def export(site: Site, cursor: Path) -> list[tuple[int, str, int]]:
    """(id, state, revision) of what an export with that cursor writes."""
    ended = await site.csmsctl("export", "transactions", "--after-cursor", str(cursor))
    assert ended.code == 0, ended
    rows = csv.DictReader(io.StringIO(ended.out))
    return [(int(row["id"]), row["state"], int(row["revision"])) for row in rows]


async def test_exports_with_a_cursor(site: Site) -> None:
    charge_point = await site.raw("CP1")
    cursor = site.directory / "cursor"
    assert await export(site, cursor) == []
    first = await charged(charge_point, 2)
    open_one = await started(charge_point, 2)
    assert await export(site, cursor) == [(first, "stopped", 1)]
    assert await export(site, cursor) == []

    # Given up, and closed by the operator: it comes again, marked. What is delivered late comes, too.
    successor = await started(charge_point, 2, meter=5000)
    assert await export(site, cursor) == [(open_one, "abandoned", 1)]
    assert (await site.csmsctl("tx", "close", str(open_one), "--reason", "test", "--yes")).code == 0
    late = await charged(charge_point, 1)
    assert await export(site, cursor) == [(open_one, "closed", 2), (late, "stopped", 1)]

    # The numbers go on after a restart, and are those that are on disk.
    await site.restart()
    assert await export(site, cursor) == []
    charge_point = await site.raw("CP1")
    await stopped(charge_point, successor, 6000)
    assert await export(site, cursor) == [(successor, "stopped", 1)]
    assert site.stored("SELECT number FROM milestone WHERE name = 'export'") == [(5,)]


async def test_a_cursor_does_not_fit_books_that_were_put_back(make_site: MakeSite) -> None:
    site = await make_site()
    charge_point = await site.raw("CP1")
    await charged(charge_point, 2)
    assert await site.stop() == 0
    shutil.copy(site.database, site.directory / "backup.db")
    await site.start()
    charge_point = await site.raw("CP1")
    await started(charge_point, 2)
    await charged(charge_point, 3)
    cursor = site.directory / "cursor"
    assert len(await export(site, cursor)) == 2
    assert await site.stop() == 0
    shutil.copy(site.directory / "backup.db", site.database)
    await site.start()
    before = cursor.read_text()
    for day in (4, 5):  # numbers that are not given yet, then numbers that are others'
        ended = await site.csmsctl("export", "transactions", "--after-cursor", str(cursor))
        assert ended.code == 1
        assert "was a backup restored?" in ended.err
        assert cursor.read_text() == before
        charge_point = await site.raw("CP1")
        await stopped(charge_point, await started(charge_point, 3), 2000)
        await charged(charge_point, day)
    assert json.loads(before)["booking"] == 2


async def test_a_cursor_does_not_fit_a_transaction_that_ended_anew_after_others(make_site: MakeSite) -> None:
    """It ran in the backup that was put back: its old number is another's now, and what lies between was not seen."""
    site = await make_site()
    charge_point = await site.raw("CP1")
    running = await started(charge_point, 2)
    assert await site.stop() == 0
    shutil.copy(site.database, site.directory / "backup.db")
    await site.start()
    charge_point = await site.raw("CP1")
    await stopped(charge_point, running, 2000)
    cursor = site.directory / "cursor"
    assert await export(site, cursor) == [(running, "stopped", 1)]
    assert await site.stop() == 0
    shutil.copy(site.directory / "backup.db", site.database)
    await site.start()
    charge_point = await site.raw("CP1")
    await charged(charge_point, 2)
    assert (await site.csmsctl("tx", "close", str(running), "--reason", "restored", "--yes")).code == 0
    ended = await site.csmsctl("export", "transactions", "--after-cursor", str(cursor))
    assert (ended.code, ended.out.count("\n")) == (1, 1)  # the names of the columns
    assert "was a backup restored?" in ended.err


async def test_a_report_with_prices_by_the_time_of_day(site: Site) -> None:
    await site.call("tag.add", id="TAG1", parent="FLEET")
    charge_point = await site.raw("CP1")
    number = await started(charge_point, timestamp="2026-11-02T21:00:00Z")
    for time, register in (("22:00", 10_000), ("22:30", 9000)):  # the first of the two was too high
        value = {"timestamp": f"2026-11-02T{time}:00Z", "sampledValue": [{"value": str(register)}]}
        await charge_point.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
    await stopped(charge_point, number, 11_000, timestamp="2026-11-02T23:00:00Z")
    running = await started(charge_point, 2, timestamp="2026-11-30T23:59:00Z")
    tariff = site.directory / "tariff.toml"
    tariff.write_text(
        'currency = "EUR"\n[[tariffs]]\nper_kwh = 0.5\n[[tariffs.bands]]\nfrom = "22:00"\nto = "06:00"\nper_kwh = 0.1\n'
    )
    report = await site.json("report", "--month", "2026-11", "--utc", "--by", "parent", "--tariff", str(tariff))
    # Suspect for the register's step back; 8 kWh until 22:30 at most, so 8 by day and 2 by night.
    [line] = report["groups"]
    assert (line["key"], line["transactions"], line["suspect_energy_wh"]) == ("FLEET", 0, 10_000)
    assert line["suspect_cost"] == "4.20"
    assert [(gap["transaction"], gap["kind"]) for gap in report["gaps"]] == [(number, "suspect"), (running, "active")]
    none = await site.json("report", "--month", "2026-10", "--utc")
    assert (none["groups"], none["gaps"]) == ([], [])


async def test_a_backup_under_load_is_checked_and_put_back(site: Site) -> None:
    charge_point = await site.raw("CP1")
    known = await charged(charge_point, 2)
    going_on = asyncio.create_task(charge_on(charge_point))
    aged = ("check", "--critical", "backup_age=1h", "--ignore", "meter_values_missing")
    assert "there is no backup" in (await site.csmsctl(*aged)).out
    directory = site.directory / "backups"
    directory.mkdir()
    await site.register("CP2")
    queued = (await site.json("reset", "CP2", "--type", "soft", "--queue", "1h"))["results"][0]["task"]
    for _ in range(3):
        made = await site.csmsctl("backup", str(directory / "now.db"), "--force")
        assert made.code == 0, made
        assert "Written: " in made.err
    checked = await site.csmsctl(*aged)
    assert checked.code in (0, 1), checked  # the disk of whoever runs this may be nearly full
    assert "1 of 2 charge points connected" in checked.out
    assert "backup_age=" in checked.out
    assert "last_commit=" in checked.out
    backup = directory / "now.db"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert (await site.json("daemon", "info"))["books"]["backup"]["number"] == backup.stat().st_size
    refused = await site.csmsctl("backup", str(backup))
    assert refused.code == 2
    assert "--force" in refused.err
    assert (await site.csmsctl("backup", str(directory))).code == 0
    assert len(list(directory.glob("csms-*Z.db"))) == 1
    going_on.cancel()
    assert await site.stop() == 0
    assert not list(site.state.glob("*.copy*"))

    # No daemon is needed to look at it, and one starts on it.
    verdict = await site.json("backup", "verify", str(backup))
    assert (verdict["good"], verdict["problems"]) == (True, [])
    assert verdict["counts"]["transactions"] > 1
    for file in site.state.glob("csms.db*"):
        file.unlink()
    shutil.copy(backup, site.database)
    await site.start()
    assert (await site.json("tx", "show", str(known)))["transactions"][0]["energy_wh"] == 500
    assert len((await site.json("tx", "list", "--limit", "0"))["transactions"]) == verdict["counts"]["transactions"]
    # It may have been sent since the backup, or been recalled: it is not sent from there.
    task = (await site.json("task", "show", str(queued)))["tasks"][0]
    assert (task["state"], task["outcome"]) == ("settled", "not_sent")
    later = await site.raw("CP2", register=False)
    await site.asked_nothing(later, "CP2")

    backup.write_bytes(b"no database")
    bad = await site.csmsctl("backup", "verify", str(backup))
    assert bad.code == 1
    assert "no SQLite database" in bad.err


async def charge_on(charge_point: RawChargePoint, connector: int = 2) -> None:
    while True:
        number = await started(charge_point, connector)
        for register in range(1000, 1100, 10):
            value = {"timestamp": timestamp(), "sampledValue": [{"value": str(register)}]}
            await charge_point.ask(
                "MeterValues", {"connectorId": connector, "transactionId": number, "meterValue": [value]}
            )
        await stopped(charge_point, number, 1100)


async def test_a_backup_whose_operator_went_away_leaves_nothing(site: Site) -> None:
    async with await ControlConnection.open(site.socket) as operator:
        name = (await operator.call("backup.begin"))["backup"]
        with pytest.raises(ControlError, match="Another backup"):
            await site.call("backup.begin")
        while not (await operator.call("backup.wait", backup=name))["made"]:
            pass
        assert (site.state / "csms.db.copy").exists()
    async with asyncio.timeout(WAIT):
        while (site.state / "csms.db.copy").exists():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
    assert (await site.call("daemon.info"))["books"]["backup"] is None


async def test_pruning_while_a_car_charges(make_site: MakeSite) -> None:
    site = await make_site()
    charge_point = await site.raw("CP1")
    old = await charged(charge_point, 2)
    await charged(charge_point, 3)
    running = await started(charge_point, 2)
    assert await site.stop() == 0
    with closing(sqlite3.connect(site.database)) as years_later:
        years_later.execute("UPDATE transactions SET stop_received_at = 0, stop_time = 0 WHERE state = 'stopped'")
        years_later.commit()
    site.write_settings({"retention": {"transactions_days": 365}})
    await site.start()
    charge_point = await site.raw("CP1")
    await stopped(charge_point, await started(charge_point, 3), 2000)
    going_on = asyncio.create_task(charge_on(charge_point, connector=3))
    try:
        planned = await site.json("prune", "--dry-run")
        assert [(one["rows"], one["kept_unexported"]) for one in planned["prune"]] == [(0, 2)]
        await export(site, site.directory / "cursor")
        refused = await site.csmsctl("prune")
        assert refused.code == 10
        assert "2 transactions will be removed" in refused.err
        pruned = await site.json("prune", "--yes")
        assert [(one["kind"], one["removed"]) for one in pruned["pruned"]] == [("transactions", 2)]
    finally:
        going_on.cancel()
    assert (await site.csmsctl("tx", "show", str(old))).code == 3
    assert (await site.json("daemon", "info"))["books"]["prune"]["number"] == 2

    # What a charge point still says of the one that is gone is confirmed, and the car charges on.
    value = {"timestamp": timestamp(), "sampledValue": [{"value": "1700"}]}
    late = {"connectorId": 1, "transactionId": old, "meterValue": [value]}
    assert (await charge_point.ask("MeterValues", late))[0] == 3
    await stopped(charge_point, old, 1500)
    assert site.stored("SELECT count(*) FROM transactions WHERE id = ?", old) == [(0,)]
    await stopped(charge_point, running, 3000)
    assert (await site.json("tx", "show", str(running)))["transactions"][0]["state"] == "stopped"
    nothing = await site.csmsctl("prune", "tasks")
    assert nothing.code == 2
    assert "retention.tasks_days" in nothing.err
