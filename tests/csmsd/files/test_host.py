"""When the hosts are open, with hosts that listen nowhere."""

import asyncio
import sys
import threading
from typing import Any

import pytest

import csmsd.files.http
from csmsd.files import host
from csmsd.files.host import FileHost, Listener, Listeners
from csmsd.files.limits import Limits
from csmsd.profiles.firmware_management.hosting import Protocol


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
