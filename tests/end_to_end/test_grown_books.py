"""Books of years: nobody waits for them at a start, and what is long over is found when a message means it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.grown_books import Growth, grow
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.statements import Statements

POINTS = 4
GROWN = Growth(
    charge_points=POINTS, transactions=3000, readings=4, active=POINTS, abandoned_every=10, tasks=100,
    settled_messages=100,
)  # fmt: skip
# What no year makes larger, and the indexes that hold but what is not over.
SMALL = {
    *("charge_point", "connector", "configuration_key", "deviation", "milestone", "refused_connection", "id_tag"),
    *("meter_shape", "charging_profile", "removed_profile", "installed_profile", "local_list", "firmware_image"),
    "rollout",
    *("rollout_member", "queued_command", "books", "id_gap", "json_each", "pragma_page_count", "pragma_page_size"),
    *("sqlite_schema", "sqlite_master", "sqlite_sequence", "points", "new", "newest", "task_under_way"),
    "transactions_active",
    *("quarantine_unsettled", "reservation_active", "firmware_update_open", "diagnostics_upload_open"),
    "diagnostics_upload_stored",
    # So many of a charge point, or a few in a year.
    *("security_event", "security_event_of_charge_point", "removed_profile", "certificate", "installed_certificate"),
    *(
        "certificate_of_charge_point",
        "circuit",
        "circuit_limit",
        "circuit_member",
        "load_clock",
        "load_hold",
        "load_manner",
        "limit_habits",
        "load_pause",
        "load_priority",
    ),
    *("security_upgrade", "security_upgrade_of_charge_point"),
}


@pytest.fixture(scope="module")
def old_site() -> Iterator[Site]:
    site = Site()
    grow(site.state, GROWN)
    site.start_and_wait()
    yield site
    asyncio.run(site.close())


class Old:
    """A transaction of the books."""

    def __init__(self, site: Site, number: int) -> None:
        names = "charge_point, connector, id_tag, start_text, start_time, meter_start_wh, stop_text, meter_stop_wh"
        ((self.charge_point, *told),) = site.stored(f"SELECT {names} FROM transactions WHERE id=?", number)
        self.number = number
        self.connector, self.id_tag, self.start_text, self.start_time, self.meter_start, *told = told
        self.stop_text, self.meter_stop = told

    @property
    def start(self) -> dict[str, Any]:
        return {
            "connectorId": self.connector,
            "idTag": self.id_tag,
            "meterStart": self.meter_start,
            "timestamp": self.start_text,
        }

    @property
    def stop(self) -> dict[str, Any]:
        return {"transactionId": self.number, "meterStop": self.meter_stop, "timestamp": self.stop_text}


def first_of(site: Site, state: str, charge_point: int) -> Old:
    ((number,),) = site.stored(
        "SELECT min(id) FROM transactions WHERE state=? AND charge_point=?", state, f"CP{charge_point:06d}"
    )
    return Old(site, number)


@asynccontextmanager
async def connected(site: Site, old: Old) -> AsyncIterator[RawChargePoint]:
    point = await RawChargePoint.connect(site.url(old.charge_point))
    await point.boot()
    yield point
    await point.disconnect()


def unsettled(site: Site, old: Old) -> list[tuple[Any, ...]]:
    """What could not be booked."""
    return site.stored("SELECT reason FROM quarantine WHERE settled_at IS NULL AND charge_point=?", old.charge_point)


async def test_a_stop_that_comes_again_a_year_later_changes_nothing(old_site: Site) -> None:
    old = first_of(old_site, "stopped", 0)
    before = old_site.stored("SELECT * FROM transactions WHERE id=?", old.number)

    async with connected(old_site, old) as point:
        assert (await point.ask("StopTransaction", old.stop))[0] == 3
    assert old_site.stored("SELECT * FROM transactions WHERE id=?", old.number) == before
    assert unsettled(old_site, old) == []


async def test_a_stop_that_comes_again_without_its_id_changes_nothing(old_site: Site) -> None:
    (newest,) = old_site.stored(
        "SELECT max(id) FROM transactions WHERE state='stopped' AND id < ("
        "SELECT max(id) - 1200 FROM transactions) AND charge_point='CP000000'"
    )
    old = Old(old_site, *newest)

    async with connected(old_site, old) as point:
        assert (await point.ask("StopTransaction", old.stop | {"transactionId": -1}))[0] == 3
    assert unsettled(old_site, old) == []


async def test_a_start_that_comes_again_a_year_later_gets_its_first_answer(old_site: Site) -> None:
    old = first_of(old_site, "stopped", 0)

    async with connected(old_site, old) as point:
        answer = await point.ask("StartTransaction", old.start)
    assert answer[2]["transactionId"] == old.number


async def test_a_stop_that_comes_a_year_late_is_booked_with_all_that_was_measured(old_site: Site) -> None:
    """Its last reading is 800 Wh; a register that stands below it is in doubt."""
    old = first_of(old_site, "abandoned", 1)
    late = {"transactionId": old.number, "meterStop": old.meter_start + 500, "timestamp": old.start_text}

    async with connected(old_site, old) as point:
        assert (await point.ask("StopTransaction", late))[0] == 3
    ((state, doubts),) = old_site.stored("SELECT state, doubts FROM transactions WHERE id=?", old.number)
    assert state == "stopped"
    assert json.loads(doubts) != []


async def test_readings_that_come_a_year_late_are_kept_with_their_transaction(old_site: Site) -> None:
    old = first_of(old_site, "stopped", 2)
    running = first_of(old_site, "active", 2)
    reading = {"timestamp": old.start_text, "sampledValue": [{"value": str(old.meter_start)}]}

    payload = {"connectorId": running.connector, "transactionId": old.number, "meterValue": [reading]}

    async with connected(old_site, old) as point:
        assert (await point.ask("MeterValues", payload))[0] == 3
    kept = "SELECT count(*) FROM meter_value WHERE transaction_id=? AND time=?"
    assert old_site.stored(kept, old.number, old.start_time) == [(1,)]


async def test_what_comes_behind_a_message_that_is_looked_up_waits_for_it(old_site: Site) -> None:
    old, other = first_of(old_site, "abandoned", 3), first_of(old_site, "stopped", 3)
    late = {"transactionId": old.number, "meterStop": old.meter_start + 7000, "timestamp": old.start_text}

    async with connected(old_site, old) as point:
        for unique_id, payload in (("first", late), ("again", late | {"meterStop": old.meter_start + 6000})):
            await point.frame(2, unique_id, "StopTransaction", payload)
        await point.frame(2, "start", "StartTransaction", other.start)
        assert [(await point.answer_to(unique_id))[0] for unique_id in ("first", "again")] == [3, 3]
        assert (await point.answer_to("start"))[2]["transactionId"] == other.number
    kept = "SELECT state, meter_stop_wh, doubts LIKE '%second_stop%' FROM transactions WHERE id=?"
    assert old_site.stored(kept, old.number) == [("stopped", old.meter_start + 7000, 1)]


async def test_the_operators_end_of_an_old_one_is_its_last_reading(old_site: Site) -> None:
    old = first_of(old_site, "abandoned", 0)
    await old_site.json("tx", "close", str(old.number), "--reason", "its card was lost", "--yes")

    kept = "SELECT state, meter_stop_wh FROM transactions WHERE id=?"
    assert old_site.stored(kept, old.number) == [("closed", old.meter_start + 800)]


async def test_no_statement_of_a_start_or_of_a_message_goes_through_what_grows(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = await make_site(start=False)
    grow(site.state, GROWN)
    statements = Statements(tmp_path / "statements")
    site.variables = statements.variables
    await site.start()
    for place, state in enumerate(("stopped", "abandoned", "active")):
        old = first_of(site, state, place)
        reading = {"timestamp": old.start_text, "sampledValue": [{"value": str(old.meter_start)}]}
        payload = {"connectorId": old.connector, "transactionId": old.number, "meterValue": [reading]}
        stop = {"transactionId": old.number, "meterStop": old.meter_start + 900, "timestamp": old.start_text}
        async with connected(site, old) as point:
            await point.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
            for action, sent in (
                ("Authorize", {"idTag": old.id_tag}),
                ("MeterValues", payload),
                ("MeterValues", payload | {"transactionId": 10**6}),
                ("StartTransaction", old.start),
                ("StartTransaction", old.start | {"timestamp": "2020-01-01T00:00:00Z"}),
                ("StopTransaction", stop),
                ("StopTransaction", stop | {"transactionId": -1, "meterStop": 1}),
            ):
                assert (await point.ask(action, sent))[0] == 3
    await site.restart()
    assert await site.stop() == 0

    assert any("INTO meter_value" in sql for sql in statements.different())
    assert any("AND stop_text=" in sql for sql in statements.different())
    assert list(statements.scans(site.database, SMALL)) == []
