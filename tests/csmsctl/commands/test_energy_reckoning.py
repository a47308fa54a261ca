"""`tx reckon`, `tx settle`, `tx dismiss`: whose figure is right, and the operator's decision."""

import csv
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from csmsctl.arguments.energy import parse_energy
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.support.site import Site


@pytest.mark.parametrize(
    ("text", "wh"),
    [("4.2kWh", 4200), ("4200Wh", 4200), (" 4.2 KWH ", 4200), ("0Wh", 0), ("12.345kWh", 12345)],
)
def test_energy_as_people_write_it(text: str, wh: int) -> None:
    assert parse_energy(text) == wh


@pytest.mark.parametrize(
    "text", ["", "4200", "kWh", "4,2kWh", "-1Wh", "0.5Wh", "1e12Wh", "NaNWh", "4.2kW", "1 h", "1MWh"]
)
def test_what_is_no_energy(text: str, csmsctl: Csmsctl) -> None:
    with pytest.raises(ValueError, match=r"Wh"):
        parse_energy(text)
    assert csmsctl("tx", "settle", "7", f"--energy={text}", "--reason", "x", "--yes").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["reckon"],
        ["reckon", "--all"],
        ["reckon", "7", "--dry-run"],
        ["reckon", "7", "--all", "--dry-run"],
        ["settle", "7", "--reason", "x"],
        ["settle", "7", "--reason", "x", "--energy", "1Wh", "--undo"],
    ],
)
def test_what_makes_no_sense(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    assert csmsctl("tx", *words).code == 2
    assert daemon.requests == []


def test_settling_asks_first(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    words = ["tx", "settle", "7", "--energy", "4.2kWh", "--reason", "read there"]
    daemon.replies["transaction.show"] = samples.transaction()
    asked = csmsctl(*words)
    assert (asked.code, "Settle it?" in asked.err) == (10, True)
    undoing = csmsctl("tx", "settle", "7", "--undo", "--reason", "a slip")
    assert (undoing.code, "Undo what was settled?" in undoing.err) == (10, True)
    assert {method for method, _ in daemon.requests} == {"transaction.show"}
    daemon.replies["transaction.settle"] = {"changed": True, "transaction": samples.transaction(energy_wh=4200)}
    assert "comes to 4.200 kWh" in csmsctl(*words, "--yes").err
    assert daemon.params("transaction.settle") == {"id": 7, "energy_wh": 4200, "reason": "read there"}


def test_what_would_be_judged_otherwise_is_gathered_page_by_page(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    row = {"charge_point": "CP1", "energy_wh": 9000, "doubts": ["went_back"], "reckoned_wh": 500, "reckoned_doubts": []}

    def rejudged(_: object, params: dict[str, Any]) -> dict[str, Any]:
        last = params.get("before_id") is not None
        return {"transactions": [row | {"id": 1 if last else 2}], "looked_at": 200, "next": None if last else 2}

    daemon.replies["transaction.rejudged"] = rejudged
    document = csmsctl("tx", "reckon", "--all", "--dry-run", "--json").document
    assert ([found["id"] for found in document["transactions"]], document["looked_at"]) == ([2, 1], 400)
    assert "9.000" in csmsctl("tx", "reckon", "--all", "--dry-run").out


async def doubted(site: Site) -> tuple[Any, int]:
    """A charge point, and a transaction that was stopped with less than its readings tell."""
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    begun = await charge_point.start_transaction("A1", meter_start=1000)
    await charge_point.meter_values(begun.transaction_id, 4500)
    await charge_point.stop_transaction(-1, meter_stop=5000, id_tag="A1")
    return charge_point, begun.transaction_id


async def test_a_doubtful_figure_is_explained_settled_and_restored(site: Site) -> None:
    _, number = await doubted(site)
    reckoned = await site.csmsctl("tx", "reckon", str(number))
    assert "Reckoned: 4.000 kWh (at least 4.000, at most 4.000 kWh)" in reckoned.out
    assert "Basis: what the registers of start and stop differ by" in reckoned.out
    assert "Doubt: stop_guessed: The stop did not name this transaction" in reckoned.out
    assert "Booked: 4.000 kWh" in reckoned.out
    evidence = [
        row
        for row in (await site.json("tx", "reckon", str(number)))["evidence"]
        if row["measurand"] in (None, "Energy.Active.Import.Register")
    ]
    assert [(row["kind"], row["value"]) for row in evidence] == [("start", 1000), ("reading", 4500), ("stop", 5000)]

    listed = (await site.csmsctl("tx", "export")).out.splitlines()
    (row,) = csv.DictReader(listed)
    assert (row["doubts"], row["energy_suspect"], row["energy_wh"]) == ("stop_guessed", "true", "4000")

    watcher = await site.watch("transaction.settled")
    settled = await site.json("tx", "settle", str(number), "--energy", "4.2kWh", "--reason", " read there ", "--yes")
    shown = settled["transaction"]
    assert (shown["energy_wh"], shown["reckoned_wh"], shown["energy_suspect"]) == (4200, 4000, False)
    assert (shown["settled_reason"], shown["doubts"]) == ("read there", ["stop_guessed"])
    told = (await watcher.event("transaction.settled"))["data"]
    assert (told["energy_wh"], told["energy_before_wh"], told["undone"], told["reason"]) == (
        4200, 4000, False, "read there",
    )  # fmt: skip
    again = await site.csmsctl("tx", "settle", str(number), "--energy", "4200Wh", "--reason", "once more", "--yes")
    assert "Unchanged: transaction 1 comes to 4.200 kWh already, settled by" in again.err
    assert ": read there." in again.err
    report = await site.json("report", "--since", "-1d")
    assert report["total"]["energy_wh"] == 4200
    assert [(gap["kind"], gap["included"]) for gap in report["gaps"]] == [("settled", True)]
    (booked,) = csv.DictReader((await site.csmsctl("export", "transactions")).out.splitlines())
    assert (booked["revision"], booked["energy_wh"], booked["settled_reason"]) == ("2", "4200", "read there")

    undone = await site.json("tx", "settle", str(number), "--undo", "--reason", "a slip", "--yes")
    assert (undone["transaction"]["energy_wh"], undone["transaction"]["settled_at"]) == (4000, None)
    assert (await site.json("report", "--since", "-1d"))["total"]["energy_wh"] == 0
    (booked,) = csv.DictReader((await site.csmsctl("export", "transactions")).out.splitlines())
    assert (booked["revision"], booked["energy_wh"]) == ("3", "4000")
    assert (await site.csmsctl("tx", "settle", str(number), "--undo", "--reason", "x", "--yes")).code == 7


async def test_what_runs_or_was_never_stopped_is_not_settled(site: Site) -> None:
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    first = await charge_point.start_transaction("A1")
    settle = ["--energy", "1kWh", "--reason", "x", "--yes"]
    running = await site.csmsctl("tx", "settle", str(first.transaction_id), *settle)
    assert (running.code, "remote-stop" in running.err) == (7, True)
    await charge_point.start_transaction("A1")
    given_up = await site.csmsctl("tx", "settle", str(first.transaction_id), *settle)
    assert (given_up.code, "tx close" in given_up.err) == (7, True)


async def test_one_that_goes_on_is_not_judged_yet(site: Site) -> None:
    charge_point, number = await doubted(site)
    await charge_point.meter_values(number, 6000)
    assert (await site.json("tx", "show", str(number)))["transactions"][0]["state"] == "active"
    assert (await site.json("tx", "reckon", "--all", "--dry-run"))["transactions"] == []


async def test_an_older_figure_is_listed_and_left_alone(site: Site) -> None:
    _, number = await doubted(site)
    assert (await site.json("tx", "reckon", "--all", "--dry-run"))["transactions"] == []
    await site.stop()
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute("UPDATE transactions SET energy_wh=9000, doubts='[\"went_back\"]'")
    await site.start()
    found = (await site.json("tx", "reckon", "--all", "--dry-run"))["transactions"]
    assert [
        (row["id"], row["energy_wh"], row["reckoned_wh"], row["doubts"], row["reckoned_doubts"]) for row in found
    ] == [(number, 9000, 4000, ["went_back"], ["stop_guessed"])]
    assert (await site.json("tx", "show", str(number)))["transactions"][0]["energy_wh"] == 9000


async def test_a_message_that_fits_nowhere_is_a_gap_until_it_is_dismissed(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    await charge_point.stop_transaction(4711, meter_stop=9000)
    (gap,) = (await site.json("report", "--since", "-1d"))["gaps"]
    assert (gap["kind"], gap["charge_point"], gap["transaction"]) == ("not_booked", "CP1", None)
    await site.json("tx", "dismiss", str(gap["message"]), "--reason", "a test")
    assert (await site.json("report", "--since", "-1d"))["gaps"] == []
