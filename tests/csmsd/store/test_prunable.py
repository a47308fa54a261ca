"""What may go, found in the file: nothing that is open, owed to an export, or says where numbers go on."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from csmsd.ports.pruning import PruneKind
from csmsd.ports.store import Removal
from csmsd.profiles.audit import Audited
from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.core.metering import MeterReading
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.record import Record
from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, Reservation
from csmsd.profiles.security.security_events import SecurityEvent
from csmsd.profiles.security.upgrades import SecurityUpgrade, UpgradeState
from csmsd.profiles.task import QueuedCommand, Task
from csmsd.store import prunable
from csmsd.store.database import prepare_database
from csmsd.store.prunable import Prunable
from csmsd.store.writer import Writer
from tests.csmsd.control.filled import filled

BEFORE = 1_000_000
OLD, NEW = BEFORE - 1, BEFORE
NOW = 2 * BEFORE
ALL_EXPORTED = 10**9


class Store:
    def __init__(self, path: Path) -> None:
        self.writer = Writer(path, recover=self._nothing)
        self.prunable = Prunable(path)

    async def _nothing(self) -> None:
        """No live state is to be loaded anew."""

    async def keep(self, *records: Record) -> None:
        await self.writer.commit(records)

    async def may_go(self, kind: PruneKind, exported: int = ALL_EXPORTED) -> list[int]:
        """The ids, which are as many as are counted."""
        found: list[int] = []
        after = 0
        while (batch := await self.prunable.next(kind, BEFORE, exported, after, NOW)) is not None:
            assert batch.last > after
            found, after = found + list(batch.ids), batch.last
        assert (await self.prunable.count(kind, BEFORE, exported, NOW, exported)).rows == len(found)
        return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    prepare_database(tmp_path / "csms.db")
    made = Store(tmp_path / "csms.db")
    await made.writer.open()
    yield made
    await made.writer.close()


def transaction(number: int, **fields: Any) -> Transaction:
    usual: dict[str, Any] = {
        "state": "stopped",
        "booking": number,
        "stop_received_at": OLD,
        "stop_time": OLD,
        "start_text": str(number),
    }
    return filled(Transaction, id=number, **usual | fields)


LAST = transaction(99)  # its booking says where the numbers go on


# --- transactions


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        ({}, True),
        ({"state": "closed"}, True),
        ({"state": "active"}, False),
        ({"state": "abandoned"}, False),
        ({"stop_received_at": NEW}, False),
        ({"stop_time": NEW}, True),  # what counts is when we were told
        ({"stop_received_at": None}, True),
        ({"stop_received_at": None, "stop_time": NEW}, False),
        ({"booking": None}, False),
    ],
)
async def test_which_transactions(store: Store, fields: dict[str, Any], goes: bool) -> None:
    await store.keep(transaction(1, **fields), LAST)
    assert await store.may_go("transactions") == ([1] if goes else [])


async def test_the_last_booking_stays(store: Store) -> None:
    await store.keep(transaction(1), transaction(2))
    assert await store.may_go("transactions") == [1]


async def test_what_no_export_has_delivered_stays(store: Store) -> None:
    await store.keep(*(transaction(number) for number in (1, 2, 3)), transaction(4, stop_received_at=NEW), LAST)
    assert await store.may_go("transactions", exported=2) == [1, 2]
    assert await store.prunable.count("transactions", BEFORE, 2, NOW, 2) == (2, 1)
    assert await store.prunable.count("transactions", BEFORE, 3, NOW, 3) == (3, 0)


async def test_pieces_are_small(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prunable, "_TRANSACTIONS", 2)
    await store.keep(*(transaction(number) for number in (1, 2, 3, 5)), LAST)
    first = await store.prunable.next("transactions", BEFORE, ALL_EXPORTED, 0, NOW)
    assert first is not None
    assert (first.kind, list(first.ids), first.last) == (Transaction, [1, 2], 2)
    second = await store.prunable.next("transactions", BEFORE, ALL_EXPORTED, first.last, NOW)
    assert second is not None
    assert (list(second.ids), second.last) == ([3, 5], 5)
    assert await store.prunable.next("transactions", BEFORE, ALL_EXPORTED, second.last, NOW) is None


# --- meter values


def reading(transaction_id: int | None, time: int = OLD) -> MeterReading:
    return filled(MeterReading, transaction_id=transaction_id, time=time, text=None, samples="[]")


async def test_which_meter_values(store: Store) -> None:
    await store.keep(transaction(1), transaction(2, state="active"), transaction(3, state="abandoned"))
    await store.keep(transaction(4, state="closed"))
    await store.keep(*map(reading, (1, 2, 3, 4, None)), reading(1, NEW))
    assert await store.may_go("meter_values") == [1, 4, 5]


async def test_meter_values_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prunable, "_ROWS", 3)
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5)
    running = transaction(2, state="active")
    await store.keep(running, *(reading(2 if number <= 7 else None) for number in range(1, 18)))
    assert await store.may_go("meter_values") == list(range(8, 18))
    first = await store.prunable.next("meter_values", BEFORE, 0, 0, NOW)
    assert first is not None
    assert (list(first.ids), first.last) == ([], 5), "so many were looked at"
    third = await store.prunable.next("meter_values", BEFORE, 0, 7, NOW)
    assert third is not None
    assert (list(third.ids), third.last) == ([8, 9, 10], 10)


@pytest.mark.parametrize("at_once", [1, 500])
@pytest.mark.parametrize(
    ("times", "go"),
    [
        ("ooo", [1, 2, 3]),
        ("nnnnno", []),  # none of five is old
        ("nnnno", [5]),
        ("onnnno", [1, 6]),
        ("onnnnno", [1]),
        ("oonnnnonnnnnoooo", [1, 2, 7]),
        ("onnnrnnnno", [1, 10]),  # what stays since it runs is as old
        ("onnnrnnnnno", [1]),
        ("onnn   nnooo", [1]),  # of what is there
        ("o   nnnno", [1, 9]),
    ],
)
async def test_where_none_is_old_the_rest_is_neither_looked_at_nor_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch, times: str, go: list[int], at_once: int
) -> None:
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5)
    monkeypatch.setattr(prunable, "_ROWS", at_once)
    running = transaction(1, state="active")
    await store.keep(running, *(reading(1 if time == "r" else None, NEW if time == "n" else OLD) for time in times))
    await store.writer.remove([Removal(MeterReading, "id", [at + 1 for at, time in enumerate(times) if time == " "])])
    assert await store.may_go("meter_values") == go


async def test_meter_values_of_transactions_go_before_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prunable, "_ROWS", 3)
    await store.keep(*map(transaction, (1, 2, 3)), *map(reading, (1, 2, 3, 1, 2)))
    assert sorted(await store.prunable.readings_of([1])) == [1, 4]
    assert len(await store.prunable.readings_of([1, 2])) == 3
    assert await store.prunable.readings_of([9]) == []


# --- the others


def task(number: int, **fields: Any) -> Task:
    return filled(
        Task, id=number, **{"state": "settled", "created_at": OLD, "settled_at": OLD, "part_of": None} | fields
    )


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        ({}, True),
        ({"state": "expired", "settled_at": None}, True),
        ({"state": "cancelled"}, True),
        ({"state": "queued"}, False),
        ({"state": "recorded"}, False),
        ({"state": "sent"}, False),
        ({"settled_at": NEW}, False),
        ({"settled_at": None, "created_at": NEW}, False),
    ],
)
async def test_which_tasks(store: Store, fields: dict[str, Any], goes: bool) -> None:
    await store.keep(task(1, **fields))
    assert await store.may_go("tasks") == ([1] if goes else [])


async def test_a_task_whose_command_is_still_kept_stays(store: Store) -> None:
    await store.keep(task(1), task(2), filled(QueuedCommand, task=1))
    assert await store.may_go("tasks") == [2]


def reservation(number: int, **fields: Any) -> Reservation:
    return filled(Reservation, id=number, asked=[], **{"state": "used", "ended_at": OLD, "expires_at": OLD} | fields)


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        ({}, True),
        ({"state": "expired", "ended_at": None}, True),
        ({"state": "requested"}, False),
        ({"state": "reserved"}, False),
        ({"ended_at": NEW}, False),
        ({"ended_at": None, "expires_at": NEW}, False),
    ],
)
async def test_which_reservations(store: Store, fields: dict[str, Any], goes: bool) -> None:
    await store.keep(reservation(1, **fields), reservation(2, state="reserved"))
    assert [one.id for one in await store.prunable.reservations(BEFORE)] == ([1] if goes else [])
    assert await store.prunable.count("reservations", BEFORE, 0, NOW, 0) == (goes, 0)


async def test_the_last_reservation_of_ours_stays(store: Store) -> None:
    foreign = LARGEST_OWN_ID + 1
    await store.keep(reservation(1), reservation(2), reservation(foreign))
    found = await store.prunable.reservations(BEFORE)
    assert {one.id for one in found} == {1, foreign}
    assert reservation(1) in found, "they come as whole records"


def of_updates(number: int, **fields: Any) -> FirmwareUpdate:
    usual = {"state": "installed", "changed_at": OLD, "delivered": []}
    return filled(FirmwareUpdate, id=number, **usual | fields)


def of_uploads(number: int, **fields: Any) -> DiagnosticsUpload:
    return filled(DiagnosticsUpload, id=number, **{"state": "uploaded", "changed_at": OLD} | fields)


@pytest.mark.parametrize(("kind", "made"), [("firmware_updates", of_updates), ("diagnostics", of_uploads)])
async def test_which_updates_and_uploads(store: Store, kind: PruneKind, made: Any) -> None:
    await store.keep(
        made(1),
        made(2, state="requested"),
        made(3, changed_at=NEW),
        made(4),  # the newest that the charge point may report on
        made(5, state="refused"),  # the newest
        made(6, charge_point="CP2"),
    )
    assert await store.may_go(kind) == [1]


async def test_an_update_of_a_rollout_stays(store: Store) -> None:
    await store.keep(*map(of_updates, (1, 2, 3)), filled(Rollout, id=1))
    await store.keep(filled(RolloutMember, rollout=1, update_id=1))
    await store.keep(filled(RolloutMember, rollout=1, update_id=None, charge_point="CP2"))
    assert await store.may_go("firmware_updates") == [2]


async def test_what_was_kept_in_quarantine(store: Store) -> None:
    def message(number: int, received_at: int = OLD) -> QuarantinedMessage:
        return filled(QuarantinedMessage, id=number, received_at=received_at)

    await store.keep(message(1), message(2, NEW), message(3))
    assert await store.may_go("quarantine") == [1]


async def test_the_audit(store: Store) -> None:
    await store.keep(
        filled(Audited, id=1, time=OLD, last_time=OLD),
        filled(Audited, id=2, time=OLD, last_time=NEW),
        filled(Audited, id=3, time=NEW, last_time=NEW),
    )
    assert await store.may_go("audit") == [1]


async def test_security_events_by_their_last_repetition(store: Store) -> None:
    def event(number: int, last_received_at: int) -> SecurityEvent:
        return filled(SecurityEvent, id=number, source="csmsd", received_at=OLD, last_received_at=last_received_at)

    await store.keep(event(1, OLD), event(2, NEW), event(3, OLD))
    assert await store.may_go("security_events") == [1, 3]


async def test_attempts_to_raise_a_profile_that_are_over_and_not_the_newest(store: Store) -> None:
    def attempt(number: int, state: UpgradeState, **fields: Any) -> SecurityUpgrade:
        return filled(SecurityUpgrade, id=number, **{"state": state, "changed_at": OLD} | fields)

    await store.keep(
        attempt(1, "confirmed"),
        attempt(2, "fell_back", changed_at=NEW),
        attempt(3, "expired"),  # a connection may still decide it
        attempt(4, "interrupted"),
        attempt(5, "refused"),
        attempt(6, "refused"),  # the newest
        attempt(7, "confirmed", charge_point="CP2"),
    )
    assert await store.may_go("security_upgrades") == [1, 4, 5]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("quarantine", lambda number, time: filled(QuarantinedMessage, id=number, received_at=time)),
        ("audit", lambda number, time: filled(Audited, id=number, time=time, last_time=time)),
        (
            "tasks",
            lambda number, time: filled(Task, id=number, state="settled", created_at=time, settled_at=time),
        ),
        (
            "security_events",
            lambda number, time: filled(
                SecurityEvent, id=number, source="csmsd", received_at=time, last_received_at=time
            ),
        ),
        (
            "security_upgrades",
            lambda number, time: filled(SecurityUpgrade, id=number, state="refused", created_at=time, changed_at=time),
        ),
    ],
)
async def test_what_came_behind_what_is_new_only_bears_a_wrong_time(
    store: Store, kind: PruneKind, row: Callable[[int, int], Record]
) -> None:
    """The clock was years behind for a while; and years ahead, which makes nothing new."""
    await store.keep(row(1, OLD), row(2, NOW + 1), row(3, OLD), row(4, NEW), row(5, OLD), row(6, NEW))
    assert await store.may_go(kind) == [1, 3]


async def test_of_millions_that_are_old_some_are_looked_at_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prunable, "_ROWS", 3)
    monkeypatch.setattr(prunable, "_LOOKED_AT", 5)
    open_ones = range(5, 18)
    old = [task(number, state="sent" if number in open_ones else "settled") for number in range(1, 30)]
    await store.keep(*old, task(30, created_at=NEW), task(31))
    assert await store.may_go("tasks") == [*range(1, 5), *range(18, 30)]
    third = await store.prunable.next("tasks", BEFORE, 0, 4, NOW)
    assert third is not None
    assert (list(third.ids), third.last) == ([], 9), "so many were looked at"


async def test_the_file_is_only_read(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await store.prunable._rows("DELETE FROM task")


async def test_pages_that_can_be_given_back(store: Store) -> None:
    free, pages = await store.prunable.free_pages()
    assert 0 <= free < pages
