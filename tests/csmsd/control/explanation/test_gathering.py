"""What is known about a transaction is found in memory, in the store and in the log."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from csmsd.control.explanation.facts import Facts, Measured, Presented
from csmsd.control.explanation.gathering import gather_facts
from csmsd.control.service import Service
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Record
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.task import Task
from csmsd.settings.sections import Settings
from csmsd.store.message_log.log import MessageLog
from csmsd.store.reader import Reader
from tests.csmsd.operations.engine import Engine, engine_at
from tests.csmsd.profiles.scene import NOON, Answer, Scene

MINUTE = 60_000


class Books:
    """What was kept and logged of a site at noon."""

    def __init__(self, engine: Engine, reader: Reader, log: MessageLog) -> None:
        self.engine = engine
        self.log = log
        self.service = Service(engine.live, reader, engine.runner, engine.queue, Settings())
        self._events = 0

    @property
    def scene(self) -> Scene:
        return self.engine.scene

    async def sent(self, answer: Answer) -> Answer:
        await self.engine.writer.commit(answer.changes)
        return answer

    async def started(self, **fields: Any) -> Transaction:
        answer = await self.sent(self.scene.start(**{"timestamp": format_timestamp(self.scene.now), **fields}))
        return self.scene.transaction(answer.payload["transactionId"])

    async def keep(self, *records: Record) -> None:
        await self.engine.store(*records)

    def at(self, minute: float) -> None:
        self.scene.now = NOON + round(minute * MINUTE)

    def logged(self, minute: float, frame: object, charge_point: str = "CP1") -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self.log.add_message(NOON + round(minute * MINUTE), charge_point, "in", text.encode())

    def event(self, minute: float, kind: str, charge_point: str | None = "CP1", **data: Any) -> None:
        self._events += 1
        time = NOON + round(minute * MINUTE)
        self.log.add_event(self._events, time, kind, charge_point, json.dumps(data))

    async def facts(self, transaction: Transaction) -> Facts:
        return await gather_facts(self.service, self.log, self.scene.transaction(transaction.id))


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with engine_at(tmp_path / "csms.db") as engine:
        log = MessageLog(tmp_path / "log.db", max_bytes=10**9, max_age_days=3650, to_forget_by=lambda: None)
        await log.open()
        reader = Reader(tmp_path / "csms.db")
        await reader.open()
        try:
            yield Books(engine, reader, log)
        finally:
            await reader.close()
            await log.close()


def command(number: int, minute: float, action: str = "Reset", **fields: Any) -> Task:
    time = NOON + round(minute * MINUTE)
    usual: dict[str, Any] = {"charge_point": "CP1", "request": "{}", "state": "settled", "outcome": "accepted"}
    return Task(id=number, created_at=time, settled_at=time, action=action, **usual | fields)


async def test_one_that_runs_lasts_until_now(books: Books) -> None:
    transaction = await books.started()
    books.at(30)
    found = await books.facts(transaction)
    assert (found.began, found.end, found.now) == (NOON, NOON + 30 * MINUTE, NOON + 30 * MINUTE)
    assert found.connected
    assert (found.energy_wh, found.doubts) == (0, [])


async def test_one_that_was_stopped_lasts_until_its_stop(books: Books) -> None:
    transaction = await books.started()
    books.at(20)
    await books.sent(books.scene.stop(transaction, meterStop=transaction.meter_start_wh + 700))
    books.at(90)
    found = await books.facts(transaction)
    assert (found.end, found.now) == (NOON + 20 * MINUTE, NOON + 90 * MINUTE)
    assert found.energy_wh == 700


async def test_one_that_was_never_stopped_lasts_until_the_next_one(books: Books) -> None:
    first = await books.started()
    books.at(40)
    await books.started()
    books.at(60)
    assert (await books.facts(first)).end == NOON + 40 * MINUTE


async def test_what_was_measured_in_base_units(books: Books) -> None:
    transaction = await books.started()
    books.at(5)
    samples: list[dict[str, object]] = [
        {"value": "42", "measurand": "SoC", "unit": "Percent"},
        {"value": "14", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": "16", "measurand": "Current.Import", "phase": "L2", "unit": "A"},
        {"value": "30", "measurand": "Current.Import", "phase": "N", "unit": "A"},
        {"value": "99", "measurand": "Current.Import", "phase": "L1", "unit": "A", "location": "Inlet"},
        {"value": "3.5", "measurand": "Power.Active.Import", "phase": "L1", "unit": "kW"},
        {"value": "3.7", "measurand": "Power.Active.Import", "phase": "L2", "unit": "kW"},
    ]
    await books.sent(books.scene.meter(*samples, transactionId=transaction.id))
    books.at(6)
    await books.sent(books.scene.meter("1500", transactionId=transaction.id))
    await books.sent(books.scene.meter("88000000", transactionId=transaction.id, connectorId=0))  # the main meter

    found = await books.facts(transaction)
    assert found.measured == [Measured(NOON + 5 * MINUTE, 42, 16, 7200), Measured(NOON + 6 * MINUTE)]
    assert found.heard_at == NOON + 6 * MINUTE


async def test_tasks_are_those_of_its_charge_point_around_it(books: Books) -> None:
    transaction = await books.started()
    books.at(20)
    await books.sent(books.scene.stop(transaction))
    await books.keep(
        command(1, -10.1),
        command(2, -10),
        command(3, 25),
        command(4, 25.1),
        command(5, 10, charge_point="CP2"),
        command(6, -3000, sent_at=NOON + 3 * MINUTE),  # it was queued for days
    )
    assert [task.id for task in (await books.facts(transaction)).tasks] == [2, 6, 3]


async def test_all_that_ever_changed_its_charging_profiles(books: Books) -> None:
    transaction = await books.started()
    books.at(20)
    await books.sent(books.scene.stop(transaction))
    await books.keep(
        command(1, -50_000, "SetChargingProfile"),
        command(2, -40_000, "ClearChargingProfile"),
        command(3, -30_000, "RemoteStartTransaction"),
        command(4, -30_000, "Reset"),
        command(5, 26, "SetChargingProfile"),
    )
    assert {task.id for task in (await books.facts(transaction)).profile_tasks} == {1, 2, 3}


async def test_events_are_those_of_its_charge_point_and_of_csmsd(books: Books) -> None:
    transaction = await books.started()
    books.at(20)
    await books.sent(books.scene.stop(transaction))
    books.event(-10.1, "charge_point.connected")
    books.event(-10, "charge_point.connected")
    books.event(1, "charge_point.disconnected", "CP2")
    books.event(2, "meter.values")
    books.event(3, "store.failed", None)
    books.event(24.9, "charge_point.booted")
    books.event(25.1, "charge_point.booted")
    books.event(9, "connector.status", connector=1, status="Charging", status_at=format_timestamp(NOON + 2 * MINUTE))
    found = await books.facts(transaction)
    assert [(event.type, (event.time - NOON) / MINUTE) for event in found.events] == [
        ("charge_point.connected", -10),
        ("connector.status", 2),  # as the charge point told it
        ("store.failed", 3),
        ("charge_point.booted", 24.9),
    ]
    assert found.events_since == NOON - round(10.1 * MINUTE)


async def test_when_csmsd_did_not_run(books: Books) -> None:
    transaction = await books.started()
    books.at(60)
    books.event(5, "daemon.stopping", None)
    books.event(8, "daemon.started", None)
    books.logged(12, [2, "1", "Heartbeat", {}])
    books.event(15, "daemon.started", None)  # it was killed
    found = await books.facts(transaction)
    assert [((begin - NOON) / MINUTE, (end - NOON) / MINUTE) for begin, end in found.downs] == [(5, 8), (12, 15)]


async def test_who_presented_what(books: Books) -> None:
    books.logged(-11, [2, "a0", "Authorize", {"idTag": "OLD"}])
    books.logged(-2, [2, "a1", "Authorize", {"idTag": "BOB"}])
    books.logged(-2, [3, "a1", {"idTagInfo": {"status": "Invalid"}}])
    books.logged(-1, [2, "a2", "Authorize", {"idTag": "TAG1"}])
    books.logged(-1, "[2, nonsense")
    books.logged(-1, "[" * 100_000)
    books.logged(-1, [2])
    books.logged(-0.5, [2, "a3", "Authorize", {"idTag": "EVE"}], "CP2")
    transaction = await books.started()
    books.logged(0, [2, "s", "StartTransaction", {"timestamp": transaction.start_text}])
    books.logged(5, [2, "a4", "Authorize", {"idTag": "LATER"}])
    found = await books.facts(transaction)
    assert found.presented == [
        Presented(NOON - 2 * MINUTE, "BOB", "Invalid"),
        Presented(NOON - MINUTE, "TAG1", None),
    ]
    assert found.start_is_logged


async def test_a_start_that_is_not_logged(books: Books) -> None:
    transaction = await books.started()
    assert not (await books.facts(transaction)).start_is_logged
    books.logged(0, [2, "s", "StartTransaction", {"timestamp": format_timestamp(NOON - 1)}])
    assert not (await books.facts(transaction)).start_is_logged
    books.logged(0, [2, "s", "StartTransaction", {"timestamp": transaction.start_text}])
    assert (await books.facts(transaction)).start_is_logged


@pytest.mark.parametrize(
    ("status", "minute", "free"), [("Available", 10, 10), ("Charging", 10, None), ("Available", -1, None)]
)
async def test_since_when_its_connector_is_free(books: Books, status: str, minute: int, free: int | None) -> None:
    if minute < 0:
        books.at(minute)
        books.scene.status(1, status)
    books.at(0)
    transaction = await books.started()
    books.at(max(minute, 0))
    if minute >= 0:
        books.scene.status(1, status)
    books.at(30)
    assert (await books.facts(transaction)).free_since == (None if free is None else NOON + free * MINUTE)


async def test_a_connector_is_free_after_a_stop_for_certain(books: Books) -> None:
    transaction = await books.started()
    books.at(10)
    await books.sent(books.scene.stop(transaction))
    books.scene.status(1, "Available")
    assert (await books.facts(transaction)).free_since is None


@pytest.mark.parametrize(
    ("parent", "reserved_for", "group"),
    [("FLEET", "fleet", True), ("FLEET", "OTHER", False), (None, None, False), ("FLEET", None, False)],
)
async def test_its_reservation(books: Books, parent: str | None, reserved_for: str | None, group: bool) -> None:
    books.scene.tag("TAG1", parent=parent)
    reservation = Reservation(
        id=7,
        charge_point="CP1",
        connector=1,
        id_tag="TAG2",
        parent_id_tag=reserved_for,
        state="reserved",
        created_at=NOON,
        expires_at=NOON + MINUTE,
    )
    await books.keep(reservation)
    transaction = await books.started(reservationId=7)
    found = await books.facts(transaction)
    assert found.reservation is not None
    assert (found.reservation.id, found.of_one_group) == (7, group)
    assert (await books.facts(await books.started(connectorId=2))).reservation is None


async def test_what_is_known_of_the_charge_point(books: Books) -> None:
    books.scene.site.policies.voltage = 240
    books.scene.status(2, "Available")
    books.scene.status(1, "Available")
    transaction = await books.started()
    found = await books.facts(transaction)
    assert (found.connectors, found.voltage) == ((1, 2), 240)
    assert found.in_local_list is None  # nobody knows its list
    books.scene.cp.connected_at = None
    assert not (await books.facts(transaction)).connected
