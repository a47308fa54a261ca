"""What a start leaves on disk of transactions that run: whatever comes first, figures are as if it were all there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from csmsd.charge_points.dispatch import Dispatcher
from csmsd.control.methods import charge_points, transactions
from csmsd.control.registrations import Registrations
from csmsd.control.rpc import Caller
from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.measuring import Measuring
from csmsd.metrics.energy import EnergyCounter
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.errors import OcppError
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.core.metering import MeterShapes
from csmsd.profiles.core.transactions import NotRemembered, Transaction
from csmsd.profiles.site import Site
from csmsd.recall import Recall
from csmsd.settings.sections import Settings
from csmsd.store.loader import load_site
from csmsd.store.past import Past
from csmsd.store.reader import Reader
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import NOON
from tests.csmsd.store.test_loader import readings, transaction, write

RUNNING: dict[str, Any] = {"start_time": NOON - 3_600_000, "start_received_at": NOON - 3_600_000}
THEN = "2026-03-01T12:30:00.000Z"


class Started:
    """A csmsd that has just started on a file: CP1 has transactions 7 and 8 on its two connectors, both measured."""

    def __init__(self, path: Path) -> None:
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOON, keep=lambda event: None)
        self.live = LiveSite(self.writer, bus, lambda: NOON + 1_800_000, lambda: load_site(path, Site()))
        self.past = Past(path)
        self.reader = Reader(path)
        self.recall = Recall(self.live, self.past)
        nobody: Any = None
        self.dispatcher = Dispatcher(self.live, nobody, self.recall)
        self.measuring = Measuring(self.live, self.recall)
        self.answers: list[object] = []

    @property
    def cp(self) -> ChargePointState:
        return self.live.site.charge_points["cp1"]

    def answered(self, request: Requested, answer: bytes | OcppError) -> None:
        self.answers.append(answer.code if isinstance(answer, OcppError) else json.loads(answer))

    async def send(self, action: str, payload: object) -> object:
        self.dispatcher.dispatch(self.cp, Requested("1", action, msgspec.Raw(msgspec.json.encode(payload))), self)
        while self.dispatcher._look_ups:
            await asyncio.gather(*self.dispatcher._look_ups)
        await self.writer.flush()
        return self.answers.pop()

    async def asked(self, subject: str, method: str, **parameters: object) -> dict[str, Any]:
        """What an operator is answered."""
        nobody: Any = None
        links: Any = Links()
        common = (self.live, self.reader, nobody, nobody, Settings())
        subjects: dict[str, tuple[Any, object]] = {
            "transaction": (transactions.METHODS, transactions.Transactions(*common, self.recall)),
            "charge_point": (
                charge_points.METHODS,
                Registrations(*common, links, nobody, self.past, lambda: False),
            ),
        }
        table, service = subjects[subject]
        declared = table[f"{subject}.{method}"]
        done = self.measuring.done
        caller = Caller(uid=0, user="root", access=nobody, method=method, audit=nobody, notify=nobody, measured=done)
        told: dict[str, Any] = await declared._run(service, msgspec.convert(parameters, declared.parameters), caller)
        return told

    async def stored(self) -> list[Transaction]:
        return [found for number in (7, 8, 9) if (found := await self.reader.transaction(number)) is not None]


class Links:
    """Nobody is connected."""

    def disconnect(self, identity: str, reason: str) -> bool:
        return False


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """7 has come from 1000 to 5000 Wh, 8 to 3000 Wh."""
    path, shapes = tmp_path_factory.mktemp("books") / "csms.db", MeterShapes()
    rows = [
        ChargePoint(id="CP1", registered_at=0, registration="Accepted", boot_status="Accepted"),
        transaction(7, named=True, **RUNNING),
        transaction(8, connector=2, **RUNNING),
        *readings(7, shapes, "2000", "4000", "5000"),
        *readings(8, shapes, "2000", "3000", connector=2),
    ]
    asyncio.run(write(path, *rows))
    return path.read_bytes()


@asynccontextmanager
async def started(books: bytes, path: Path, readings_at_once: int | None) -> AsyncIterator[Started]:
    await asyncio.to_thread(path.write_bytes, books)
    made = Started(path)
    await made.live.open(lambda: load_site(path, Site(), readings_at_once=readings_at_once))
    await made.writer.open()
    await made.past.open()
    await made.reader.open()
    try:
        yield made
    finally:
        await made.reader.close()
        await made.past.close()
        await made.writer.close()


@pytest.fixture
async def late(books: bytes, tmp_path: Path) -> AsyncIterator[Started]:
    async with started(books, tmp_path / "csms.db", 0) as made:
        assert made.cp.transactions.unmeasured == {7, 8}
        yield made


MEASURED = {"connectorId": 1, "meterValue": [{"timestamp": THEN, "sampledValue": [{"value": "5500"}]}]}
FIRST: dict[str, list[tuple[str, dict[str, object]]]] = {
    "its stop": [("StopTransaction", {"transactionId": 7, "meterStop": 6000, "timestamp": THEN})],
    "a stop below what was measured": [("StopTransaction", {"transactionId": 7, "meterStop": 4500, "timestamp": THEN})],
    "a stop whose register cannot be read": [
        ("StopTransaction", {"transactionId": 7, "meterStop": "?", "timestamp": THEN})
    ],
    "a stop that names none": [("StopTransaction", {"transactionId": 0, "meterStop": 5100, "timestamp": THEN})],
    "a stop with readings": [
        (
            "StopTransaction",
            {
                "transactionId": 8,
                "meterStop": 4000,
                "timestamp": THEN,
                "transactionData": [{"timestamp": THEN, "sampledValue": [{"value": "3999"}]}],
            },
        )
    ],
    "a reading, then its stop": [
        ("MeterValues", {**MEASURED, "transactionId": 7}),
        ("StopTransaction", {"transactionId": 7, "meterStop": "?", "timestamp": THEN}),
    ],
    "a reading that names none, then an operator": [("MeterValues", MEASURED)],
    "a start of another": [
        ("StartTransaction", {"connectorId": 1, "idTag": "B", "meterStart": 7000, "timestamp": THEN})
    ],
    "a boot, then its stop": [
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
        ("StopTransaction", {"transactionId": 7, "meterStop": 800, "timestamp": THEN}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("messages", FIRST.values(), ids=FIRST)
async def test_whatever_a_charge_point_sends_first_is_booked_as_if_all_were_in_memory(
    messages: list[tuple[str, dict[str, object]]], books: bytes, tmp_path: Path
) -> None:
    ended = []
    for how in (None, 0):
        async with started(books, tmp_path / f"{how}.db", how) as made:
            answers = [await made.send(action, payload) for action, payload in messages]
            for number in (7, 8):
                if made.cp.transactions.get(number) in made.cp.transactions.active():
                    await made.asked("transaction", "close", id=number, reason="test")
            ended.append((answers, await made.stored()))

    assert ended[1] == ended[0]


async def test_what_keeps_nothing_is_answered_without_it(late: Started) -> None:
    await late.send("Authorize", {"idTag": "A"})
    await late.send("Heartbeat", {})
    assert late.cp.transactions.unmeasured == {7, 8}


async def test_a_figure_without_it_is_told_to_nobody(late: Started) -> None:
    running = late.cp.transactions.get(7)
    assert running is not None
    with pytest.raises(NotRemembered):
        late.cp.energy_wh(running)


@pytest.mark.parametrize("method", ["show", "list"])
async def test_an_operator_waits_until_it_is_there(method: str, late: Started) -> None:
    asked = asyncio.create_task(late.asked("transaction", method, **({"id": 7} if method == "show" else {})))
    await late.measuring.run()
    told = await asked
    shown = told if method == "show" else told["transactions"][-1]

    assert (shown["id"], shown["energy_wh"]) == (7, 4000)
    assert not late.cp.transactions.unmeasured


async def test_one_that_is_closed_at_once_ends_with_all_that_was_measured_of_it(late: Started) -> None:
    told = await late.asked("transaction", "close", id=7, reason="forgotten")
    assert told["transaction"]["energy_wh"] == 4000
    assert late.cp.transactions.unmeasured == {8}


async def test_those_of_a_charge_point_that_is_removed_at_once_do(late: Started) -> None:
    removed = asyncio.create_task(late.asked("charge_point", "remove", id="CP1", force=True))
    await asyncio.sleep(0)
    assert [known.flags for known in late.cp.transactions.active()] == [[], []], "nothing is changed before"
    await late.measuring.run()
    assert (await removed)["changed"]
    assert [(known.state, known.energy_wh) for known in await late.stored()] == [
        ("abandoned", 4000),
        ("abandoned", 2000),
    ]


async def test_a_charge_point_that_is_changed_at_once_is_told_to_have_changed(late: Started) -> None:
    changed = asyncio.create_task(late.asked("charge_point", "set", id="CP1", note="behind the barn"))
    await late.measuring.run()
    told = await changed
    assert (told["changed"], told["charge_point"]["note"]) == (True, "behind the barn")


async def test_a_message_that_comes_while_it_is_read_is_counted_once(late: Started) -> None:
    reading = asyncio.create_task(late.measuring.run())
    await late.send("MeterValues", {**MEASURED, "transactionId": 7})
    await reading
    running = late.cp.transactions.get(7)
    assert running is not None
    assert late.cp.energy_wh(running) == 4500


async def test_memory_that_is_loaded_anew_meanwhile_has_it_all(late: Started) -> None:
    looked_up = asyncio.create_task(late.measuring.run())
    await late.live.recover()
    await looked_up
    assert not late.cp.transactions.unmeasured
    assert {number: late.cp.energy_wh(known) for number in (7, 8) if (known := late.cp.transactions.get(number))} == {
        7: 4000,
        8: 2000,
    }


async def test_the_counter_of_energy_begins_where_it_stood(late: Started) -> None:
    counter = EnergyCounter(lambda: late.live.site)
    assert counter.totals() == {}
    await late.measuring.run()
    counter.begin()
    assert counter.totals() == {}
    await late.send("MeterValues", {**MEASURED, "transactionId": 7})
    assert counter.totals() == {"CP1": 500}


async def test_while_it_cannot_be_read_nobody_is_told_a_figure(late: Started) -> None:
    await late.past.close()
    assert await late.send("MeterValues", {**MEASURED, "transactionId": 7}) == "InternalError"
    measuring = asyncio.create_task(late.measuring.run())
    with pytest.raises(NotStored):
        await late.asked("transaction", "show", id=7)
    assert not measuring.done(), "it is tried again"

    await late.past.open()
    told = await late.asked("transaction", "show", id=7)
    await measuring
    assert told["energy_wh"] == 4000


async def test_several_on_one_connector_are_measured_at_the_start(tmp_path: Path) -> None:
    """Which of them is meant is told by what was measured."""
    path = tmp_path / "csms.db"
    shapes = MeterShapes()
    three = [transaction(7, named=True, **RUNNING), transaction(8, **RUNNING), transaction(9, connector=2, **RUNNING)]
    measured = [change for number in (7, 8, 9) for change in readings(number, shapes, "2000")]
    await write(path, ChargePoint(id="CP1", registered_at=0), *three, *measured)
    book = load_site(path, Site(), readings_at_once=0).charge_points["cp1"].transactions

    assert book.unmeasured == {9}
    assert book.active_on(1) is book.get(7)


def test_as_much_as_is_allowed_is_read_at_the_start(books: bytes, tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    path.write_bytes(books)
    left: Callable[[int], set[int]] = lambda many: (  # noqa: E731
        load_site(path, Site(), readings_at_once=many).charge_points["cp1"].transactions.unmeasured
    )
    assert [left(1), left(2), left(3), left(4), left(5)] == [{7, 8}, {7}, {8}, {8}, set()]
