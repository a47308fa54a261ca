"""Who is connected, and how many connections an address has."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from csmsd.charge_points.registry import Registry
from csmsd.live_site import LiveSite
from csmsd.ports.charge_points import CallTicket
from csmsd.profiles.core.charge_points import Secured
from csmsd.profiles.record import Event
from tests.conftest import MakeSite
from tests.csmsd.charge_points.test_connecting import refused
from tests.csmsd.profiles.scene import Scene
from tests.support.certificates import client_context, tls_settings
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.websocket_frames import TEXT, masked
from tests.support.wire import WAIT

KEY = "0123456789abcdef"
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


def opening(identity: str) -> bytes:
    return (
        b"GET /ocpp/%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n" % identity.encode()
    )


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
    newer = await site.raw("CP1", register=False)  # takes the place of its own connection
    await first.closed()
    first = newer

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


async def test_of_many_whose_keys_are_looked_at_at_once_no_more_come_in_than_may(
    make_site: MakeSite, tmp_path: Path
) -> None:
    """Over TLS and without: all of them were asked for their key while there was room."""
    site = await make_site(tls_settings(tmp_path) | {"server": {"max_connections_per_address": 2}})
    context = client_context(tmp_path)
    for number in range(6):
        await site.register(f"CP{number}", password=KEY, security_profile=1 + number % 2)

    async def status(number: int) -> int:
        url = site.url(f"CP{number}")
        try:
            if number % 2:
                points.append(await RawChargePoint.connect(url.replace("ws:", "wss:"), password=KEY, tls=context))
            else:
                points.append(await RawChargePoint.connect(url, password=KEY))
        except InvalidStatus as refusal:
            return refusal.response.status_code
        return 101

    points: list[RawChargePoint] = []
    assert sorted(await asyncio.gather(*map(status, range(6)))) == [101, 101, 429, 429, 429, 429]
    for point in points:
        assert (await point.boot())[0] == 3


async def test_connections_that_are_half_open_count_and_give_way(make_site: MakeSite, tmp_path: Path) -> None:
    """A few of an address beside those that may come in, of which the oldest goes; others are not concerned."""
    site = await make_site(tls_settings(tmp_path) | {"server": {"max_connections_per_address": 2}})
    first = await site.raw("CP1")
    port = int(site.listen.rpartition(":")[2])
    half_open = []
    for number in range(200):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01" if number % 2 else b"GET /oc")
        half_open.append((reader, writer))
    other, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
    writer.write(opening("CP2"))
    assert b" 404 " in await other.readline()
    writer.close()
    second = await site.raw("CP2")

    for reader, writer in half_open[: 200 - 2 - 64]:
        with suppress(ConnectionResetError):
            assert await reader.read(1) == b"", "it is cut"
        writer.close()
    reader, writer = half_open[-2]
    writer.write(opening("CP2").removeprefix(b"GET /oc"))
    assert b" 101 " in await reader.readline()
    await second.closed()
    assert (await first.heartbeat())[0] == 3
    for _, writer in half_open:
        writer.close()


async def test_another_address_has_a_share_of_its_own(two_an_address: Site) -> None:
    site = two_an_address
    await site.raw("CP1")
    await site.raw("CP2")
    await site.register("CP3")
    port = int(site.listen.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
    writer.write(opening("CP3"))
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


async def test_on_a_connection_that_is_being_closed_nothing_is_asked(two_an_address: Site) -> None:
    """Its charge point does not answer our close: until the time for that is over the connection is there."""
    site = two_an_address
    await site.register("CP1")
    host, _, port = site.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(opening("CP1") + masked(TEXT, json.dumps([2, "1", "BootNotification", BOOT]).encode()))
    await asyncio.wait_for(reader.readuntil(b'"interval"'), WAIT)
    assert (await site.call("charge_point.disconnect", id="CP1"))["changed"] is True
    await asyncio.wait_for(reader.readuntil(b"closed by the operator"), WAIT)
    asked = await site.call("operation.call", targets=["CP1"], action="ClearCache", force=True)
    result = asked["results"][0]
    assert (result["outcome"], result["error"]) == ("not_connected", "the connection of CP1 is about to end")
    writer.close()


# --- connections that come and go, as the registry sees them


class Line:
    """A connection from an address; something was heard on it so many seconds ago."""

    end_reason = "the line is dead"
    reached_at = "198.51.100.1"
    secured = Secured(0)
    closing = None
    ends = False

    def __init__(self, address: str = "192.0.2.1", *, silent_for: float = 0.0, holding: bool = False) -> None:
        self.identity = "cp1"
        self.address = address
        self.last_received = monotonic() - silent_for
        self.holding = holding
        self.on_release: Callable[[], None] = lambda: None
        self.failed: str | None = None
        self.closed: tuple[int, str] | None = None

    def fail_calls(self, reason: str) -> None:
        self.failed = reason

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Exchange:
    """A registry of a site with CP1; what it told, and how often it said that somebody may be sent CALLs."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.told: list[tuple[str, object]] = []
        self.ready = 0
        nobody: Any = None
        publisher: Any = self
        live = LiveSite(nobody, publisher, lambda: self.scene.now, lambda: self.scene.site)
        live.site = self.scene.site
        self.registry = Registry(live)
        self.registry.on_ready = self._count

    def publish(self, event: Event) -> None:
        self.told.append((event.type, event.data))

    def _count(self) -> None:
        self.ready += 1

    def enter(self, *lines: Line) -> Line:
        for line in lines:
            connection: Any = line
            self.registry.enter(connection)
        return lines[-1]

    def leave(self, line: Line) -> None:
        connection: Any = line
        self.registry.leave(connection)


def test_the_newest_connection_counts() -> None:
    exchange = Exchange()
    old = exchange.enter(Line("192.0.2.1", silent_for=600))
    new = exchange.enter(Line("192.0.2.2"))
    assert exchange.told == [
        ("charge_point.connected", {"address": "192.0.2.1", "replaced": False}),
        ("charge_point.connected", {"address": "192.0.2.2", "replaced": True}),
    ]
    assert old.failed == "the connection was replaced by a newer one"
    assert old.closed == (1008, "replaced by a newer connection")
    assert (new.failed, new.closed) == (None, None)
    exchange.leave(old)
    assert exchange.registry.is_connected("CP1")
    assert exchange.scene.cp.connected
    exchange.scene.cp.unsaved = False
    exchange.leave(new)
    assert exchange.scene.cp.unsaved, "since when it is away is to be written"
    assert exchange.told[2:] == [("charge_point.disconnected", {"reason": "the line is dead"})]
    assert not exchange.registry.is_connected("CP1")
    assert (exchange.scene.cp.connected, exchange.scene.cp.record.offline_since) == (False, exchange.scene.now)
    assert not exchange.registry._at, "nothing is left of addresses from which nobody is connected"


@pytest.mark.parametrize(("silent_for", "twins"), [(0, True), (55, True), (65, False)])
def test_two_devices_with_one_identity_are_told_from_one_that_comes_back(silent_for: float, twins: bool) -> None:
    """A connection that broke off without a word stays until the charge point is there again."""
    exchange = Exchange()
    addresses = ["192.0.2.1", "192.0.2.2"] * 2
    exchange.enter(*(Line(address, silent_for=silent_for) for address in addresses))
    found = exchange.scene.cp.links.twins(exchange.scene.now)
    assert (found is not None) is twins
    assert found is None or (found.times, found.addresses) == (3, addresses[:2])
    noted = [one.reason for one in exchange.scene.site.refused.of("CP1")]
    assert noted == (["replaced", "replaced"] if twins else []), "each address once"


def test_a_charge_point_is_ready_when_it_holds_nothing_back() -> None:
    exchange = Exchange()
    holding = exchange.enter(Line(holding=True))
    assert (exchange.ready, exchange.registry.is_connected("CP1"), exchange.registry.is_ready("CP1")) == (
        0,
        True,
        False,
    )
    holding.holding = False
    holding.on_release()
    assert (exchange.ready, exchange.registry.is_ready("cp1"), exchange.registry.is_ready("CP2")) == (1, True, False)
    line = exchange.enter(Line())
    assert exchange.ready == 2
    line.ends = True
    assert not exchange.registry.is_ready("CP1")


async def test_who_is_not_connected_is_asked_nothing() -> None:
    exchange = Exchange()
    end = await exchange.registry.call("CP1", "Reset", b"{}", None, timeout=1.0, ticket=CallTicket())
    assert (end.outcome, end.error) == ("not_connected", "CP1 is not connected")
    assert not exchange.registry.disconnect("CP1", "by an operator")
    line = exchange.enter(Line())
    assert exchange.registry.disconnect("cp1", "by an operator")
    assert line.closed == (1008, "by an operator")
