"""Who is let in, at the edges of the handshake, and what watches over those who are in."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import msgspec
import pytest

from csmsd.charge_points import listener as module
from csmsd.charge_points.admission import Admission
from csmsd.charge_points.connection import Connection
from csmsd.charge_points.dispatch import Dispatcher
from csmsd.charge_points.listener import Listener
from csmsd.charge_points.refusals import Refusals
from csmsd.charge_points.registry import Registry
from csmsd.live_site import LiveSite
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.identity import fold
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Event
from csmsd.profiles.site import Site as State
from csmsd.settings.sections import Server, Settings
from tests.support.plain_websocket import handshake, text_frame, texts
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.websocket_frames import CLOSE, masked
from tests.support.wire import WAIT

KEY = "0123456789abcdef"
HANDSHAKE = (
    "GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n{more}\r\n"
)


async def status(listen: str, identity: str, *headers: str) -> int:
    """The HTTP status with which a handshake of these headers is answered."""
    host, _, port = listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    more = "".join(f"{header}\r\n" for header in headers)
    writer.write(HANDSHAKE.format(identity=identity, more=more).encode())
    line = await asyncio.wait_for(reader.readline(), WAIT)
    writer.close()
    return int(line.split()[1])


def authorization(user: str, key: str, *, scheme: str = "Basic") -> str:
    return f"Authorization: {scheme} {base64.b64encode(f'{user}:{key}'.encode()).decode()}"


async def test_of_two_keys_none_is_believed(shared_site: Site) -> None:
    await shared_site.register("TWICE", password=KEY)
    right, wrong = authorization("TWICE", KEY), authorization("TWICE", "wrong" * 4)
    assert await status(shared_site.listen, "TWICE", right) == 101
    for headers in ((right, wrong), (wrong, right), (right, right)):
        assert await status(shared_site.listen, "TWICE", *headers) == 401


async def test_how_a_key_may_be_written(shared_site: Site) -> None:
    """The scheme in any case (RFC 7235), the identity as well; the key to the letter, colons included."""
    key = "a:key:with:colons"
    await shared_site.register("COLON", password=key)
    encoded = base64.b64encode(f"COLON:{key}".encode()).decode()
    for header, answer in (
        (authorization("COLON", key, scheme="basic"), 101),
        (authorization("colon", key), 101),
        (authorization("COLON", key.upper()), 401),
        (authorization("COLON", key + " "), 401),
        (f"Authorization: Basic   {encoded} ", 101),
        (f"Authorization: Basic{encoded}", 401),
        (f"Authorization: Basic {encoded}!", 401),
        (f"Authorization: Basic {base64.b64encode(b'COLON').decode()}", 401),
        ("Authorization: Basic", 401),
    ):
        assert await status(shared_site.listen, "COLON", header) == answer, header


async def test_security_profile_0_asks_for_no_key_and_takes_any(shared_site: Site) -> None:
    await shared_site.register("OPEN")
    assert await status(shared_site.listen, "OPEN") == 101
    assert await status(shared_site.listen, "OPEN", authorization("OTHER", "whatever")) == 101


async def test_what_it_answers_where_it_was_replaced_is_no_fault_of_its(shared_site: Site) -> None:
    await shared_site.register("LATE")
    host, _, port = shared_site.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    boot = json.dumps([2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}])
    writer.write(handshake("LATE") + text_frame(boot))
    await reader.readuntil(b"\r\n\r\n")
    came = bytearray()

    async def next_text() -> list[Any]:
        while not (found := texts(came)):
            came.extend(await asyncio.wait_for(reader.read(65_536), WAIT))
        (text,) = found
        frame = json.loads(text)
        assert isinstance(frame, list)
        return frame

    assert (await next_text())[0] == 3
    running = asyncio.create_task(shared_site.call("operation.call", targets=["LATE"], action="ClearCache", force=True))
    asked = await next_text()
    newer = await RawChargePoint.connect(shared_site.url("LATE"))
    assert (await running)["results"][0]["outcome"] == "unknown"
    writer.write(text_frame(json.dumps([3, asked[1], {"status": "Accepted"}])) + masked(CLOSE, b"\x03\xe9"))
    await asyncio.wait_for(reader.read(), WAIT)
    writer.close()
    await newer.disconnect()
    assert (await shared_site.json("cp", "show", "LATE"))["charge_points"][0]["deviations"] == []


# --- the watch, with a listener in this process whose clock can be moved


class Edge:
    """A listener on its real socket, for charge points that are registered as CP1."""

    def __init__(self, ocpp: Policies | None = None, server: Server | None = None) -> None:
        nobody: Any = None
        self.live = LiveSite(nobody, self, lambda: 1000, State)
        self.live.site.charge_points[fold("CP1")] = ChargePointState(ChargePoint(id="CP1", registered_at=0))
        self.events: list[Event] = []
        self.registry = Registry(self.live)
        self.admission = Admission(self.live, nobody)
        settings = Settings(ocpp=ocpp or Policies(), server=server or Server())
        settings.server.listen = ["127.0.0.1:0"]
        dispatcher = Dispatcher(self.live, nobody, nobody)
        self.listener = Listener(
            settings,
            self.registry,
            dispatcher,
            self.admission,
            Refusals(self.live),
            lambda *message: None,
            lambda: 1000,
            self.live,
            self,
            nobody,
        )
        self.listen = ""

    def context(self, client_certificate: str) -> None:
        """There is no TLS."""

    def publish(self, event: Event) -> None:
        self.events.append(event)

    async def connect(self) -> RawChargePoint:
        return await RawChargePoint.connect(f"ws://{self.listen}/CP1")


@pytest.fixture
async def edge(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Edge]:
    monkeypatch.setattr(module, "_SWEEP_SECONDS", 0.005)
    made = Edge(Policies(heartbeat_interval=40), Server(idle_heartbeats=2.0, ping_interval=0))
    await made.listener.open()
    (made.listen,) = made.listener.addresses
    yield made
    await made.listener.close()


class Clock:
    """monotonic(), so many seconds ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.asked = asyncio.Event()
        self._real = monotonic

    def __call__(self) -> float:
        self.asked.set()
        return self._real() + self.ahead

    async def swept(self) -> None:
        """Two rounds: one that had begun before, and a whole one."""
        for _ in range(2):
            self.asked.clear()
            await asyncio.wait_for(self.asked.wait(), WAIT)
        await asyncio.sleep(0)


async def test_who_is_silent_for_too_long_is_cut(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ocpp.heartbeat_interval` times `server.idle_heartbeats`: 80 s here."""
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    point = await edge.connect()
    await point.heartbeat()
    clock.ahead = 79.0
    await clock.swept()
    await point.heartbeat()
    (connection,) = edge.registry
    connection.last_received -= 79.0  # as long ago as the clock says
    await clock.swept()
    assert await point.closed() == (1006, "")
    assert edge.events[-1].data["reason"].startswith("silent for 158")  # type: ignore[attr-defined]


async def test_one_that_cannot_be_looked_after_keeps_nobody_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(connection: Connection) -> bool:
        if connection.identity == "CP1":
            raise RuntimeError("a mistake")
        return False

    monkeypatch.setattr(module, "_SWEEP_SECONDS", 0.005)
    edge = Edge(Policies(heartbeat_interval=40), Server(idle_heartbeats=2.0, ping_interval=1))
    edge.live.site.charge_points[fold("CP2")] = ChargePointState(ChargePoint(id="CP2", registered_at=0))
    monkeypatch.setattr(edge.listener, "_wants_ping", mistaken)
    await edge.listener.open()
    (edge.listen,) = edge.listener.addresses
    await edge.connect()
    point = await RawChargePoint.connect(f"ws://{edge.listen}/CP2")
    for connection in edge.registry:
        connection.last_received -= 81.0
    assert (await point.closed())[0] == 1006
    assert "CP1 could not be looked after" in caplog.text
    assert len(edge.registry) == 1
    await edge.listener.close()


async def test_a_short_heartbeat_interval_cuts_nobody_within_a_minute(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge.listener._policies.heartbeat_interval = 1
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    point = await edge.connect()
    clock.ahead = 59.0
    await clock.swept()
    await point.heartbeat()
    (connection,) = edge.registry
    connection.last_received -= 2.0
    await clock.swept()
    assert (await point.closed())[0] == 1006


async def test_the_kernel_watches_as_well(edge: Edge) -> None:
    """A peer that a power cut took away is noticed although pings are switched off."""
    await (point := await edge.connect()).heartbeat()
    (connection,) = edge.registry
    own = connection._wire.transport.get_extra_info("socket")
    assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    assert [own.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [60, 20, 4]
    await point.disconnect()


async def test_one_that_is_removed_during_its_handshake_is_let_go(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = edge.admission.known
    answers = iter([registered("CP1"), None])
    monkeypatch.setattr(edge.admission, "known", lambda identity: next(answers))
    point = await edge.connect()
    assert await point.closed() == (1008, "not registered any more")
    assert len(edge.registry) == 0
    assert edge.events == []


async def test_who_sends_nothing_but_nonsense_is_closed_once(edge: Edge) -> None:
    """However much of it comes until the time is over in which it may answer our close."""
    host, _, port = edge.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(handshake("CP1") + text_frame("nonsense") * 80)
    await asyncio.wait_for(reader.readuntil(b"too much that is not OCPP-J"), WAIT)
    (connection,) = edge.registry
    closing = connection.closing
    writer.write(text_frame("nonsense") * 20)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), WAIT)
    writer.close()
    assert closing is not None
    await closing
    assert connection.closing is closing


@pytest.mark.parametrize(("took", "left"), [(0.0, 1.0), (0.004, 0.996), (0.33, 0.67), (0.999, 0.001), (1.3, 0.7)])
def test_a_refusal_leaves_at_a_fixed_moment_whatever_it_took(took: float, left: float) -> None:
    """A second after the request, or two where many wait for slow hashes: nobody learns what was wrong by it."""
    assert module.seconds_left(took, 1.0) == pytest.approx(left)


@pytest.mark.parametrize("change", [{"password_hash": "new"}, {"security_profile": 2}, {}], ids=repr)
async def test_what_an_operator_changes_while_a_key_is_looked_at_counts(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """A slow hash takes its time: whoever was locked out meanwhile is not let in by it."""
    (state,) = edge.admission.all_known()
    state.record = msgspec.structs.replace(state.record, security_profile=1, password_hash="old")
    monkeypatch.setattr(edge.listener._security, "failure_delay", 0.01)

    async def verify(stored: list[str], received: bytes, **whose: str) -> str:
        state.record = msgspec.structs.replace(state.record, **change)
        return "old"

    async def refuse(received: bytes, **whose: str) -> None:
        pass

    monkeypatch.setattr(edge.listener._authentication._passwords, "verify", verify)
    monkeypatch.setattr(edge.listener._authentication._passwords, "refuse", refuse)
    assert await status(edge.listen, "CP1", authorization("CP1", KEY)) == (401 if change else 101)


async def test_at_the_end_everybody_is_told_to_come_back(edge: Edge) -> None:
    point = await edge.connect()
    await point.heartbeat()
    await edge.listener.close()
    assert await point.closed() == (1001, "csmsd is stopping")
    with pytest.raises(OSError, match="Connect call failed"):
        await edge.connect()


async def test_one_that_cannot_be_entered_whole_is_cut_and_counted_out(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken() -> None:
        raise RuntimeError("a mistake")

    edge.listener._policies.hold_after_reconnect = 0
    edge.registry.on_ready = mistaken
    point = await edge.connect()
    assert (await point.closed())[0] == 1006
    async with asyncio.timeout(WAIT):
        while len(edge.registry):  # noqa: ASYNC110 - whom it would be told to is at fault
            await asyncio.sleep(0.001)
    assert "RuntimeError: a mistake" in caplog.text
    assert not edge.registry._at


async def test_an_answer_that_cannot_be_given_ends_its_connection_and_nothing_else(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever gives it has more to do after the commit: to tell what has happened, and to answer others."""

    def mistaken(*message: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(edge.listener, "_tap", mistaken)
    point = await edge.connect()
    (connection,) = edge.registry
    connection.answered(Requested("1", "Heartbeat", b"{}"), b"{}")
    assert (await point.closed())[0] == 1006
    assert "CP1: an answer could not be given" in caplog.text
