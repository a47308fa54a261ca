"""Texts that are meant for somebody else: for a log, for SQL, for whoever believes a header."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

LINE = "x\nERROR csmsd.daemon: forged\r\nERROR forged\u2028ERROR forged\x1b[2K"
SQL = "'; DROP TABLE transactions; --"
TIME = "2026-03-01T12:00:00.000Z"


async def booted(site: Site, identity: str) -> RawChargePoint:
    """One that its test closes: the site is for all of them."""
    await site.register(identity)
    charge_point = await RawChargePoint.connect(site.url(identity))
    await charge_point.boot()
    return charge_point


async def test_no_text_of_a_charge_point_makes_a_line_of_the_log(shared_site: Site) -> None:
    charge_point = await booted(shared_site, "LINES")
    for action, payload in (
        (LINE, {}),
        ("BootNotification", {"chargePointVendor": LINE, "chargePointModel": LINE, "firmwareVersion": LINE}),
        ("StatusNotification", {"connectorId": 1, "status": LINE, "errorCode": LINE, "info": LINE, "timestamp": LINE}),
        ("StartTransaction", {"connectorId": 1, "idTag": LINE, "meterStart": 1, "timestamp": LINE}),
        ("StopTransaction", {"transactionId": 99, "meterStop": LINE, "timestamp": LINE, "reason": LINE}),
        ("DataTransfer", {"vendorId": LINE, "messageId": LINE, "data": LINE}),
        ("FirmwareStatusNotification", {"status": LINE}),
    ):
        await charge_point.ask(action, payload)
    await charge_point.send(f'[4,"{LINE}"')
    await charge_point.heartbeat()
    await charge_point.disconnect()
    with pytest.raises(InvalidStatus):
        await RawChargePoint.connect(shared_site.url(quote(LINE)))
    with pytest.raises(InvalidStatus):
        await RawChargePoint.connect(shared_site.url("NOBODY"), headers={"Origin": "http://forged"})
    assert not [line for line in shared_site.errors().splitlines() if line.lstrip("\x1b[2K").startswith("ERROR")]
    for command in ("status", "cp list", "cp show LINES", "cp pending", "tx list", "tx orphans", "log", "events"):
        ended = await shared_site.csmsctl(*command.split(), "--no-pager")
        assert not [line for line in ended.out.splitlines() if line.startswith("ERROR")], command
        assert "\x1b" not in ended.out, command


async def test_sql_in_a_text_is_a_text(shared_site: Site) -> None:
    charge_point = await booted(shared_site, "SQL")
    start = {"connectorId": 1, "idTag": SQL[:20], "meterStart": 0, "timestamp": TIME}
    number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
    await charge_point.ask(
        "StatusNotification", {"connectorId": 1, "status": "Charging", "errorCode": SQL, "info": SQL}
    )
    for parameters in ({"tag": SQL}, {"charge_point": SQL}, {"targets": [f"{SQL}*"]}):
        assert (await shared_site.call("transaction.list", **parameters))["transactions"] == []
    found = (await shared_site.call("transaction.list", tag=SQL[:20]))["transactions"]
    assert [(one["id"], one["id_tag"]) for one in found] == [(number, SQL[:20])]
    assert shared_site.stored("SELECT id_tag FROM transactions WHERE id = ?", number) == [(SQL[:20],)]
    await charge_point.disconnect()


async def test_forged_headers_are_not_believed(shared_site: Site) -> None:
    """csmsd knows no proxy: an address is that of the connection, and credentials are Basic authentication's."""
    forged: dict[str, Any] = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Real-IP": "192.0.2.7",
        "Forwarded": "for=192.0.2.7;proto=https",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-User": "SECURED",
        "X-SSL-Client-Verify": "SUCCESS",
    }
    await shared_site.register("PLAIN")
    charge_point = await RawChargePoint.connect(shared_site.url("PLAIN"), headers=forged)
    shown = await shared_site.call("charge_point.show", id="PLAIN")
    assert shown["address"].startswith("127.0.0.1")
    await charge_point.disconnect()
    await shared_site.register("SECURED", password="0123456789abcdef")
    with pytest.raises(InvalidStatus) as refused:
        await asyncio.wait_for(RawChargePoint.connect(shared_site.url("SECURED"), headers=forged), 10)
    assert refused.value.response.status_code == 401
