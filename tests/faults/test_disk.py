"""A disk that is full, held by somebody else, or damaged: nothing acknowledged is lost, nothing is made up."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import MakeSite
from tests.faults.conftest import START
from tests.support.books import Fleet
from tests.support.control import ControlConnection
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import NotReady, Site


async def answered_again(charge_point: RawChargePoint, action: str, payload: object) -> None:
    """Sends a message until it is acknowledged, as charge points do."""
    deadline = monotonic() + 60
    while (await charge_point.ask(action, payload))[0] != 3:
        assert monotonic() < deadline
        await asyncio.sleep(0.1)


async def a_full_disk_is_survived(site: Site, fill: Callable[[], None], free: Callable[[], None]) -> None:
    """What must hold while nothing can be written, and after."""
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.raw("CP1")
    number = (await charge_point.ask("StartTransaction", START))[2]["transactionId"]
    watcher = await site.watch("store.failed", "store.recovered")

    fill()
    stop = {"transactionId": number, "meterStop": 500, "timestamp": "2026-03-01T13:00:00.000Z"}
    for action, payload in (
        ("StopTransaction", stop),
        ("StartTransaction", {**START, "connectorId": 2}),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"timestamp": START["timestamp"], "sampledValue": [{"value": "1"}]}]},
        ),
    ):
        answer = await charge_point.ask(action, payload)
        assert answer[:1] + answer[2:3] == [4, "InternalError"], action
    await watcher.event("store.failed")
    assert (await charge_point.heartbeat())[0] == 3
    assert (await charge_point.ask("Authorize", {"idTag": "A1B2C3"}))[2]["idTagInfo"]["status"] == "Accepted"
    status = await site.json("status")
    assert status["daemon"]["store"] == "failing"
    assert status["daemon"]["active_transactions"] == 1
    assert (await site.json("tx", "list"))["transactions"][0]["id"] == number

    command = asyncio.create_task(site.csmsctl("remote-stop", "CP1"))
    request = await charge_point.asked("RemoteStopTransaction")
    assert request[3] == {"transactionId": number}
    await charge_point.answer(request, {"status": "Accepted"})
    assert (await command).code == 0
    refused = await site.csmsctl("tag", "add", "LATER")
    assert refused.code == 1
    assert "could not be stored" in refused.err

    free()
    await answered_again(charge_point, "StopTransaction", stop)
    await watcher.event("store.recovered")
    await answered_again(charge_point, "StartTransaction", {**START, "connectorId": 2})
    assert (await site.json("status"))["daemon"]["store"] == "ok"
    booked = (await site.json("tx", "list"))["transactions"]
    assert sorted((known["id"], known["state"], known["energy_wh"]) for known in booked) == [
        (number, "stopped", 500),
        (number + 1, "active", 0),
    ]
    assert (await site.json("tag", "list"))["tags"][0]["active_transactions"] == 1


async def test_a_file_that_may_not_grow(site: Site) -> None:
    await a_full_disk_is_survived(site, lambda: site.limit_file_size(4096), lambda: site.limit_file_size(None))


async def test_what_must_be_followed_is_not_sent_when_it_cannot_be_recorded(site: Site) -> None:
    """Nobody would know what came of an update; a transaction may be stopped all the same (see above)."""
    charge_point = await site.raw("CP1")
    site.limit_file_size(4096)
    # The first one finds out, in the commit itself; for the second one it is known.
    for name in ("update-firmware", "get-diagnostics"):
        ended = await site.csmsctl("--json", name, "CP1", "--location", "http://192.0.2.1/x")
        (result,) = ended.json["results"]
        assert (ended.code, result["outcome"], result["task"]) == (1, "not_sent", None)
        assert result["error"] == "it could not be recorded, so it was not sent"
    site.limit_file_size(None)
    await answered_again(charge_point, "StartTransaction", START)
    assert (await site.json("firmware", "status"))["updates"] == []
    assert (await site.json("task", "list"))["tasks"] == []
    await site.asked_nothing(charge_point)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to mount a small file system")
    with tempfile.TemporaryDirectory(prefix="csms-disk-") as place:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False)
        if done.returncode != 0:
            pytest.skip("no file system can be mounted here")
        yield Path(place)
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass


async def test_a_full_disk(small_disk: Path, make_site: MakeSite) -> None:
    site = await make_site(state=small_disk / "state")
    ballast = small_disk / "ballast"
    await a_full_disk_is_survived(site, lambda: fill(ballast), ballast.unlink)


async def test_books_that_are_put_back_onto_a_full_disk_wait_for_room(small_disk: Path, make_site: MakeSite) -> None:
    """Nobody is told to give them up for that; and with room they go on beyond what was given after the copy."""
    site = await make_site(state=small_disk / "state")
    charge_point = await site.raw("CP1")
    copy = site.directory / "copy.db"
    assert (await site.csmsctl("backup", str(copy))).code == 0
    lost = (await charge_point.ask("StartTransaction", START))[2]["transactionId"]
    await site.stop()
    for suffix in ("-wal", "-shm"):
        site.database.with_name(site.database.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(copy, site.database)
    ballast = small_disk / "ballast"
    fill(ballast)
    said = refused(site)
    assert "make room on its disk" in said or "may be full" in said
    assert "restore" not in said
    assert ".recover" not in said

    ballast.unlink()
    await site.start()
    charge_point = await site.raw("CP1", register=False)
    assert (await charge_point.ask("StartTransaction", START))[2]["transactionId"] > lost + 1


async def test_acknowledgements_survive_disks_that_fill_up_under_load(site: Site) -> None:
    fleet = Fleet(site, charge_points=4)
    await fleet.join()
    for _ in range(3):
        await fleet.charge_points[0].acknowledgements(8)
        site.limit_file_size(4096)
        await fleet.charge_points[1].refusal()
        fleet.compare()
        site.limit_file_size(None)
        await fleet.charge_points[2].acknowledgements(4)
    await fleet.finish()
    assert fleet.compare() == sum(len(charge_point.bookings) for charge_point in fleet.charge_points)
    await site.restart()
    fleet.compare()


async def test_a_lock_held_by_another_process_delays_and_loses_nothing(site: Site) -> None:
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.raw("CP1")
    with closing(sqlite3.connect(site.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await charge_point.frame(2, "start", "StartTransaction", START)
        assert (await charge_point.heartbeat())[0] == 3  # what is not written does not wait
        assert (await site.csmsctl("status")).code == 0
        assert all(frame[1] != "start" for frame in charge_point.wire.frames)
        other.execute("COMMIT")
        answer = await charge_point.answer_to("start")
    assert answer[0] == 3
    number = answer[2]["transactionId"]
    assert [row[0] for row in site.stored("SELECT id FROM transactions")] == [number]

    with closing(sqlite3.connect(site.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        stop = {"transactionId": number, "meterStop": 500, "timestamp": "2026-03-01T13:00:00.000Z"}
        await charge_point.frame(2, "stop", "StopTransaction", stop)
        deadline = monotonic() + 60
        while (await site.call("daemon.info"))["store"]["state"] == "ok":
            assert monotonic() < deadline
            await asyncio.sleep(0.05)
        store = (await site.call("daemon.info"))["store"]
        assert (store["state"], store["error"], store["slow_since"][-1]) == ("slow", None, "Z")
        assert "The store is slow" in (await site.csmsctl("status")).out
        # What is not on disk is no fact, though the daemon has seen it.
        for shown in (
            await site.call("transaction.show", id=number),
            (await site.call("transaction.list"))["transactions"][0],
        ):
            assert (shown["state"], shown["stop_time"]) == ("active", None)
        other.execute("COMMIT")
        await charge_point.answer_to("stop")
    assert (await site.call("transaction.show", id=number))["state"] == "stopped"
    assert (await site.json("status"))["daemon"]["store"] == "ok"


# --- files that cannot be used


def refused(site: Site) -> str:
    """Starts csmsd, which must not start; returns what it says."""
    before = site.database.read_bytes()
    ended = site.run_to_end()
    assert ended.code == 1, ended
    assert site.database.read_bytes() == before, "the file must be left as it is"
    assert "Traceback" not in ended.err
    assert str(site.database) in ended.err
    assert not site.socket.exists()
    return ended.err


async def test_a_file_that_is_no_database_is_refused_and_left_alone(stopped: Site) -> None:
    stopped.database.write_bytes(b"This was a database once. " * 200)
    assert "restore a backup" in refused(stopped)


async def test_a_damaged_page_is_found_at_the_start(stopped: Site) -> None:
    content = bytearray(stopped.database.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 200] = os.urandom(200)
    stopped.database.write_bytes(bytes(content))
    assert "The file is left as it is" in refused(stopped)


async def test_what_is_damaged_and_not_in_the_way_is_told_soon_after_a_kill(site: Site) -> None:
    """The start does not wait until the whole file is read, and the damage does not wait for the night."""
    await site.kill()
    with closing(sqlite3.connect(site.database, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((page,),) = other.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'task_of_charge_point'")
    with site.database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(200))
    await site.start()
    watching = await site.control()
    await watching.call("event.subscribe", types=["store.damaged"], after=0)

    assert (await watching.event("store.damaged"))["data"]["error"]
    problems = (await site.json("status", "--problems"))["problems"]
    assert "store_damaged" in [problem["kind"] for problem in problems]
    # Until it is put right it is looked for at each start that nobody has stopped cleanly; a clean stop says so.
    await site.stop()
    assert json.loads((site.state / "csmsd.seen").read_bytes())["stopped"] is True


async def test_a_truncated_file_is_refused(stopped: Site) -> None:
    content = stopped.database.read_bytes()
    stopped.database.write_bytes(content[: len(content) // 2])
    refused(stopped)


async def test_a_newer_schema_is_refused(stopped: Site) -> None:
    with closing(sqlite3.connect(stopped.database)) as other:
        other.execute("PRAGMA user_version=999")
    text = refused(stopped)
    assert "newer csmsd" in text
    assert "999" in text


async def test_another_programs_database_is_refused(make_site: MakeSite) -> None:
    site = await make_site(start=False)
    site.state.mkdir(mode=0o700)
    with closing(sqlite3.connect(site.database)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
        other.commit()
    assert "another program" in refused(site)


async def test_a_directory_that_may_not_be_written_is_refused_with_its_name(make_site: MakeSite) -> None:
    site = await make_site(start=False)
    site.state.write_text("a file where the directory should be")
    with pytest.raises(NotReady, match="cannot start"):
        await site.start()
    assert str(site.state) in site.errors()


async def test_a_damaged_message_log_is_moved_aside(stopped: Site) -> None:
    (stopped.state / "log.db").write_bytes(b"garbage" * 1000)
    await stopped.start()
    assert (stopped.state / "log.damaged").read_bytes() == b"garbage" * 1000
    assert (await stopped.json("tx", "list"))["transactions"]
    async with await ControlConnection.open(stopped.socket) as control:
        assert (await control.call("event.list"))["events"]
