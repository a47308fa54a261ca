"""When the hosts are open, with hosts that listen nowhere."""

import asyncio
import sys
import threading
from typing import Any

import pytest

import csmsd.files.http
from csmsd.events import EventBus
from csmsd.files import host
from csmsd.files.host import FileHost, Listener, Listeners
from csmsd.files.limits import Limits
from csmsd.profiles.firmware_management.hosting import Protocol
from csmsd.profiles.record import Event


class Nobody:
    """Tokens that nobody has, and somebody to whom events are told in vain."""

    def needed(self, protocol: Protocol) -> bool:
        return False

    def tell(self, *events: object) -> None:
        pass


class Slow:
    """A host that opens when it may."""

    def __init__(self, may_open: asyncio.Event) -> None:
        self._may_open = may_open
        self.opening = asyncio.Event()
        self.closed = False

    async def open(self, hosts: list[str], port: int) -> int:
        self.opening.set()
        await self._may_open.wait()
        return port

    async def close(self) -> None:
        self.closed = True


async def test_what_a_charge_point_is_told_of_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when its closing had been decided before, and waited for the other one to open."""
    at_once, held = asyncio.Event(), asyncio.Event()
    at_once.set()
    made = {"http": Slow(at_once), "ftp": Slow(held)}
    monkeypatch.setattr(FileHost, "_make", lambda self, protocol: made[protocol])
    monkeypatch.setattr(host, "LINGER_SECONDS", -1.0)
    listeners = Listeners(by_protocol={name: Listener(["127.0.0.1"], 1, on_demand=True) for name in ("http", "ftp")})
    nobody: Any = Nobody()
    files = FileHost(nobody, nobody, listeners, nobody)
    await files.ready("http")
    other = asyncio.create_task(files.ready("ftp"))
    await made["ftp"].opening.wait()
    keeping = asyncio.create_task(files.run())  # decides to close what nobody needs, and waits its turn
    await asyncio.sleep(0)
    assert await files.ready("http") is None, "it is open"
    held.set()
    await other
    await asyncio.sleep(0)
    keeping.cancel()
    assert not made["http"].closed


async def test_a_library_is_imported_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes half a second, in which no charge point would be answered."""
    threads = []

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name == "csmsd.files.http":
                threads.append(threading.current_thread())

    monkeypatch.setattr(csmsd.files, "http", csmsd.files.http)  # what stands there is put back
    monkeypatch.delitem(sys.modules, "csmsd.files.http")
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    nobody: Any = Nobody()
    limits = Limits(upload=1, transfer=1, idle=1, connections=1, connections_per_address=1)
    listeners = Listeners(by_protocol={"http": Listener(["127.0.0.1"], 0, on_demand=True)})
    files = FileHost(nobody, limits, listeners, nobody)
    await files.ready("http")
    await files.close()
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


class Needs:
    """What is needed now; how often somebody looked, and whose transfers were cut."""

    def __init__(self) -> None:
        self.protocols: set[Protocol] = set()
        self.looks = 0
        self.cuts: list[object] = []

    def needed(self, protocol: Protocol) -> bool:
        self.looks += 1
        return protocol in self.protocols

    def cut(self, update: object) -> None:
        self.cuts.append(update)


class News:
    """What is told, in its order."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    def tell(self, *events: Event) -> None:
        for event in events:
            self._told.put_nowait((event.type, event.data))

    async def next(self) -> tuple[str, object]:
        return await asyncio.wait_for(self._told.get(), 10)


STIRRED = Event("firmware.status", "CP1", {"update": 1, "state": "requested"})


async def test_a_host_is_open_while_it_is_needed_and_a_moment_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(host, "LINGER_SECONDS", 3600.0)
    at_once = asyncio.Event()
    at_once.set()
    made = Slow(at_once)
    monkeypatch.setattr(FileHost, "_make", lambda self, protocol: made)
    bus = EventBus(last=0, clock=lambda: 0, keep=lambda event: None)
    listeners = Listeners(by_protocol={"http": Listener(["127.0.0.1"], 9080, on_demand=True)})
    needs, news, limits = Needs(), News(), Limits(1, 1, 1, 1, 1)
    grants: Any = needs
    files = FileHost(grants, limits, listeners, news)
    files.listen_to(bus)
    running = asyncio.create_task(files.run())

    async def looks(times: int) -> None:
        async with asyncio.timeout(10):
            seen = needs.looks
            while needs.looks < seen + times:
                bus.publish(STIRRED)
                await asyncio.sleep(0)

    await looks(2)
    assert files.bases == [], "nobody needs it"
    needs.protocols.add("http")
    bus.publish(STIRRED)
    url = "http://127.0.0.1:9080"
    assert await news.next() == ("files.opened", {"url": url})
    assert files.bases == [url]
    needs.protocols.clear()
    await looks(3)
    assert files.bases == [url], "for a moment"
    monkeypatch.setattr(host, "LINGER_SECONDS", 0.0)
    bus.publish(STIRRED)
    assert await news.next() == ("files.closed", {"url": url})
    assert (files.bases, made.closed) == ([], True)
    running.cancel()


async def test_what_was_cancelled_is_cut() -> None:
    bus = EventBus(last=0, clock=lambda: 0, keep=lambda event: None)
    needs, news, limits = Needs(), News(), Limits(1, 1, 1, 1, 1)
    grants: Any = needs
    FileHost(grants, limits, Listeners(by_protocol={}), news).listen_to(bus)
    bus.publish(Event("firmware.status", "CP1", {"update": 1, "state": "downloading"}))
    bus.publish(Event("diagnostics.status", "CP1", {"upload": 2, "state": "cancelled"}))
    bus.publish(Event("firmware.status", "CP1", {"update": 3, "state": "cancelled"}))
    assert needs.cuts == [3]


@pytest.mark.parametrize(("protocol", "kind"), [("http", "HttpHost"), ("ftp", "FtpHost")])
async def test_each_protocol_has_its_host(protocol: Protocol, kind: str) -> None:
    nobody: Any = Nobody()
    files = FileHost(nobody, Limits(1, 1, 1, 1, 1), Listeners(by_protocol={}), nobody)
    made = files._make(protocol)
    await made.close()
    assert type(made).__name__ == kind


def test_a_token_has_32_characters_and_is_never_the_same() -> None:
    tokens = {host._new_token() for _ in range(100)}
    assert (len(tokens), {len(token) for token in tokens}) == (100, {32})
