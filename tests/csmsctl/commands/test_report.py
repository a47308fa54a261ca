"""`report`: what it asks the daemon, what it prints."""

import csv
import io
from pathlib import Path

import pytest

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon

tx = samples.transaction
STOPPED = [
    tx(1, id_tag="A1", charge_point="CP2"),
    tx(2, id_tag="B2", stop_time="2026-01-31T12:00:00.000Z", duration_s=7200),
    tx(3, id_tag="B2", state="closed", flags=["meter_stop:estimated"], note="closed by ada: lost"),
]
ABANDONED = [tx(4, id_tag="C3", state="abandoned", stop_time=None, duration_s=None)]
TARIFF = """
currency = "EUR"
tax_percent = 19
prices_include_tax = true

[[tariffs]]
per_kwh = 0.39
[[tariffs.bands]]
from = "11:00"
to = "12:00"
per_kwh = 0.19
"""


@pytest.fixture
def books(daemon: ScriptedDaemon) -> ScriptedDaemon:
    def listed(_: object, params: Params) -> Params:
        if "state" not in params:
            return {"transactions": STOPPED}
        return {"transactions": ABANDONED if params["state"] == "abandoned" else []}

    def energy(_: object, params: Params) -> Params:
        points = [{"time": "2026-01-31T11:00:00.000Z", "energy_wh": 1360}] if params["id"] == 2 else []
        return {"transaction": params["id"], "energy": points}

    daemon.replies["transaction.list"] = listed
    daemon.replies["transaction.orphans"] = listing("orphans")
    daemon.replies["transaction.unclaimed"] = listing("unclaimed")
    daemon.replies["transaction.energy"] = energy
    daemon.replies["tag.list"] = {"tags": [samples.tag("b2", parent="FLEET"), samples.tag("A1")]}
    return daemon


def test_a_charge_point_has_two_names(csmsctl: Csmsctl, books: ScriptedDaemon) -> None:
    short = csmsctl("report", "--month", "2026-01", "--by", "cp")
    assert "CP2" in short.out
    assert csmsctl("report", "--month", "2026-01", "--by", "charge-point").out == short.out


def test_without_a_time_it_names_an_example(csmsctl: Csmsctl, books: ScriptedDaemon) -> None:
    ended = csmsctl("report")
    assert (ended.code, "csmsctl report --month last" in ended.err) == (2, True)


def test_hours_by_a_clock_that_is_doubted_are_not_paid(csmsctl: Csmsctl, books: ScriptedDaemon, tmp_path: Path) -> None:
    tariff = tmp_path / "tariff.toml"
    tariff.write_text('currency = "EUR"\n[[tariffs]]\nper_hour = 1\n')
    odd = tx(5, start_time="2018-01-01T00:00:00.000Z", doubts=["start_clock"], energy_suspect=True, duration_s=7200)
    books.replies["transaction.list"] = lambda _, params: {"transactions": [] if "state" in params else [odd]}
    made = csmsctl("report", "--month", "2026-01", "--with-suspect", "--tariff", str(tariff), "--json").document
    assert (made["total"]["cost"], made["total"]["duration_s"]) == ("2.00", 7200)


def test_a_report_in_a_pipe(csmsctl: Csmsctl, books: ScriptedDaemon) -> None:
    ended = csmsctl("report", "--month", "2026-01", TZ="Europe/Berlin")
    assert ended.code == 0, ended
    assert ended.out.splitlines() == [
        "From 2026-01-01 00:00 to 2026-02-01 00:00",
        "TAG    TRANSACTIONS     kWh  DURATION",
        "A1                1   7.360      1:00",
        "B2                1   7.360      2:00",
        "TOTAL             2  14.720      3:00",
        "",
        "Gaps: 1 estimated, 7.360 kWh, not counted: 3; 1 abandoned, 7.360 kWh, not counted: 4.",
        "TRANSACTION  KIND       CHARGE POINT  TAG    kWh  COUNTED  START             REASON",
        "          3  estimated  CP1           B2   7.360  no       2026-01-31 11:00  closed by ada: lost",
        "          4  abandoned  CP1           C3   7.360  no       2026-01-31 11:00  never stopped; "
        "it is billed when it is closed: csmsctl tx close",
    ]
    asked = [params for method, params in books.requests if method == "transaction.list"]
    assert asked[2] == {
        "stopped_since": "2025-12-31T23:00:00.000Z",
        "stopped_until": "2026-01-31T23:00:00.000Z",
        "limit": 1000,
    }
    assert asked[0] == {"state": "abandoned", "until": "2026-01-31T23:00:00.000Z", "limit": 1000}


def test_money(csmsctl: Csmsctl, books: ScriptedDaemon, tmp_path: Path) -> None:
    file = tmp_path / "tariff.toml"
    file.write_text(TARIFF)
    arguments = ("report", "--month", "2026-01", "--by", "parent", "--utc", "--tariff", str(file))
    document = csmsctl(*arguments, "--with-estimated", "--json").document
    assert (document["currency"], document["since"], document["included"]) == (
        "EUR",
        "2026-01-01T00:00:00.000Z",
        ["estimated"],
    )
    # 1: 7.36 kWh at 0.39; 2: 1.36 at 0.39 and 6 at 0.19; 3: as 1
    assert [(line["key"], line["cost"], line["tax"]) for line in document["groups"]] == [
        ("FLEET", "4.54", "0.72"),
        (None, "2.87", "0.46"),
    ]
    assert document["total"]["cost"] == "7.41"
    assert document["spread_evenly"] == [1, 3]
    assert [(gap["transaction"], gap["price"], gap["included"]) for gap in document["gaps"]] == [
        (3, "2.87", True),
        (4, None, False),
    ]
    ended = csmsctl(*arguments)
    assert "COST EUR" in ended.out
    assert "TAX IN IT" in ended.out
    assert "(none)" in ended.out
    assert "spread evenly over time: 1, 3" in ended.err


def test_rows_for_a_spreadsheet(csmsctl: Csmsctl, books: ScriptedDaemon) -> None:
    ended = csmsctl("report", "--since", "2026-01-01T00:00:00Z", "--by", "cp", "--csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [(row["key"], row["energy_wh"], row["estimated_transactions"]) for row in rows] == [
        ("CP1", "7360", "1"),
        ("CP2", "7360", "0"),
    ]
    assert rows[0]["cost"] == ""
    assert "1 abandoned" in ended.err  # what rows cannot say


@pytest.mark.parametrize(
    "arguments",
    [(), ("--month", "2026-13"), ("--month", "2026-01", "--since", "-1d"), ("--until", "now")],
)
def test_a_period_is_needed(csmsctl: Csmsctl, arguments: tuple[str, ...]) -> None:
    ended = csmsctl("report", *arguments)
    assert ended.code == 2
    assert "month" in ended.err


def test_a_bad_tariff_is_told_before_anything_is_asked(csmsctl: Csmsctl, books: ScriptedDaemon, tmp_path: Path) -> None:
    file = tmp_path / "tariff.toml"
    file.write_text(TARIFF.replace("0.19", "'cheap'"))
    ended = csmsctl("report", "--month", "2026-01", "--tariff", str(file))
    assert ended.code == 2
    assert f"{file}: tariffs[0].bands[0].per_kwh: Invalid decimal" in ended.err
    assert books.requests == []


def test_one_that_stops_while_we_ask_is_counted_once(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """The listing of those that are active may be overtaken by memory; the one of those that stopped comes last."""
    active, overtaken = tx(1, state="active", stop_time=None), tx(2, stop_time="2026-02-01T00:00:00.001Z")

    def listed(_: object, params: Params) -> Params:
        if "state" not in params:
            return {"transactions": [tx(1)]}
        return {"transactions": [active, overtaken] if params["state"] == "active" else []}

    daemon.replies["transaction.list"] = listed
    daemon.replies["transaction.orphans"] = listing("orphans")
    daemon.replies["transaction.unclaimed"] = listing("unclaimed")
    document = csmsctl("report", "--month", "2026-01", "--json").document
    assert (document["total"]["transactions"], document["gaps"]) == (1, [])


def test_what_is_in_no_line_is_stated(csmsctl: Csmsctl, books: ScriptedDaemon) -> None:
    odd = tx(5, id_tag="B2", flags=["reservation_of:D4", "limit_exceeded"])
    books.replies["transaction.list"] = lambda _, params: {"transactions": [] if "state" in params else [odd]}
    orphan = {"id": 7, "charge_point": "CP3", "action": "StopTransaction", "reason": "no running transaction fits it"}
    books.replies["transaction.orphans"] = listing("orphans", orphan)
    times = {"since": "2026-01-31T10:00:00.000Z", "until": "2026-01-31T11:00:00.000Z"}
    flowed = {"charge_point": "CP3", "connector": 2, **times, "energy_wh": 4200}
    books.replies["transaction.unclaimed"] = listing("unclaimed", flowed)
    ended = csmsctl("report", "--month", "2026-01", "--utc")
    assert ended.code == 0, ended
    assert (
        "Gaps: 1 odd, 7.360 kWh, counted: 5; 1 messages that could not be booked, not counted; "
        "1 times without a transaction, 4.200 kWh, not counted."
    ) in ended.out.splitlines()
    assert "its connector was reserved for idTag D4; more was drawn than a charging profile allowed" in ended.out
    assert "it flowed on connector 2 without a transaction" in ended.out
    assert "TOTAL             1  7.360" in ended.out
    asked = [params for method, params in books.requests if method == "transaction.unclaimed"]
    assert asked == [{"since": "2026-01-01T00:00:00.000Z", "until": "2026-02-01T00:00:00.000Z"}]
