"""Reservations with a real csmsd, csmsctl and a charge point that we did not write."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.v16 import call
from ocpp.v16.enums import ChargePointStatus

from tests.support.charge_point import timestamp
from tests.support.site import Site


async def the_one(site: Site, number: int = 1) -> Any:
    return (await site.json("reservation", "show", str(number)))["reservations"][0]


async def test_reserved_and_used(site: Site) -> None:
    """TC_046, TC_053"""
    await site.call("tag.add", id="A1B2C3", parent="FAMILY")
    await site.call("tag.add", id="D4E5F6", parent="FAMILY")
    charge_point = await site.charge_point("CP1")
    watcher = await site.watch("reservation.reserved", "reservation.used")

    ended = await site.csmsctl(
        *("reserve-now", "CP1", "--connector", "1", "--tag", "A1B2C3", "--parent-tag", "FAMILY", "--expires", "+30m")
    )
    assert ended.code == 0, ended
    asked = await charge_point.request("ReserveNow")
    assert (asked["connector_id"], asked["id_tag"], asked["parent_id_tag"]) == (1, "A1B2C3", "FAMILY")
    assert asked["reservation_id"] == 1
    await charge_point.status(ChargePointStatus.reserved)
    assert (await watcher.event("reservation.reserved"))["data"]["id_tag"] == "A1B2C3"
    listed = await site.csmsctl("reservation", "list", "--state", "reserved")
    assert "A1B2C3" in listed.out

    authorized = await charge_point.ask(call.Authorize(id_tag="D4E5F6"))
    assert authorized.id_tag_info == {"status": "Accepted", "parent_id_tag": "FAMILY"}
    started = await charge_point.ask(
        call.StartTransaction(
            connector_id=1,
            id_tag="D4E5F6",
            meter_start=0,
            timestamp=timestamp(),
            reservation_id=asked["reservation_id"],
        )
    )
    assert (await watcher.event("reservation.used"))["data"]["transaction"] == started.transaction_id
    shown = await the_one(site)
    assert (shown["state"], shown["transaction"]) == ("used", started.transaction_id)
    transaction = (await site.json("tx", "show", str(started.transaction_id)))["transactions"][0]
    assert transaction["reservation"] == 1


async def test_it_expires_by_itself_and_survives_a_restart(site: Site) -> None:
    """TC_047"""
    await site.call("tag.add", id="A1B2C3")
    await site.charge_point("CP1")
    await site.json("reserve-now", "CP1", "--connector", "1", "--tag", "A1B2C3", "--expires", "+1h", "--id", "7")
    await site.restart()
    assert (await the_one(site, 7))["state"] == "reserved"

    charge_point = await site.charge_point("CP1")
    watcher = await site.watch("reservation.expired")
    end = datetime.now(UTC) + timedelta(seconds=3)
    await site.call(
        "operation.run",
        command="reserve-now",
        parameters={"connector": 2, "tag": "A1B2C3", "expires": end.isoformat(), "id": 7},
        targets=["CP1"],
    )
    assert (await charge_point.request("ReserveNow"))["connector_id"] == 2
    assert (await watcher.event("reservation.expired"))["data"]["reservation"] == 7
    assert datetime.now(UTC) >= end
    assert (await the_one(site, 7))["state"] == "expired"


async def test_cancelled(site: Site) -> None:
    """TC_051, TC_052"""
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.charge_point("CP1")
    await site.json("reserve-now", "CP1", "--connector", "1", "--tag", "A1B2C3", "--expires", "+1h")
    assert (await site.csmsctl("cancel-reservation", "CP1", "--id", "99")).code == 3

    charge_point.answers["CancelReservation"] = {"status": "Rejected"}
    assert (await site.csmsctl("cancel-reservation", "CP1", "--id", "99", "--force")).code == 7
    assert await charge_point.request("CancelReservation") == {"reservation_id": 99}
    assert (await the_one(site))["state"] == "reserved"

    charge_point.answers.clear()
    assert (await site.csmsctl("cancel-reservation", "CP1", "--id", "1")).code == 0
    assert (await the_one(site))["state"] == "cancelled"


async def test_refused_or_out_of_reach(site: Site) -> None:
    """TC_048"""
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.charge_point("CP1")
    words = ("reserve-now", "CP1", "--connector", "1", "--tag", "A1B2C3", "--expires", "+1h")
    for number, status in enumerate(("Faulted", "Occupied", "Unavailable", "Rejected"), 1):
        charge_point.answers["ReserveNow"] = {"status": status}
        assert (await site.csmsctl(*words)).code == 7
        shown = await the_one(site, number)
        assert (shown["state"], shown["reason"]) == ("failed", status)
    charge_point.answers.clear()
    await site.json(*words)
    await charge_point.status(ChargePointStatus.faulted)
    assert (await the_one(site, 5))["reason"] == "connector 1 is Faulted"
    await charge_point.disconnect()
    assert (await site.csmsctl(*words)).code == 6
    assert (await the_one(site, 6))["reason"] == "not connected"
    assert (await site.csmsctl("reservation", "show", "77")).code == 3


async def test_what_a_crash_leaves(site: Site) -> None:
    """Recorded before it is sent: a charge point that never answered is known to have been asked."""
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.raw("CP1")
    control = await site.control()
    parameters = {"connector": 1, "tag": "A1B2C3", "expires": "2099-01-01T00:00:00Z"}
    run = {"command": "reserve-now", "parameters": parameters, "targets": ["CP1"]}
    await control.line(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "operation.run", "params": run}))
    assert (await charge_point.asked("ReserveNow"))[3]["reservationId"] == 1
    await site.restart()
    assert (await the_one(site))["state"] == "requested"
    again = await site.raw("CP1", register=False)
    start = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": timestamp(), "reservationId": 1}
    answer = await again.ask("StartTransaction", start)
    assert (await the_one(site))["transaction"] == answer[2]["transactionId"]
