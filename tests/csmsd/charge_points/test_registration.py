"""Accepted, Pending, Rejected, and never booted (C 4.2, JE 3.8, J 5.4)."""

import asyncio

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def test_before_its_first_boot_nothing_else_is_taken(site: Site) -> None:
    charge_point = await site.raw("CP1", boot=False)
    for action, payload in (("Heartbeat", {}), ("StatusNotification", STATUS), ("Authorize", {"idTag": "A"})):
        answer = await charge_point.ask(action, payload)
        assert answer[:1] + answer[2:3] == [4, "SecurityError"], action
    await charge_point.boot()
    assert (await charge_point.ask("StatusNotification", STATUS))[0] == 3


async def test_one_that_was_accepted_once_need_not_boot_again(site: Site) -> None:
    await (await site.raw("CP1")).disconnect()
    await site.restart()
    again = await site.raw("CP1", boot=False)
    assert (await again.ask("StatusNotification", STATUS))[0] == 3
    assert (await again.heartbeat())[0] == 3


async def test_pending_may_be_configured_but_not_started(site: Site) -> None:
    assert (await site.csmsctl("cp", "add", "CP1", "--registration", "pending")).code == 0
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.raw("CP1", boot=False)
    answer = (await charge_point.boot())[2]
    assert (answer["status"], answer["interval"]) == ("Pending", 60)
    assert (await charge_point.heartbeat())[2] == "SecurityError"

    configured = asyncio.create_task(site.csmsctl("get-configuration", "CP1"))
    await charge_point.answer(await charge_point.asked("GetConfiguration"), {"configurationKey": []})
    assert (await configured).code == 0

    started = await site.csmsctl("remote-start", "CP1", "--tag", "A1B2C3")
    assert started.code == 7
    assert "Pending" in started.out + started.err
    await site.asked_nothing(charge_point)

    assert (await site.csmsctl("cp", "accept", "CP1")).code == 0
    assert (await charge_point.boot())[2]["status"] == "Accepted"  # on the same connection
    assert (await charge_point.heartbeat())[0] == 3


async def test_a_pending_charge_point_may_send_what_it_was_asked_for(site: Site) -> None:
    await site.register("CP1", registration="Pending")
    charge_point = await site.raw("CP1", register=False, boot=False)
    await charge_point.boot()
    triggered = asyncio.create_task(site.csmsctl("trigger-message", "CP1", "--message", "StatusNotification"))
    await charge_point.answer(await charge_point.asked("TriggerMessage"), {"status": "Accepted"})
    assert (await triggered).code == 0
    assert (await charge_point.ask("StatusNotification", STATUS))[0] == 3


async def test_rejected_is_sent_nothing(site: Site) -> None:
    assert (await site.csmsctl("cp", "add", "CP1", "--registration", "rejected")).code == 0
    charge_point = await site.raw("CP1", boot=False)
    assert (await charge_point.boot())[2]["status"] == "Rejected"
    assert (await charge_point.heartbeat())[2] == "SecurityError"
    refused = await site.csmsctl("reset", "CP1", "--type", "soft")
    assert refused.code == 7
    assert "Rejected" in refused.out + refused.err
    await site.asked_nothing(charge_point)


async def test_changing_the_registration_ends_the_connection(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert (await site.csmsctl("cp", "set", "CP1", "--registration", "rejected")).code == 0
    assert (await charge_point.closed())[0] == 1008
    again = await RawChargePoint.connect(site.url("CP1"))
    assert (await again.heartbeat())[2] == "SecurityError"
    assert (await again.boot())[2]["status"] == "Rejected"
    await again.disconnect()
