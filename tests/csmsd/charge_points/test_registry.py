"""Who is connected, and how many connections an address has."""

import asyncio

import pytest

from tests.conftest import MakeSite
from tests.csmsd.charge_points.test_connecting import refused
from tests.support.site import Site


@pytest.fixture
async def two_an_address(make_site: MakeSite) -> Site:
    """A csmsd that takes two connections from each address."""
    return await make_site({"server": {"max_connections_per_address": 2}, "ocpp": {"hold_after_reconnect": 0}})


async def test_an_address_has_its_share_also_after_some_went_and_some_were_replaced(two_an_address: Site) -> None:
    site = two_an_address
    for identity in ("CP1", "CP2", "CP3"):
        await site.register(identity)
    watcher = await site.watch("charge_point.connected", "charge_point.disconnected")

    first = await site.raw("CP1", register=False)
    for _ in range(3):  # the one that is replaced counts no more
        newer = await site.raw("CP1", register=False)
        await first.closed()
        first = newer
    second = await site.raw("CP2", register=False)
    code, told = await refused(site, "/ocpp/CP3")
    assert (code, "server.max_connections_per_address" in told) == (429, True)
    assert (await refused(site, "/ocpp/CP1"))[0] == 429

    for _ in range(3):  # the one that is gone counts no more
        await second.disconnect()
        await watcher.event("charge_point.disconnected", "CP2")
        second = await site.raw("CP2", register=False)
    assert (await refused(site, "/ocpp/CP3"))[0] == 429

    await first.disconnect()
    await watcher.event("charge_point.disconnected", "CP1")
    third = await site.raw("CP3", register=False)
    assert (await refused(site, "/ocpp/CP1"))[0] == 429
    await third.heartbeat()


async def test_another_address_has_a_share_of_its_own(two_an_address: Site) -> None:
    site = two_an_address
    await site.raw("CP1")
    await site.raw("CP2")
    await site.register("CP3")
    port = int(site.listen.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
    writer.write(
        b"GET /ocpp/CP3 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    )
    assert b" 101 " in await reader.readline()
    writer.close()


async def test_what_operators_see_of_a_connection(two_an_address: Site) -> None:
    """Connected while there is one, and never by the end of one that was replaced."""
    site = two_an_address
    await site.register("CP1")
    watcher = await site.watch("charge_point.connected", "charge_point.disconnected")

    async def seen() -> tuple[bool, str | None]:
        state = await site.call("charge_point.show", id="CP1")
        return state["connected"], state["address"]

    assert await seen() == (False, None)
    old = await site.raw("cp1", register=False)
    new = await site.raw("CP1", register=False)
    assert await old.closed() == (1008, "replaced by a newer connection")
    assert await seen() == (True, "127.0.0.1")
    await new.disconnect()
    told = await watcher.event("charge_point.disconnected")
    assert told["data"] == {"reason": "closed by the charge point (1000)"}
    assert (await seen())[0] is False


async def test_an_operator_may_end_a_connection(two_an_address: Site) -> None:
    site = two_an_address
    point = await site.raw("CP1")
    assert (await site.call("charge_point.disconnect", id="cp1"))["changed"] is True
    assert (await point.closed())[0] == 1008
    assert (await site.call("charge_point.disconnect", id="CP1"))["changed"] is False
