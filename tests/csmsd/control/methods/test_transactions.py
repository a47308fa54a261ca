"""Transactions as operators list and close them, and what could not be booked."""

from typing import Any

import pytest

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


def start(connector: int = 1, tag: str = "A1", at: str = "2026-03-01T12:00:00Z", meter: int = 1000) -> dict[str, Any]:
    return {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at}


async def begin(point: RawChargePoint, **fields: Any) -> int:
    number = (await point.ask("StartTransaction", start(**fields)))[2]["transactionId"]
    assert isinstance(number, int)
    return number


async def end(point: RawChargePoint, number: int, at: str, meter: int = 2000) -> None:
    await point.ask("StopTransaction", {"transactionId": number, "meterStop": meter, "timestamp": at})


async def numbers(site: Site, **narrowed: Any) -> list[int]:
    return [known["id"] for known in (await site.call("transaction.list", **narrowed))["transactions"]]


async def test_a_list_is_narrowed_by_what_it_is_asked_for(site: Site) -> None:
    for tag in ("A1", "B2"):
        await site.call("tag.add", id=tag)
    one, two = await site.raw("CP1"), await site.raw("CP2")
    first = await begin(one, at="2026-03-01T12:00:00Z")
    await end(one, first, "2026-03-01T13:00:00Z")
    second = await begin(two, tag="B2", at="2026-03-02T12:00:00Z")
    third = await begin(one, at="2026-03-03T12:00:00Z")
    for narrowed, found in (
        ({}, [third, second, first]),
        ({"charge_point": "cp1"}, [third, first]),
        ({"tag": "b2"}, [second]),
        ({"state": "stopped"}, [first]),
        ({"state": "active"}, [third, second]),
        ({"since": "2026-03-02T12:00:00Z"}, [third, second]),
        ({"since": "2026-03-02T12:00:00.001Z"}, [third]),
        ({"until": "2026-03-02T12:00:00Z"}, [first]),
        ({"stopped_since": "2026-03-01T13:00:00Z"}, [first]),
        ({"stopped_until": "2026-03-01T13:00:00Z"}, []),
        ({"limit": 1}, [third]),
        ({"limit": 0}, [third, second, first]),
        ({"before_id": second}, [first]),
        ({"charge_point": "CP2", "state": "stopped"}, []),
    ):
        assert await numbers(site, **narrowed) == found, narrowed


@pytest.mark.parametrize("field", ["since", "until", "stopped_since", "stopped_until"])
async def test_what_is_no_time_is_refused(shared_site: Site, field: str) -> None:
    assert await shared_site.refused("transaction.list", **{field: "noon"}) == (2, "'noon' is no time.")


@pytest.mark.parametrize("fields", [{"state": "done"}, {"limit": -1}, {"before_id": "1"}, {"id": 1}, {"limit": 2**63}])
async def test_what_is_no_parameter_is_refused(shared_site: Site, fields: dict[str, Any]) -> None:
    assert (await shared_site.refused("transaction.list", **fields))[0] == -32602


@pytest.mark.parametrize("method", ["show", "meter", "energy", "explain", "close"])
async def test_one_that_is_not_there(shared_site: Site, method: str) -> None:
    more = {"reason": "gone"} if method == "close" else {}
    assert await shared_site.refused(f"transaction.{method}", id=4711, **more) == (3, "No transaction 4711.")


async def test_closing_wants_a_reason_and_something_to_close(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    stopped, running = await begin(point), await begin(point, connector=2)
    await end(point, stopped, "2026-03-01T13:00:00Z")
    for reason in ("", "  \n"):
        assert await site.refused("transaction.close", id=running, reason=reason) == (
            2,
            "Closing a transaction needs a reason.",
        )
    assert await site.refused("transaction.close", id=stopped, reason="late") == (
        7,
        f"Transaction {stopped} was stopped at 2026-03-01T13:00:00.000Z; its books are closed.",
    )
    assert await numbers(site, state="active") == [running]


async def test_a_closed_one_is_closed_once_by_somebody_for_a_reason(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    number = await begin(point)
    reading = {"timestamp": "2026-03-01T12:30:00Z", "sampledValue": [{"value": "1700"}]}
    await point.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [reading]})
    watcher = await site.watch("transaction.closed")
    user = (await site.call("daemon.info"))["peer"]["user"]
    reason = " unplugged, " + "x" * 1000
    closed = (await site.call("transaction.close", id=number, reason=reason))["transaction"]
    assert (closed["state"], closed["energy_wh"], closed["meter_stop_wh"]) == ("closed", 700, 1700)
    assert closed["note"] == f"closed by {user}: {reason.strip()}"[:500]
    told = (await watcher.event("transaction.closed", "CP1"))["data"]
    assert (told["transaction"], told["reason"], told["by"]) == (number, reason.strip(), user)
    again = await site.call("transaction.close", id=number, reason="again")
    assert (again["changed"], again["transaction"]) == (False, closed)
    booked = (await site.call("export.transactions"))["transactions"]
    assert [(known["id"], known["energy_wh"]) for known in booked] == [(number, 700)]
    assert (await site.call("tag.show", id="A1"))["active_transactions"] == 0


async def test_what_cannot_be_stored_is_not_closed(site: Site) -> None:
    await site.call("tag.add", id="A1")
    number = await begin(await site.raw("CP1"))
    site.limit_file_size(4096)
    code, text = await site.refused("transaction.close", id=number, reason="late")
    assert (code, "could not be stored" in text) == (1, True)
    site.limit_file_size(None)
    assert await numbers(site, state="active") == [number]


async def test_readings_come_in_their_order_and_as_many_as_are_asked_for(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    number = await begin(point)
    for minute in (10, 20, 30):
        reading = {"timestamp": f"2026-03-01T12:{minute}:00Z", "sampledValue": [{"value": str(1000 + minute)}]}
        await point.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [reading]})
    found = (await site.call("transaction.meter", id=number))["meter_values"]
    assert [value["time"][11:16] for value in found] == ["12:10", "12:20", "12:30"]
    newest = (await site.call("transaction.meter", id=number, limit=1))["meter_values"]
    assert newest == [found[-1]]
    energy = await site.call("transaction.energy", id=number)
    assert [(point["time"][11:16], point["energy_wh"]) for point in energy["energy"]] == [
        ("12:10", 10),
        ("12:20", 20),
        ("12:30", 30),
    ]


async def test_what_could_not_be_booked_is_kept_with_its_reason(site: Site) -> None:
    point = await site.raw("CP1")
    payload = {"transactionId": 4711, "meterStop": 5, "timestamp": "2026-03-01T13:00:00Z"}
    assert (await point.ask("StopTransaction", payload))[0] == 3
    (kept,) = (await site.call("transaction.orphans", charge_point="cp1"))["orphans"]
    assert (kept["charge_point"], kept["action"]) == ("CP1", "StopTransaction")
    assert "4711" in str(kept["payload"])
    assert kept["reason"]
    assert (await site.call("transaction.orphans", charge_point="CP2"))["orphans"] == []
