"""What operators change while charge points speak: neither undoes the other, in memory or on disk."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.support.control import ControlConnection
from tests.support.site import Site

BOOT = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}


@contextmanager
def held(site: Site) -> Iterator[None]:
    """While another process holds the file nothing is committed."""
    with closing(sqlite3.connect(site.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("COMMIT")


async def begun(control: ControlConnection, method: str, **params: object) -> None:
    """Sends a request and returns when csmsd is at it, which another answer on the same connection tells."""
    await control.line(json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}))
    await control.line('{"jsonrpc":"2.0","id":"sync","method":"charge_point.pending"}')
    assert (await control.receive())["id"] == "sync"


async def test_a_boot_while_a_change_is_on_its_way_to_the_disk(site: Site) -> None:
    charge_point = await site.raw("CP1")
    control = await site.control()
    with held(site):
        await begun(control, "charge_point.set", id="CP1", strict=True, add_labels=["north"], note="level 2")
        await charge_point.frame(2, "boot", "BootNotification", BOOT)
        await charge_point.heartbeat()  # the boot has been taken by now
    assert (await control.receive())["result"]["changed"] is True
    await charge_point.answer_to("boot")
    for _ in range(2):
        shown = (await site.json("cp", "show", "CP1"))["charge_points"][0]
        assert (shown["strict"], shown["labels"], shown["note"]) == (True, ["north"], "level 2")
        assert (shown["vendor"], shown["model"]) == ("Vendor", "Model")
        await site.restart()


async def test_a_boot_while_its_charge_point_is_being_removed(site: Site) -> None:
    charge_point = await site.raw("CP1")
    control = await site.control()
    with held(site):
        await begun(control, "charge_point.remove", id="CP1")
        await charge_point.frame(2, "boot", "BootNotification", BOOT)
        answer = await charge_point.answer_to("boot")
        assert answer[:1] + answer[2:3] == [4, "SecurityError"]
    assert (await control.receive())["result"]["changed"] is True
    assert (await charge_point.closed())[0] == 1008
    assert (await site.json("cp", "list"))["charge_points"] == []
    await site.restart()
    assert (await site.json("cp", "list"))["charge_points"] == []


async def test_a_removal_that_cannot_be_stored_changes_nothing(site: Site) -> None:
    charge_point = await site.raw("CP1")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}
    number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
    site.limit_file_size(4096)
    for arguments in (["cp", "remove", "CP1", "--force"], ["cp", "set", "CP1", "--note", "new"]) * 2:
        assert (await site.csmsctl("--yes", *arguments)).code == 1
    assert (await charge_point.heartbeat())[0] == 3
    shown = (await site.json("cp", "show", "CP1"))["charge_points"][0]
    assert (shown["note"], shown["connected"]) == (None, True)
    assert (await site.json("tx", "show", str(number)))["transactions"][0]["state"] == "active"
    command = asyncio.create_task(site.csmsctl("remote-stop", "CP1"))
    request = await charge_point.asked("RemoteStopTransaction")
    assert request[3] == {"transactionId": number}
    await charge_point.answer(request, {"status": "Accepted"})
    assert (await command).code == 0
    site.limit_file_size(None)


async def test_the_transactions_of_one_that_is_removed_are_kept(site: Site) -> None:
    charge_point = await site.raw("CP1")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}
    number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
    assert (await site.csmsctl("--yes", "cp", "remove", "CP1")).code == 7
    assert (await site.csmsctl("--yes", "cp", "remove", "CP1", "--force")).code == 0
    for _ in range(2):
        kept = (await site.json("tx", "show", str(number)))["transactions"][0]
        assert (kept["state"], kept["flags"]) == ("abandoned", ["id_tag:Invalid", "charge_point_removed"])
        (booked,) = (await site.call("export.transactions"))["transactions"]
        assert (booked["id"], booked["revision"]) == (number, 1)
        assert "It ran for 0 s" in (await site.csmsctl("tx", "explain", str(number))).out  # as far as anybody saw
        await site.restart()
    again = await site.raw("CP1")  # registered anew: the start that it repeats is still the same transaction
    assert (await again.ask("StartTransaction", start))[2]["transactionId"] == number
    stop = {"transactionId": number, "meterStop": 700, "timestamp": "2026-03-01T13:00:00.000Z"}
    assert (await again.ask("StopTransaction", stop))[0] == 3
    (booked,) = (await site.call("export.transactions", after=booked["booking"]))["transactions"]
    assert (booked["energy_wh"], booked["revision"]) == (700, 2)


async def test_what_follows_from_a_removal_is_kept_and_told_with_it(site: Site) -> None:
    charge_point = await site.raw("CP1")
    terms = {"connector": 1, "tag": "A", "expires": "2030-01-01T00:00:00Z"}
    reserving = asyncio.create_task(
        site.call("operation.run", command="reserve-now", targets=["CP1"], parameters=terms, force=True)
    )
    await charge_point.answer(await charge_point.asked("ReserveNow"), {"status": "Accepted"})
    assert (await reserving)["results"][0]["outcome"] == "accepted"
    watcher = await site.watch("reservation.failed", "charge_point.removed")
    await site.call("charge_point.remove", id="CP1")
    events = [(await watcher.notification())["params"] for _ in range(2)]
    assert [event["type"] for event in events] == ["charge_point.removed", "reservation.failed"]
    assert events[1]["data"]["reason"] == "the charge point was removed"
    assert site.stored("SELECT state, reason FROM reservation") == [("failed", "the charge point was removed")]
    (shown,) = (await site.call("reservation.list"))["reservations"]
    assert shown["state"] == "failed"


async def test_two_changes_of_an_id_tag_at_once_both_last(site: Site) -> None:
    await site.json("tag", "add", "LOST")
    first, second = await site.control(), await site.control()
    with held(site):
        await begun(first, "tag.block", id="LOST")
        await begun(second, "tag.set", id="LOST", note="reported by phone")
    assert (await first.receive())["result"]["changed"] is True
    assert (await second.receive())["result"]["changed"] is True
    for _ in range(2):
        (tag,) = (await site.json("tag", "show", "LOST"))["tags"]
        assert (tag["blocked"], tag["note"]) == (True, "reported by phone")
        await site.restart()


async def test_a_stop_while_the_books_are_being_closed(site: Site) -> None:
    """Memory and disk tell the same afterwards, and what the charge point said is to be found."""
    charge_point = await site.raw("CP1")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}
    number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
    control = await site.control()
    with held(site):
        await begun(control, "transaction.close", id=number, reason="gone")
        async with asyncio.timeout(30):  # it looks the transaction up before it is at it
            while (await site.call("status"))["daemon"]["active_transactions"]:
                pass
        assert (await site.call("transaction.show", id=number))["state"] == "active"  # as long as it may still fail
        stop = {"transactionId": number, "meterStop": 6000, "timestamp": "2026-03-01T13:00:00.000Z"}
        await charge_point.frame(2, "stop", "StopTransaction", stop)
        await charge_point.heartbeat()
    assert (await control.receive())["result"]["changed"] is True
    assert (await charge_point.answer_to("stop"))[0] == 3
    (shown,) = (await site.json("tx", "show", str(number)))["transactions"]
    assert site.stored("SELECT state, energy_wh FROM transactions") == [(shown["state"], shown["energy_wh"])]
    (orphan,) = (await site.call("transaction.orphans"))["orphans"]
    assert '"meterStop":6000' in orphan["payload"]


async def test_nothing_is_asked_while_a_boot_waits_for_its_answer(site: Site) -> None:
    charge_point = await site.raw("CP1")
    with held(site):
        await charge_point.frame(2, "boot", "BootNotification", BOOT)
        await charge_point.heartbeat()
        running = asyncio.create_task(site.csmsctl("clear-cache", "CP1"))
        await charge_point.heartbeat()
    answer = await charge_point.answer_to("boot")
    assert answer[2]["status"] == "Accepted"
    request = await charge_point.asked("ClearCache")
    await charge_point.frame(3, request[1], {"status": "Accepted"})
    assert (await running).code == 0


async def test_integers_that_no_row_has_are_a_mistake_of_the_operator(site: Site) -> None:
    enormous = "99999999999999999999"
    for arguments in (
        ["tag", "add", "A", "--max-transactions", enormous],
        ["tx", "list", "--limit", enormous],
        ["tx", "show", enormous],
        ["events", "--after", enormous],
    ):
        ended = await site.csmsctl(*arguments)
        assert ended.code == 2, (arguments, ended.err)
    assert "Traceback" not in site.errors()
