"""Starting, reloading, stopping; and what stands in the way of a start."""

import asyncio
import signal
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from time import monotonic

import pytest

from tests.conftest import MakeSite
from tests.support.books import Fleet
from tests.support.site import NotReady, Site

STOP_SECONDS = 5.0  # CLI.md: SIGTERM drains within 5 s


async def stopped_in_time(site: Site) -> bool:
    """Ends csmsd with SIGTERM, which must end well. What else runs on this machine may hold up one end, not each."""
    begun = monotonic()
    assert await site.stop() == 0
    return monotonic() - begun < STOP_SECONDS


async def once_at_least(site: Site, stops_in_time: Callable[[], Awaitable[bool]]) -> None:
    for again in range(3):
        if again:
            await site.start()
        if await stops_in_time():
            return
    raise AssertionError("it never ended in time")


async def test_sigterm_under_load_ends_within_five_seconds_and_loses_nothing(site: Site) -> None:
    fleet = Fleet(site, charge_points=8)
    await fleet.join()
    in_time = []
    for _ in range(3):
        await fleet.charge_points[0].acknowledgements(15)
        in_time.append(await stopped_in_time(site))
        fleet.up.clear()
        fleet.compare()
        await site.start()
        fleet.up.set()
    await fleet.finish()
    assert any(in_time)
    assert fleet.compare() == sum(len(charge_point.bookings) for charge_point in fleet.charge_points)


async def test_sigterm_does_not_wait_for_a_peer_that_does_not_close(site: Site) -> None:
    await site.register("CP1")

    async def stopped_beside_it() -> bool:
        host, port = site.listen.split(":")
        watcher = await site.watch("charge_point.connected")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        await watcher.event("charge_point.connected")
        in_time = await stopped_in_time(site)
        writer.close()
        return in_time

    await once_at_least(site, stopped_beside_it)


@pytest.mark.parametrize("file", ["csms.db", "log.db"])
async def test_sigterm_does_not_wait_for_a_lock(site: Site, file: str) -> None:
    """Nothing is acknowledged that is not on disk; nothing is kept waiting either."""

    async def stopped_beside_it() -> bool:
        charge_point = await site.raw("CP1")
        with closing(sqlite3.connect(site.state / file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            start = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}
            await charge_point.frame(2, "start", "StartTransaction", start)
            assert (await charge_point.heartbeat())[0] == 3
            in_time = await stopped_in_time(site)
        kept = site.stored("SELECT count(*) FROM transactions")
        assert kept == [(0,)] if file == "csms.db" else [(1,)]
        return in_time

    await once_at_least(site, stopped_beside_it)


async def test_a_log_that_is_locked_is_waited_for(site: Site) -> None:
    await site.raw("CP1")
    assert await site.stop() == 0
    with closing(sqlite3.connect(site.state / "log.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM event WHERE number = 0")
        site.spawn()
        deadline = monotonic() + 60
        while "is locked by another process" not in site.errors():
            assert monotonic() < deadline
            await asyncio.sleep(0.05)
        other.execute("COMMIT")
    assert (await site.csmsctl("daemon", "wait-ready", "--timeout", "60")).code == 0
    assert not (site.state / "log.damaged").exists()
    assert (await site.call("log.list"))["messages"]


async def test_what_is_logged_while_the_log_is_locked_is_there_afterwards(site: Site) -> None:
    charge_point = await site.raw("CP1")
    with closing(sqlite3.connect(site.state / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            await charge_point.ask("Heartbeat", unique_id=f"locked-{number}")
        await site.call("log.list")  # which tries to write it
        other.execute("COMMIT")
    texts = [message["text"] for message in (await site.call("log.list"))["messages"]]
    assert [sum(f'"locked-{number}"' in text for text in texts) for number in range(3)] == [2, 2, 2]
    assert (await site.call("daemon.info"))["messages_not_logged"] == 0


async def test_sigterm_with_a_command_under_way(site: Site) -> None:
    charge_point = await site.raw("CP1")
    command = asyncio.create_task(site.csmsctl("--json", "reset", "CP1", "--type", "soft"))
    await charge_point.asked("Reset")
    assert await site.stop() == 0
    ended = await command
    assert ended.code == 8, ended
    assert ended.json["results"][0]["outcome"] == "unknown"  # carried out or not: csmsd does not know, and says so
    await site.start()
    assert (await site.json("task", "list"))["tasks"][0]["outcome"] == "unknown"
    again = await site.raw("CP1", register=False)
    await site.asked_nothing(again)


async def test_charge_points_are_told_that_it_goes_away(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert await site.stop() == 0
    assert (await charge_point.closed())[0] == 1001


async def test_ctrl_c_is_a_stop_as_well(site: Site) -> None:
    site.signal(signal.SIGINT)
    assert await site.ended() == 0
    assert not site.socket.exists()


async def test_the_service_manager_is_told(site: Site) -> None:
    site.signal(signal.SIGHUP)
    reloading = site.manager.next(30)
    assert reloading is not None
    assert reloading[0] == "RELOADING=1"
    assert reloading[1].startswith("MONOTONIC_USEC=")
    assert site.manager.next(30) == ["READY=1"]
    site.signal(signal.SIGTERM)
    assert site.manager.next(30) == ["STOPPING=1"]
    assert await site.ended() == 0


async def test_a_second_daemon_on_the_same_directory_is_refused(site: Site) -> None:
    other_socket = site.directory / "t.sock"
    ended = await asyncio.to_thread(site.run_to_end, "--socket", str(other_socket))
    assert ended.code == 1
    assert str(site.state) in ended.err
    assert "Traceback" not in ended.err
    assert (await site.csmsctl("status")).code == 0


async def test_a_socket_on_which_somebody_answers_is_not_taken(site: Site) -> None:
    ended = await asyncio.to_thread(site.run_to_end, "--state-dir", str(site.directory / "other"))
    assert ended.code == 1
    assert str(site.socket) in ended.err
    assert "Traceback" not in ended.err
    assert (await site.csmsctl("status")).code == 0


async def test_a_port_that_is_taken_is_named(site: Site) -> None:
    ended = await asyncio.to_thread(
        site.run_to_end,
        *("--listen", site.listen, "--state-dir", str(site.directory / "other")),
        *("--socket", str(site.directory / "t.sock")),
    )
    assert ended.code == 1
    assert site.listen.rpartition(":")[2] in ended.err
    assert "Traceback" not in ended.err
    assert not (site.directory / "t.sock").exists()


async def test_a_socket_that_a_dead_daemon_left_is_replaced(site: Site) -> None:
    await site.kill()
    assert stat.S_ISSOCK(site.socket.stat().st_mode)
    await site.start()
    assert (await site.csmsctl("status")).code == 0


async def test_a_file_in_the_place_of_the_socket_is_not_removed(make_site: MakeSite) -> None:
    site = await make_site(start=False)
    site.socket.write_text("precious")
    with pytest.raises(NotReady, match="exit code 1"):
        await site.start()
    assert site.socket.read_text() == "precious"
    assert str(site.socket) in site.errors()


async def test_the_socket_is_for_its_owner_and_group(site: Site) -> None:
    assert stat.S_IMODE(site.socket.stat().st_mode) == 0o660


async def test_a_kill_while_it_starts_harms_nothing(make_site: MakeSite) -> None:
    """At any moment of its first start: the next one must find a file that it can use, or make one."""
    site = await make_site(start=False)
    for step in range(12):
        site.spawn()
        # Not an event, a moment: the point is that any will do.
        await asyncio.sleep(step * 0.008)
        await site.kill()
        while site.manager.next(0) is not None:
            pass
    await site.start()
    await site.raw("CP1")


async def test_without_a_service_manager_it_starts_as_well(make_site: MakeSite) -> None:
    site = await make_site(start=False)
    site.from_scratch = True
    site.manager.close()
    site.manager.path.unlink()
    process = site.spawn()
    assert (await site.csmsctl("daemon", "wait-ready", "--timeout", "60")).code == 0
    assert (await site.json("daemon", "info"))["pid"] == process.pid
