"""Pruning, with the real store: what is old goes, what is open or owed stays, numbers go on, and nobody waits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from csmsd import pruning
from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.ports.pruning import PruneKind
from csmsd.ports.store import NotStored, Removal
from csmsd.profiles.core.charge_points import ChargePoint, QuarantinedMessage
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Change
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.site import Site
from csmsd.profiles.task import Task
from csmsd.pruning import Pruner
from csmsd.settings.sections import Retention
from csmsd.store import prunable
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.prunable import Prunable
from csmsd.store.writer import Writer

DAY = 86_400_000
NOW = 1_790_000_000_000
OLD, NEW = NOW - 100 * DAY, NOW - DAY


class Files:
    """The storage, as pruning sees it."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def remove(self, kind: str, stored: str) -> None:
        self.removed.append(stored)


class Books:
    """A file with a writer and a pruner; the clock stands still."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = Files()
        self.patience = 0
        self.settings = Retention(keep_unexported=False)
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOW, keep=lambda event: None)
        self.live = LiveSite(self.writer, bus, lambda: NOW, lambda: load_site(path, Site()))
        self.pruner = Pruner(
            self.live,
            self.writer,
            Prunable(path),
            self.files,  # type: ignore[arg-type]
            self.settings,
            lambda: self.patience,
        )

    @property
    def site(self) -> Site:
        return self.live.site

    async def keep(self, *changes: Change) -> None:
        await self.writer.commit([ChargePoint(id="CP1", registered_at=0), *changes])
        await self.live.open()

    async def prune(self, kind: PruneKind, days: int = 30) -> int:
        removed, more = await self.pruner.prune(kind, NOW - days * DAY, None)
        assert not more
        return removed

    def stored(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] if len(row) == 1 else row for row in connection.execute(sql)]


@pytest.fixture
async def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    # Small commits, so that several are needed.
    monkeypatch.setattr(prunable, "_ROWS", 3)
    monkeypatch.setattr(prunable, "_TRANSACTIONS", 2)
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5)
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = Books(path)
    await made.writer.open()
    yield made
    await made.writer.close()


def transaction(number: int, time: int = OLD, **fields: Any) -> Transaction:
    usual: dict[str, Any] = {
        "charge_point": "CP1",
        "connector": 1,
        "id_tag": "A1",
        "id_tag_status": "Accepted",
        "state": "stopped",
        "start_time": time,
        "start_text": f"start {number}",
        "start_received_at": time,
        "stop_time": time,
        "stop_received_at": time,
        "meter_start_wh": 0,
        "booking": number,
        "reply": "{}",
    }
    return Transaction(id=number, **(usual | fields))


def reading(transaction_id: int | None, time: int = OLD) -> MeterReading:
    return MeterReading(
        charge_point="CP1", connector=1, transaction_id=transaction_id, time=time, text=None, shape=0, samples="[]"
    )


# --- transactions


async def test_what_is_looked_up_while_it_goes_is_gone_as_well(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    await books.keep(transaction(1), transaction(2, NEW))
    really = books.live.remove

    async def remove(removals: Sequence[Removal]) -> None:
        books.site.add_transaction(transaction(1))  # it was read a moment before
        await really(removals)

    monkeypatch.setattr(books.live, "remove", remove)
    assert await books.prune("transactions") == 1
    assert books.site.charge_points["cp1"].transactions.get(1) is None


async def test_old_transactions_go_with_their_meter_values(books: Books) -> None:
    ended = [transaction(number) for number in range(1, 8)]
    await books.keep(*ended, transaction(8, NEW), *[reading(number) for number in (1, 2, 8, None) for _ in range(10)])
    assert await books.prune("transactions") == 7
    assert books.stored("SELECT id FROM transactions") == [8]
    assert books.stored("SELECT DISTINCT transaction_id FROM meter_value") == [None, 8]
    assert [known.id for known in map(books.site.find_transaction, range(1, 9)) if known is not None] == [8]
    await books.live.open()
    assert books.site.new_transaction_id() == 9
    assert books.site.new_booking() == 9


@pytest.mark.parametrize(
    "kept",
    [
        transaction(1, state="active", stop_time=None, stop_received_at=None, booking=None),
        transaction(1, state="abandoned", stop_time=None, stop_received_at=None),
        transaction(1, NEW),
        transaction(1, stop_received_at=NEW),  # delivered late
        transaction(1, state="closed", stop_time=NEW, stop_received_at=None),
    ],
    ids=["active", "abandoned", "new", "late", "closed just now"],
)
async def test_what_is_open_or_new_stays(books: Books, kept: Transaction) -> None:
    await books.keep(kept, transaction(2, NEW), reading(1))
    assert await books.prune("transactions") == 0
    assert await books.prune("meter_values") == 0, "they are evidence of what is new"
    assert books.stored("SELECT id FROM transactions") == [1, 2]


async def test_the_last_booking_stays_since_it_says_where_the_numbers_go_on(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, booking=4), transaction(3, booking=3))
    assert await books.prune("transactions") == 2
    assert books.stored("SELECT id FROM transactions") == [2]
    await books.live.open()
    assert books.site.new_booking() == 5
    assert books.site.new_transaction_id() == 4


async def test_what_no_export_has_delivered_stays_unless_the_settings_let_it_go(books: Books) -> None:
    books.settings.keep_unexported = True
    await books.keep(*[transaction(number) for number in range(1, 6)])
    plan = await books.pruner.plan("transactions", 30)
    assert (plan.rows, plan.kept_unexported) == (0, 4)
    assert await books.prune("transactions") == 0
    await books.keep(Milestone(name="export", at=NOW, number=3))
    plan = await books.pruner.plan("transactions", 30)
    assert (plan.rows, plan.kept_unexported) == (3, 1)
    assert await books.prune("transactions") == 3
    assert books.stored("SELECT id FROM transactions") == [4, 5]


async def test_meter_values_that_come_in_meanwhile_fail_nobody(books: Books) -> None:
    """One in the commit before the transaction goes, and one that is told the transaction is unknown."""
    await books.keep(transaction(1), transaction(2, NEW), *[reading(1) for _ in range(10)])
    pruning_it = asyncio.create_task(books.prune("transactions"))
    sent = 0
    while not pruning_it.done():
        known = books.site.charge_points["cp1"].transactions.get(1)
        await books.writer.commit([reading(1 if known is not None else None, NEW)])
        sent += 1
        await asyncio.sleep(0.01)
    assert await pruning_it == 1
    assert sent > 0
    assert books.writer.failure is None
    assert books.stored("PRAGMA foreign_key_check") == []


async def test_a_meter_value_that_comes_in_at_the_last_moment_goes_with_its_transaction(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After all its readings were found and removed, and before it is forgotten: its answer has left already."""
    await books.keep(transaction(1), transaction(2, NEW), *[reading(1) for _ in range(5)])
    real = Prunable.readings_of
    came: list[bool] = []

    async def readings_of(self: Prunable, transactions: Sequence[int]) -> list[int]:
        found = await real(self, transactions)
        if not found and not came:
            assert books.site.find_transaction(1) is not None
            await books.writer.commit([reading(1, NEW)])
            came.append(True)
        return found

    monkeypatch.setattr(Prunable, "readings_of", readings_of)
    assert await books.prune("transactions") == 1
    assert came == [True]
    assert books.stored("SELECT id FROM transactions") == [2]
    assert books.stored("SELECT count(*) FROM meter_value") == [0]
    assert books.stored("PRAGMA foreign_key_check") == []


async def test_a_disk_at_fault_loses_nothing(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, NEW))
    with closing(sqlite3.connect(books.path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER broken BEFORE DELETE ON transactions BEGIN SELECT json('{'); END")
        with pytest.raises(NotStored):
            await books.prune("transactions")
        other.execute("DROP TRIGGER broken")
    assert books.site.find_transaction(1) is not None


# --- meter values


async def test_old_meter_values_go_wherever_they_lie(books: Books) -> None:
    running = transaction(2, NEW, state="active", stop_time=None, booking=None)
    order = [(1, OLD), (2, OLD), (2, OLD), (2, OLD), (2, OLD), (2, OLD), (1, OLD), (None, OLD), (1, NEW), (None, OLD)]
    await books.keep(transaction(1), running, *[reading(number, time) for number, time in order])
    assert (await books.pruner.plan("meter_values", 30)).rows == 4
    assert await books.prune("meter_values") == 4
    assert books.stored("SELECT transaction_id FROM meter_value ORDER BY id") == [2, 2, 2, 2, 2, 1]


async def test_meter_values_of_what_no_export_has_delivered_stay_as_well(books: Books) -> None:
    books.settings.keep_unexported = True
    await books.keep(
        *[transaction(number) for number in (1, 2)],
        *[reading(number) for number in (1, 2, None) for _ in range(4)],
    )
    plan = await books.pruner.plan("meter_values", 30)
    assert (plan.rows, plan.kept_unexported) == (4, 8)
    await books.keep(Milestone(name="export", at=NOW, number=1))
    plan = await books.pruner.plan("meter_values", 30)
    assert (plan.rows, plan.kept_unexported) == (8, 4)
    assert await books.prune("meter_values") == 8
    assert books.stored("SELECT DISTINCT transaction_id FROM meter_value") == [2]


async def test_where_meter_values_are_new_the_rest_is_not_looked_at(books: Books) -> None:
    await books.keep(transaction(1, NEW), *[reading(1, NEW) for _ in range(12)], reading(1, OLD))
    assert await books.prune("meter_values") == 0


# --- the other kinds


def task(number: int, time: int, **fields: Any) -> Task:
    usual: dict[str, Any] = {"state": "settled", "settled_at": time}
    return Task(
        id=number, created_at=time, uid=0, user=None, charge_point="CP1", action="Reset", request="{}",
        **(usual | fields),
    )  # fmt: skip


def followed(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "charge_point": "CP1",
        "created_at": OLD,
        "changed_at": OLD,
        "deadline_at": OLD,
        "location": "http://x/",
        **fields,
    }


def update(number: int, state: str = "installed", **fields: Any) -> FirmwareUpdate:
    return FirmwareUpdate(**followed(number, state=state, retrieve_at=OLD, downloads_left=0, **fields))


def upload(number: int, state: str = "uploaded", **fields: Any) -> DiagnosticsUpload:
    return DiagnosticsUpload(**followed(number, state=state, **fields))


async def test_tasks(books: Books) -> None:
    under_way = task(3, OLD, state="sent", settled_at=None)
    await books.keep(*[task(number, OLD) for number in (1, 2, 4, 5, 6)], under_way, task(7, NEW))
    assert await books.prune("tasks") == 5
    assert books.stored("SELECT id FROM task") == [3, 7]


async def test_reservations(books: Books) -> None:
    def reservation(number: int, charge_point: str, state: Any) -> Reservation:
        return Reservation(
            charge_point=charge_point, id=number, connector=1, id_tag="A1", state=state, created_at=OLD, expires_at=OLD,
            ended_at=OLD if state == "used" else None,
        )  # fmt: skip

    await books.keep(
        *[reservation(number, "CP1", "used") for number in range(1, 5)],
        reservation(2, "CP2", "reserved"),
        reservation(9, "CP2", "used"),
    )
    assert await books.prune("reservations") == 4
    assert books.stored("SELECT charge_point, id FROM reservation ORDER BY id") == [("CP2", 2), ("CP2", 9)]
    assert books.site.reservations.get("CP1", 1) is None


async def test_a_reservation_whose_id_is_in_use_again_stays(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was old when it was looked for; by the time that it would go, it is another one."""
    ended: dict[str, Any] = {"charge_point": "CP1", "connector": 1, "id_tag": "A1", "state": "used"}
    times: dict[str, Any] = {"created_at": OLD, "expires_at": OLD, "ended_at": OLD}
    await books.keep(*[Reservation(id=number, **ended, **times) for number in (1, 2, 3)])
    real = Prunable.reservations

    async def reservations(self: Prunable, before: int) -> list[Reservation]:
        found = await real(self, before)
        books.site.reservations.add(Reservation(id=2, **ended | {"state": "reserved"}, **times | {"ended_at": None}))
        return found

    monkeypatch.setattr(Prunable, "reservations", reservations)
    assert await books.prune("reservations") == 1
    assert books.stored("SELECT id FROM reservation ORDER BY id") == [2, 3]
    known = books.site.reservations.get("CP1", 2)
    assert known is not None
    assert known.active


async def test_firmware_updates_and_diagnostics(books: Books) -> None:
    in_a_rollout = [
        Rollout(id=1, created_at=OLD, file="f", parallel=1, canary=0, only_idle=False, max_failures=0, resumed_at=OLD),
        RolloutMember(rollout=1, charge_point="CP1", position=0, state="done", update_id=2),
    ]
    await books.keep(
        *[update(1), update(2), update(3, "downloading"), update(4), update(5), update(6, "refused")],
        *[upload(11, stored="a" * 32), upload(12), upload(13, "uploading"), upload(14)],
        *in_a_rollout,
    )
    assert await books.prune("firmware_updates") == 2
    # Of a rollout, not over, what its reports are about, and the newest.
    assert books.stored("SELECT id FROM firmware_update") == [2, 3, 5, 6]
    assert await books.prune("diagnostics") == 2
    assert books.stored("SELECT id FROM diagnostics_upload") == [13, 14]
    assert books.files.removed == ["a" * 32]
    assert books.site.firmware.uploads.get(11) is None


async def test_quarantine(books: Books) -> None:
    await books.keep(
        *[
            QuarantinedMessage(id=number, charge_point="CP1", received_at=time, action="A", reason="", payload="")
            for number, time in enumerate((OLD, OLD, NEW, OLD), 1)
        ]
    )
    assert await books.prune("quarantine") == 2
    assert books.stored("SELECT id FROM quarantine") == [3, 4]
    assert [orphan.number for orphan in books.site.charge_points["cp1"].orphans] == [3, 4], "nor does memory know them"


# --- a clock that was wrong


async def test_what_was_booked_while_the_clock_was_behind_is_no_older_than_what_came_before(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, NEW), transaction(3, time=0), transaction(4, NEW))
    assert await books.prune("transactions") == 1
    assert books.stored("SELECT id FROM transactions") == [2, 3, 4]


async def test_what_bears_a_time_in_the_future_keeps_nothing(books: Books) -> None:
    await books.keep(transaction(1, NOW + DAY), transaction(2), transaction(3, NEW))
    assert await books.prune("transactions") == 1
    assert books.stored("SELECT id FROM transactions") == [1, 3]


async def test_no_night_prunes_while_the_clock_cannot_be_relied_on(books: Books) -> None:
    await books.keep(transaction(1), transaction(2, NEW))
    books.settings.transactions_days = 30
    books.patience = 1
    await books.pruner.prune_all()
    assert books.stored("SELECT id FROM transactions") == [1, 2]
    books.patience = 0
    await books.pruner.prune_all()
    assert books.stored("SELECT id FROM transactions") == [2]


# --- the whole


async def test_a_night(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured goes, the file becomes smaller, and it is taken down."""
    monkeypatch.setattr(prunable, "_ROWS", 500)
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5000)
    monkeypatch.setattr(pruning, "_REST", 0)
    long = [MeterReading(**(fields(reading(1)) | {"samples": "x" * 2000})) for _ in range(2000)]
    await books.keep(transaction(1), task(1, OLD), *long)
    before = books.stored("SELECT * FROM pragma_page_count")[0]
    books.settings.meter_values_days = 30
    await books.pruner.prune_all()
    assert books.stored("SELECT count(*) FROM meter_value") == [0]
    assert books.stored("SELECT count(*) FROM task") == [1], "nobody said how long tasks are kept"
    assert books.stored("SELECT * FROM pragma_page_count")[0] < before / 5
    assert books.stored("SELECT name, number, user FROM milestone") == [("prune", 2000, None)]
    assert books.stored("PRAGMA integrity_check") == ["ok"]


def fields(record: MeterReading) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


async def test_a_bad_night_is_not_the_last(
    books: Books, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nights: list[Exception] = [NotStored("the disk is full"), RuntimeError("a mistake")]
    done = asyncio.Event()

    async def wait_for_the_night() -> None:
        await asyncio.sleep(0)

    async def prune_all() -> None:
        if nights:
            raise nights.pop(0)
        done.set()

    monkeypatch.setattr(books.pruner, "_wait_for_the_night", wait_for_the_night)
    monkeypatch.setattr(books.pruner, "prune_all", prune_all)
    running = asyncio.create_task(books.pruner.run())
    try:
        async with asyncio.timeout(30):
            await done.wait()
    finally:
        running.cancel()
    assert "pruning was broken off: the disk is full" in caplog.text
    assert "RuntimeError: a mistake" in caplog.text


async def test_pages_are_given_back_until_a_tenth_is_free(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_REST", 0)
    assert await books.pruner.shrink(None) is False, "there are none"
    long = [MeterReading(**(fields(reading(None)) | {"samples": "x" * 3000})) for _ in range(1500)]
    await books.keep(transaction(1, NEW), *long)
    with closing(sqlite3.connect(books.path, isolation_level=None)) as other:
        other.execute("DELETE FROM meter_value")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM meter_value").fetchone()
        assert await books.pruner.shrink(0.0) is True, "there was no time for any"
        other.execute("ROLLBACK")
    assert await books.pruner.shrink(None) is False
    [(free, pages)] = books.stored("SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count")
    assert free <= pages // 10
    assert free > 0
    assert books.stored("PRAGMA integrity_check") == ["ok"]


async def test_a_little_at_a_time(books: Books) -> None:
    await books.keep(transaction(1), *[reading(1) for _ in range(20)])
    removed, more = await books.pruner.prune("meter_values", NEW - DAY, 0.0)
    assert (removed, more) == (0, True)
    rounds = 0
    while more:
        some, more = await books.pruner.prune("meter_values", NEW - DAY, 0.001)
        removed, rounds = removed + some, rounds + 1
    assert removed == 20
    assert rounds > 2


async def test_a_little_at_a_time_it_comes_past_what_is_kept(books: Books) -> None:
    """Each round began at the first of them again, and never came to its end."""
    books.settings.keep_unexported = True
    await books.keep(transaction(1), *[reading(1) for _ in range(60)], *[reading(None) for _ in range(4)])
    removed, more, rounds = 0, True, 0
    while more and rounds < 1000:
        some, more = await books.pruner.prune("meter_values", NEW - DAY, 0.0001)
        removed, rounds = removed + some, rounds + 1
    assert (removed, more) == (4, False)
    assert await books.prune("meter_values") == 0, "the next pass begins at the first"


async def test_it_waits_for_the_time_of_the_settings(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 11, 2, 12, 0, 30)
    clock = [begun]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += timedelta(seconds=seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(books.live, "now", lambda: int(clock[0].timestamp() * 1000))
    for at, woken in (
        ("12:05", "2026-11-02 12:05:00"),
        ("12:05", "2026-11-03 12:05:00"),
        ("03:30", "2026-11-04 03:30:00"),
    ):
        books.settings.at = at
        await books.pruner._wait_for_the_night()
        assert str(clock[0]) == woken
    assert max(slept) <= 30
