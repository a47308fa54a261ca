"""From a request to its answer: after the commit, or at once; and what a handler that breaks off costs."""

import asyncio
import gc
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from csmsd.charge_points.dispatch import Dispatcher
from csmsd.events import EventBus
from csmsd.hooks.data_transfer_hooks import Hooks
from csmsd.live_site import LiveSite
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.transactions import Wanted
from csmsd.profiles.policies import DataTransfer, DataTransferHook
from csmsd.profiles.record import Data
from csmsd.profiles.site import Site
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import NOON

START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}
STOP: dict[str, Any] = {"transactionId": 7, "meterStop": 2000, "timestamp": "2026-03-01T12:00:00.000Z"}


class Desk:
    """CP1 is registered and booted, on a file of its own; `said` is what left csmsd, in its order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOON, keep=lambda event: None)
        bus.subscribe(lambda event: self.said.append(event.type))
        self.told: list[Data] = []
        bus.subscribe(lambda event: self.told.append(event.data))
        self.live = LiveSite(self.writer, bus, lambda: NOON, lambda: load_site(path, Site()))
        nobody: Any = None
        self.looked_up: list[tuple[str, Wanted]] = []
        self.may_be_looked_up = asyncio.Event()
        self.recall: Callable[[Wanted], None] = lambda wanted: None
        self.dispatcher = Dispatcher(self.live, nobody, self._recall)

    async def _recall(self, identity: str, wanted: Wanted) -> None:
        self.looked_up.append((identity, wanted))
        await self.may_be_looked_up.wait()
        self.recall(wanted)

    async def until_looked_up(self) -> None:
        self.may_be_looked_up.set()
        while self.dispatcher._look_ups:
            await asyncio.gather(*self.dispatcher._look_ups)
        await self.writer.flush()

    @property
    def cp(self) -> ChargePointState:
        return self.live.site.charge_points["cp1"]

    def send(self, action: str, payload: object, *, long: bool = False) -> None:
        request = Requested("1", action, msgspec.Raw(msgspec.json.encode(payload)))
        self.dispatcher.dispatch(self.cp, request, self, long=long)

    def answered(self, request: Requested, answer: bytes | OcppError) -> None:
        self.said.append(answer.code if isinstance(answer, OcppError) else ", ".join(json.loads(answer)))

    def stored(self) -> int:
        """How many transactions are on disk."""
        with closing(sqlite3.connect(self.path)) as other:
            (rows,) = other.execute("SELECT count(*) FROM transactions").fetchone()
        return int(rows)

    def known(self) -> int:
        """How many transactions run, as memory has it."""
        return len(self.cp.transactions.active())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = Desk(path)
    await made.writer.open()
    await made.live.keep(
        [ChargePoint(id="CP1", boot_status="Accepted", registered_at=NOON), IdTag(id="TAG1", created_at=NOON)]
    )
    await made.live.open()
    yield made
    await made.writer.close()


async def test_what_is_kept_is_answered_after_the_commit_and_told_after_the_answer(desk: Desk) -> None:
    desk.send("StartTransaction", START)
    assert (desk.said, desk.known(), desk.stored()) == ([], 1, 0)
    await desk.writer.flush()
    assert desk.said == ["idTagInfo, transactionId", "transaction.started"]
    assert desk.stored() == 1


async def test_what_keeps_nothing_is_answered_at_once(desk: Desk) -> None:
    desk.send("Heartbeat", {})
    assert desk.said == ["currentTime"]


async def test_what_cannot_be_stored_is_an_internal_error_and_forgotten(desk: Desk) -> None:
    """C 3.7: the charge point tries again, and must find nothing of the first time."""
    with closing(sqlite3.connect(desk.path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER picky BEFORE INSERT ON transactions BEGIN SELECT RAISE(ABORT, 'no'); END")
        desk.send("StartTransaction", START)
        await desk.writer.flush()
        assert (desk.said, desk.known()) == (["InternalError"], 0)
        other.execute("DROP TRIGGER picky")
    desk.send("StartTransaction", START)
    await desk.writer.flush()
    assert desk.said == ["InternalError", "idTagInfo, transactionId", "transaction.started"]
    assert (desk.known(), desk.stored()) == (1, 1)


async def test_a_handler_that_breaks_off_costs_its_request_and_what_it_had_half_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Site, transaction: object) -> None:
        self.charge_points["cp1"].record.labels.append("half changed")
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr(Site, "add_transaction", broken)
        desk.send("StartTransaction", START)
    assert "a mistake" in caplog.text
    desk.send("StartTransaction", START)
    assert desk.said == ["InternalError"], "nothing is worked out from memory that may be wrong"
    await desk.writer.flush()
    assert desk.said[1:] == ["InternalError", "message.quarantined"]
    assert desk.live.site.charge_points["cp1"].record.labels == []
    desk.send("StartTransaction", START)
    await desk.writer.flush()
    assert desk.said[3:] == ["idTagInfo, transactionId", "transaction.started"]
    assert (desk.known(), desk.stored()) == (1, 1)


async def test_what_csms_fails_to_handle_is_kept_until_it_comes_again_and_is_handled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its charge point gives it up after some attempts (C 3.7.1, 9.1.31)."""

    def broken(self: Site, transaction: object) -> None:
        raise RuntimeError("a mistake")

    def kept() -> list[tuple[str, str, str | None]]:
        with closing(sqlite3.connect(desk.path)) as other:
            return other.execute("SELECT action, reason, settlement FROM quarantine").fetchall()

    with monkeypatch.context() as patched:
        patched.setattr(Site, "add_transaction", broken)
        for _ in range(3):
            desk.send("StartTransaction", START)
            await desk.writer.flush()
    assert desk.said == ["InternalError", "message.quarantined", "InternalError", "InternalError"]
    assert kept() == [("StartTransaction", "csms failed to handle it", None)]

    desk.send("StartTransaction", {**START, "meterStart": 1001})
    await desk.writer.flush()
    assert len(desk.cp.orphans) == 1, "another one"
    desk.send("StartTransaction", START)
    await desk.writer.flush()
    assert kept() == [("StartTransaction", "csms failed to handle it", "came again, and was handled")]
    assert (len(desk.cp.orphans), desk.cp.orphans.failed) == (0, set())


async def test_whoever_cannot_take_its_answer_keeps_nobody_from_the_news(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once it is on disk it is told, whatever becomes of the answer; and so is what comes after it in the commit."""

    def gone(request: Requested, answer: bytes | OcppError) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(desk, "answered", gone)
    desk.send("StartTransaction", START)
    desk.send("StartTransaction", START, long=True)
    desk.send("StopTransaction", STOP)
    await desk.writer.flush()
    assert desk.said == ["transaction.started", "message.quarantined", "transaction.stopped"]
    assert desk.stored() == 1
    assert caplog.text.count("RuntimeError: a mistake") == 3


async def test_what_breaks_off_behind_the_handler_costs_as_much(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(confirmation: object) -> bytes:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr("csmsd.charge_points.dispatch.encode_payload", broken)
        desk.send("StartTransaction", START)
        assert desk.known() == 1
        await desk.writer.flush()
    assert desk.said == ["InternalError", "message.quarantined"]
    assert "CP1: StartTransaction could not be handled" in caplog.text
    assert (desk.known(), desk.stored()) == (0, 0), "memory is as the disk is"
    desk.send("StartTransaction", START)
    await desk.writer.flush()
    assert desk.said[2:] == ["idTagInfo, transactionId", "transaction.started"]


async def test_what_breaks_off_behind_an_executable_is_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(confirmation: object) -> bytes:
        raise RuntimeError("a mistake")

    told = Hooks(DataTransfer(hooks=[DataTransferHook(vendor_id="V", command="/bin/true")]))
    desk.live.site.data_transfer = told._settings
    desk.dispatcher = Dispatcher(desk.live, told, desk._recall)
    monkeypatch.setattr("csmsd.charge_points.dispatch.encode_payload", broken)
    desk.send("DataTransfer", {"vendorId": "V"})
    await asyncio.gather(*told._tasks)
    assert desk.said == ["InternalError"]
    assert "CP1: DataTransfer could not be handled" in caplog.text


# --- who is not accepted, and what is no request


async def test_before_it_is_accepted_only_its_boot_is_taken_and_what_it_was_asked_for_once(desk: Desk) -> None:
    """JE 3.8"""
    desk.cp.record.boot_status = "Pending"
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    desk.send("StatusNotification", status)
    assert desk.said == ["SecurityError"]
    assert "StatusNotification" not in desk.cp.heard
    desk.cp.triggered.add("StatusNotification")
    desk.send("StatusNotification", status)
    await desk.writer.flush()
    assert desk.said[1:] == ["", "connector.status"]
    assert desk.cp.heard["StatusNotification"] == NOON
    desk.send("StatusNotification", status)
    assert desk.said[3:] == ["SecurityError"], "one trigger permits one"


@pytest.mark.parametrize(("action", "code"), [("Reset", "NotSupported"), ("Nonsense", "NotImplemented")])
async def test_what_is_no_request_of_a_charge_point(desk: Desk, action: str, code: str) -> None:
    desk.send(action, {})
    assert desk.said == [code]
    assert desk.dispatcher.traffic.calls["in"]["Reset" if action == "Reset" else "other"] == 1


async def test_one_that_is_too_long_is_refused_counted_and_kept_before_it_is_answered(desk: Desk) -> None:
    desk.send("StartTransaction", START, long=True)
    assert (desk.said, desk.known()) == ([], 0)
    await desk.writer.flush()
    assert desk.said == ["FormationViolation", "message.quarantined"]
    assert desk.told == [{"action": "StartTransaction"}]
    assert len(desk.cp.orphans) == 1
    assert [(place, count.count) for place, count in desk.cp.deviations.items()] == [
        (("StartTransaction", "frame", "too_long"), 1)
    ]
    desk.send("Heartbeat", {}, long=True)
    assert desk.said[2:] == ["FormationViolation"], "nothing of it is to be kept"
    desk.send("StopTransaction", STOP, long=True)
    await desk.until_looked_up()
    assert desk.said[3:] == ["", "transaction.orphaned"], "that one may hold the readings of days"


async def test_news_of_what_is_not_kept_are_told_after_the_answer(desk: Desk) -> None:
    desk.send("FirmwareStatusNotification", {"status": "Idle"})  # of no update of ours
    assert desk.said == ["", "firmware.status"]


async def test_which_requests_leave_something_to_keep(desk: Desk) -> None:
    writes = [desk.dispatcher.writes(action) for action in ("StartTransaction", "Heartbeat", "Reset", "Nonsense")]
    assert writes == [True, False, False, False]


async def test_what_is_refused_is_counted(desk: Desk) -> None:
    desk.send("Authorize", {})
    assert desk.said == ["OccurenceConstraintViolation"]
    assert desk.dispatcher.traffic.calls["in"]["Authorize"] == 1


# --- what memory does not hold


@pytest.fixture
def forgetful(desk: Desk) -> Desk:
    """There are transactions of CP1 that are on disk alone; what is not there is noted, once that was looked up."""
    desk.cp.transactions.leave_on_disk(NOON)
    desk.recall = lambda wanted: desk.cp.transactions.recall(wanted, [])
    return desk


async def test_what_comes_while_it_is_looked_up_waits_for_its_turn(forgetful: Desk) -> None:
    desk = forgetful
    desk.send("StopTransaction", STOP)
    desk.send("Heartbeat", {})
    desk.send("Reset", {})
    assert desk.said == []
    await desk.until_looked_up()
    assert desk.looked_up == [("CP1", Wanted(ids=(7,))), ("CP1", Wanted(stop_text=STOP["timestamp"]))]
    # The first is answered after its commit, these need none.
    assert desk.said == ["currentTime", "NotSupported", "", "transaction.orphaned"]
    assert desk.dispatcher.traffic.calls["in"]["StopTransaction"] == 1
    desk.send("Heartbeat", {})
    assert desk.said[4:] == ["currentTime"], "nothing waits any more"


@pytest.mark.parametrize("error", [NotStored("no disk"), RuntimeError("a mistake")])
async def test_where_it_cannot_be_looked_up_that_request_comes_again(
    forgetful: Desk, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """C 3.7; the others are not about that."""
    desk = forgetful

    def fail(wanted: Wanted) -> None:
        raise error

    desk.recall = fail
    desk.send("StopTransaction", STOP)
    desk.send("Heartbeat", {})
    await desk.until_looked_up()
    assert desk.said == ["InternalError", "currentTime"]
    assert "asks again" not in caplog.text, "it was not handled a second time"
    assert len(desk.cp.orphans) == 0


async def test_who_is_removed_meanwhile_is_refused(forgetful: Desk) -> None:
    desk = forgetful
    desk.recall = lambda wanted: desk.live.site.charge_points.clear()
    desk.send("StopTransaction", STOP)
    desk.send("Heartbeat", {})
    await desk.until_looked_up()
    assert desk.said == ["SecurityError", "SecurityError"]


async def test_what_was_looked_up_is_not_looked_up_for_ever(forgetful: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk = forgetful
    desk.recall = lambda wanted: None
    for count in (1, 2):
        desk.send("StopTransaction", STOP)
        await desk.until_looked_up()
        assert desk.said == ["InternalError"] * count
        assert len(desk.looked_up) == count, "each request once"
    assert "asks again for what was looked up" in caplog.text


# --- what takes long gives others their turns


READINGS = 12_000


def long_stop(**fields: Any) -> dict[str, Any]:
    """As long as one may be, with readings of some hours."""
    values = [
        {
            "timestamp": f"2026-03-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000Z",
            "sampledValue": [{"value": str(1000 + n // 20)}],
        }
        for n in range(READINGS)
    ]
    return STOP | {"transactionId": 1, "timestamp": "2026-03-01T11:00:00.000Z", "transactionData": values} | fields


@pytest.fixture
async def charging(desk: Desk) -> Desk:
    desk.send("StartTransaction", START | {"timestamp": "2026-03-01T00:00:00.000Z"})
    await desk.writer.flush()
    desk.said.clear()
    return desk


def stops(desk: Desk) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(desk.path)) as database:
        return list(database.execute("SELECT state, meter_stop_wh, energy_wh FROM transactions"))


def kept_readings(desk: Desk) -> int:
    with closing(sqlite3.connect(desk.path)) as database:
        ((kept,),) = database.execute("SELECT count(*) FROM meter_value")
    return int(kept)


async def test_others_have_their_turns_while_a_long_stop_is_worked_out(charging: Desk) -> None:
    desk = charging
    desk.send("StopTransaction", long_stop(), long=True)
    desk.send("Reset", {})  # waits for its turn
    turns = 0
    while desk.dispatcher._waiting:
        turns += 1
        await asyncio.sleep(0)
    assert turns > 3
    assert desk.said == ["NotSupported"], "the stop is answered after its commit"
    await desk.writer.flush()
    assert desk.said == ["NotSupported", "", "transaction.stopped"]
    assert (stops(desk), kept_readings(desk)) == ([("stopped", 2000, 1000)], READINGS)
    assert desk.dispatcher.traffic.calls["in"]["StopTransaction"] == 1
    assert desk.cp.transactions.gathered(1) is None


async def test_a_long_stop_is_booked_as_one_that_is_short(charging: Desk) -> None:
    charging.send("StopTransaction", long_stop())
    await charging.writer.flush()
    assert (stops(charging), kept_readings(charging)) == ([("stopped", 2000, 1000)], READINGS)


async def test_memory_that_is_loaded_anew_meanwhile_costs_nothing_of_it(charging: Desk) -> None:
    desk = charging
    desk.send("StopTransaction", long_stop(), long=True)
    await asyncio.sleep(0)
    await desk.live.recover()
    await desk.until_looked_up()
    assert desk.said == ["", "transaction.stopped"]
    assert (stops(desk), kept_readings(desk)) == ([("stopped", 2000, 1000)], READINGS)


async def test_who_is_removed_while_its_long_stop_is_worked_out_is_refused(charging: Desk) -> None:
    desk = charging
    desk.send("StopTransaction", long_stop(), long=True)
    await asyncio.sleep(0)
    desk.live.site.charge_points.clear()
    await desk.until_looked_up()
    assert desk.said == ["SecurityError"]


async def test_what_a_long_stop_means_is_looked_up_first(charging: Desk) -> None:
    desk = charging
    desk.cp.transactions.leave_on_disk(NOON)
    desk.recall = lambda wanted: desk.cp.transactions.recall(wanted, [])
    desk.send("StopTransaction", long_stop(transactionId=7), long=True)
    await desk.until_looked_up()
    assert [wanted.ids for _, wanted in desk.looked_up] == [(7,), ()]
    assert desk.said == ["", "transaction.stopped"], "by a guess: it is the only one that runs"
    assert kept_readings(desk) == READINGS


@pytest.mark.parametrize("error", [NotStored("no disk"), RuntimeError("a mistake")])
async def test_where_what_a_long_stop_means_cannot_be_looked_up_it_comes_again(
    charging: Desk, error: Exception
) -> None:
    desk = charging

    def fail(wanted: Wanted) -> None:
        raise error

    desk.cp.transactions.leave_on_disk(NOON)
    desk.recall = fail
    desk.send("StopTransaction", long_stop(transactionId=7), long=True)
    desk.send("Heartbeat", {})
    await desk.until_looked_up()
    assert desk.said == ["InternalError", "currentTime"]
    assert (stops(desk), kept_readings(desk)) == ([("active", None, 0)], 0)


async def test_shapes_that_are_new_are_stored_before_others_use_them(charging: Desk) -> None:
    desk = charging
    stop = long_stop()
    stop["transactionData"][0]["sampledValue"][0]["location"] = "Body"
    desk.send("StopTransaction", stop, long=True)
    for _ in range(1000):
        if len(desk.live.site.meter_shapes._numbers) == 2:
            break
        await asyncio.sleep(0)
    desk.live.site.charge_points.clear()  # so that nothing else comes of it
    await desk.until_looked_up()
    with closing(sqlite3.connect(desk.path)) as database:
        assert database.execute("SELECT count(*) FROM meter_shape").fetchone() == (2,)


async def test_a_long_stop_that_cannot_be_read_is_not_held_until_the_collector_comes(charging: Desk) -> None:
    desk = charging
    stop = long_stop(meterStop=[], reason="unlike any other")
    del stop["transactionData"][100:]
    desk.send("StopTransaction", stop, long=True)
    await desk.until_looked_up()
    desk.send("StartTransaction", START)  # the writer holds on to what it has written last
    await desk.writer.flush()
    requests = [one for one in gc.get_objects() if isinstance(one, Requested)]
    assert [one for one in requests if b"unlike any other" in bytes(one.payload)] == []
