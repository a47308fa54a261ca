"""`kill -9`: nothing that was acknowledged is lost, nothing that is repeated is doubled."""

import asyncio
import random

from tests.support.books import Fleet
from tests.support.charge_point import ChargePoint
from tests.support.site import Site

KILLS = 10  # `make torture` has hundreds


async def test_acknowledgements_survive_kills_at_random_moments(site: Site) -> None:
    fleet = Fleet(site, charge_points=5)
    await fleet.join()
    moments = random.Random()  # never the same twice
    for _ in range(KILLS):
        watched = moments.choice(fleet.charge_points)
        await watched.acknowledgements(moments.randint(1, 12))
        await asyncio.sleep(moments.uniform(0, 0.01))
        await site.kill()
        fleet.up.clear()
        await site.start()
        fleet.up.set()
        fleet.compare()
    await fleet.finish()
    assert all(booking.stopped for charge_point in fleet.charge_points for booking in charge_point.bookings)
    transactions = fleet.compare()
    assert transactions == sum(len(charge_point.bookings) for charge_point in fleet.charge_points)
    assert transactions >= KILLS


async def test_a_stop_after_the_kill_is_booked_on_the_same_transaction_without_a_boot(site: Site) -> None:
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.charge_point("CP1")
    number = (await charge_point.start_transaction("A1B2C3", meter_start=1000)).transaction_id
    await charge_point.meter_values(number, 1600)

    await site.restart()

    running = (await site.json("tx", "list", "--state", "active"))["transactions"]
    assert [(known["id"], known["energy_wh"]) for known in running] == [(number, 600)]
    again = await ChargePoint.connect(site.url("CP1"))  # no BootNotification: OCPP-J 5.4
    await again.meter_values(number, 1900)
    await again.stop_transaction(number, 2500, reason="Remote")
    await again.disconnect()

    booked = (await site.json("tx", "show", str(number)))["transactions"][0]
    assert (booked["state"], booked["energy_wh"], booked["stop_reason"]) == ("stopped", 1500, "Remote")
    assert booked["energy_suspect"] is False
    assert len((await site.json("tx", "list"))["transactions"]) == 1


async def test_a_start_whose_answer_was_lost_gets_its_first_answer_after_the_kill(site: Site) -> None:
    await site.call("tag.add", id="A1B2C3", parent="FAMILY")
    charge_point = await site.charge_point("CP1")
    first = await charge_point.start_transaction("A1B2C3", time="2026-03-01T12:00:00.000Z")
    await site.call("tag.block", id="A1B2C3")

    await site.restart()

    again = await ChargePoint.connect(site.url("CP1"))
    second = await again.start_transaction("A1B2C3", time="2026-03-01T12:00:00.000Z")
    await again.disconnect()
    assert second == first  # the tag is blocked by now: the first answer counts


async def test_readings_whose_answer_was_lost_are_kept_once_after_the_kill(site: Site) -> None:
    """C 4.7: what is not confirmed is sent again, also under a new message id."""
    charge_point = await site.raw("CP1")
    start = {"connectorId": 1, "idTag": "A", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00Z"}
    number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
    values = [
        {"timestamp": f"2026-03-01T12:{minute:02d}:00Z", "sampledValue": [{"value": str(1000 + 100 * minute)}]}
        for minute in (1, 2, 3)
    ]
    sent = {"connectorId": 1, "transactionId": number, "meterValue": values}
    idle = {"connectorId": 2, "meterValue": values[:1]}
    for message in (sent, idle, sent):
        await charge_point.ask("MeterValues", message)
    await site.kill()
    await site.start()
    again = await site.raw("CP1")
    stop = {"transactionId": number, "meterStop": 1500, "timestamp": "2026-03-01T12:30:00Z", "transactionData": values}
    for action, message in (("MeterValues", sent), ("MeterValues", idle), ("StopTransaction", stop)):
        await again.ask(action, message)
    later = {"timestamp": "2026-03-01T12:01:00Z", "sampledValue": [{"value": "1101"}]}  # another value
    await again.ask("MeterValues", sent | {"meterValue": [later]})
    rows = site.stored("SELECT connector, transaction_id, samples FROM meter_value ORDER BY id")
    assert rows == [
        (1, number, '["1100"]'),
        (1, number, '["1200"]'),
        (1, number, '["1300"]'),
        (2, None, '["1100"]'),
        (1, number, '["1101"]'),
    ]
    assert (await site.call("transaction.show", id=number))["energy_wh"] == 500


async def test_everything_is_there_again_after_a_kill(site: Site) -> None:
    await site.call("tag.add", id="A1B2C3", expires_at="2030-01-01T00:00:00Z", max_transactions=2, note="Ms Jones")
    await site.register("CP1", labels=["north"], note="level 2")
    charge_point = await site.charge_point("CP1")
    await charge_point.status("Charging")
    await site.csmsctl("get-configuration", "CP1")
    await site.csmsctl("reset", "CP1", "--type", "soft")
    before = (
        await site.call("tag.list"),
        (await site.call("task.list"))["tasks"],
        (await site.call("charge_point.show", id="CP1"))["configuration"],
        (await site.call("charge_point.list", targets=["@north"]))["charge_points"][0]["connectors"],
    )
    await site.restart()
    after = (
        await site.call("tag.list"),
        (await site.call("task.list"))["tasks"],
        (await site.call("charge_point.show", id="CP1"))["configuration"],
        (await site.call("charge_point.list", targets=["@north"]))["charge_points"][0]["connectors"],
    )
    assert after == before
    assert [task["outcome"] for task in before[1]] == ["accepted", "accepted"]


async def test_a_command_under_way_at_the_kill_is_unknown_and_not_repeated(site: Site) -> None:
    charge_point = await site.raw("CP1")
    command = asyncio.create_task(site.csmsctl("reset", "CP1", "--type", "hard"))
    await charge_point.asked("Reset")
    await site.kill()
    ended = await command
    assert ended.code == 5
    await site.start()

    task = (await site.json("task", "list"))["tasks"][0]
    assert (task["action"], task["state"], task["outcome"]) == ("Reset", "settled", "unknown")
    again = await site.raw("CP1", register=False)
    await site.asked_nothing(again)
