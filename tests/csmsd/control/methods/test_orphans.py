"""Messages that could not be booked: they are a problem until somebody has seen to them."""

from tests.support.charge_point import timestamp
from tests.support.site import Site

STOP = {"transactionId": 4711, "idTag": "NOBODY", "meterStop": 4000}


async def test_what_could_not_be_booked_is_told_until_it_is_settled(site: Site) -> None:
    point = await site.raw("CP1")
    await point.ask("StopTransaction", STOP | {"timestamp": timestamp()})
    await point.ask("MeterValues", {"connectorId": -7, "meterValue": []})

    listed = (await site.json("tx", "orphans"))["orphans"]
    assert [(kept["id"], kept["action"], kept["settlement"]) for kept in listed] == [
        (2, "MeterValues", None),
        (1, "StopTransaction", None),
    ]
    problems = (await site.json("status", "--problems"))["problems"]
    (problem,) = (problem for problem in problems if problem["kind"] == "messages_not_booked")
    assert problem["text"] == "1 StopTransaction and 1 MeterValues could not be booked"
    assert problem["next"] == "csmsctl tx orphans --charge-point CP1"
    assert (await site.csmsctl("check")).code == 1

    assert (await site.csmsctl("tx", "dismiss", "1", "--reason", " ")).code == 2
    assert (await site.csmsctl("tx", "dismiss", "1", "9", "--reason", "x")).code == 3
    assert len((await site.json("tx", "orphans"))["orphans"]) == 2, "all or nothing"
    watcher = await site.watch("message.dismissed")
    done = await site.json("tx", "dismiss", "1", "--reason", "billed by hand")
    assert done["changed"] is True
    assert (await watcher.event("message.dismissed"))["data"]["reason"] == "billed by hand"
    assert (await site.json("tx", "dismiss", "1", "--reason", "again"))["changed"] is False
    assert [kept["id"] for kept in (await site.json("tx", "orphans"))["orphans"]] == [2]
    await site.csmsctl("tx", "dismiss", "2", "--reason", "of no account")
    assert (await site.csmsctl("tx", "orphans")).err == "Everything was booked.\n"
    await site.restart()
    problems = (await site.json("status", "--problems"))["problems"]
    assert "messages_not_booked" not in [problem["kind"] for problem in problems]
    settled = (await site.json("tx", "orphans", "--all"))["orphans"]
    assert [kept["settlement"].partition(": ")[2] for kept in settled] == ["of no account", "billed by hand"]


async def test_orphans_of_a_time_and_a_charge_point(site: Site) -> None:
    for identity in ("CP1", "CP2"):
        point = await site.raw(identity)
        await point.ask("StopTransaction", STOP | {"timestamp": timestamp()})
    assert len((await site.json("tx", "orphans", "--charge-point", "CP2"))["orphans"]) == 1
    assert len((await site.json("tx", "orphans", "--since", "-1h"))["orphans"]) == 2
    assert (await site.json("tx", "orphans", "--until", "-1h"))["orphans"] == []
    assert len((await site.json("tx", "orphans", "--limit", "1"))["orphans"]) == 1


async def test_energy_without_a_transaction_is_a_gap_in_the_report(site: Site) -> None:
    point = await site.raw("CP1")
    for ahead, register in ((-1200, 1000), (-600, 3000), (-60, 3000)):
        value = {"timestamp": timestamp(ahead), "sampledValue": [{"value": str(register)}]}
        await point.ask("MeterValues", {"connectorId": 1, "meterValue": [value]})
    gaps = (await site.json("report", "--since", "-1h"))["gaps"]
    assert [(gap["kind"], gap["energy_wh"], gap["transaction"]) for gap in gaps] == [("unclaimed", 2000, None)]
    assert (await site.json("report", "--since", "-5m"))["gaps"] == []
