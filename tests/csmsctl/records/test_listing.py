"""Lists as they are asked for, of every kind, from a csmsd that says which rows it was asked for."""

import csv
import json
from io import StringIO
from typing import Any

import pytest

from csmsctl.records.listing import is_like_in_listing, listing_order
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.support.site import Site


def _numbered(newest: int) -> Any:
    """csmsd with so many transactions, newest first, a page at a time."""

    def reply(_: Peer, params: Params) -> Params:
        first = params.get("before_id", newest + 1) - 1
        last = max(0, first - params["limit"]) if params["limit"] else 0
        rows = [samples.transaction(id=number, energy_wh=number % 7 * 1000) for number in range(first, last, -1)]
        return {"schema_version": 1, "transactions": rows}

    return reply


@pytest.fixture
def three(daemon: ScriptedDaemon) -> ScriptedDaemon:
    daemon.replies["charge_point.list"] = {
        "schema_version": 1,
        "charge_points": [
            samples.charge_point("CP10", connected=False, labels=["north", "garage"]),
            samples.charge_point("CP2", last_seen_at=None, labels=[], note="by the door"),
            samples.charge_point("CP1", vendor="Other"),
        ],
    }
    return daemon


def test_an_empty_list_and_one_of_which_none_is_wanted_are_not_the_same(
    csmsctl: Csmsctl, three: ScriptedDaemon
) -> None:
    for wanted in (("--filter", "vendor=Nobody"), ("--until", "2001-01-01")):
        ended = csmsctl("cp", "list", *wanted)
        assert (ended.out, ended.err) == ("", "None in this list is as asked for.\n"), wanted
    three.replies["charge_point.list"] = {"schema_version": 1, "charge_points": []}
    assert csmsctl("cp", "list", "--filter", "vendor=Nobody").err.startswith("No charge point is registered")


def test_a_default_limit_that_cuts_is_said(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.list"] = _numbered(101)
    ended = csmsctl("tx", "list")
    assert len(ended.out.splitlines()) == 101
    assert ended.err == "These are 100, and there are more: --limit N, or --limit 0 for all.\n"
    document = csmsctl("tx", "list", "--json").document
    assert (len(document["transactions"]), document["more"]) == (100, True)
    assert daemon.params("transaction.list") == {"limit": 101}
    daemon.replies["transaction.list"] = _numbered(100)
    assert csmsctl("tx", "list").err == ""
    assert "more" not in csmsctl("tx", "list", "--json").document


@pytest.mark.parametrize(("form", "lines"), [("csv", 2501), ("jsonl", 2500), ("name", 2500), ("table", 2501)])
def test_all_is_all_page_by_page(csmsctl: Csmsctl, daemon: ScriptedDaemon, form: str, lines: int) -> None:
    daemon.replies["transaction.list"] = _numbered(2500)
    ended = csmsctl("tx", "list", "--limit", "0", "-o", form)
    assert (len(ended.out.splitlines()), ended.err) == (lines, "")
    asked = [params for method, params in daemon.requests if method == "transaction.list"]
    assert asked == [{"limit": 1000}, {"limit": 1000, "before_id": 1501}, {"limit": 1000, "before_id": 501}]


def test_what_is_chosen_here_is_looked_for_on_all_pages(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.list"] = _numbered(2500)
    assert csmsctl("tx", "list", "--filter", "id=3", "-o", "name").out == "3\n"
    ended = csmsctl("tx", "list", "--sort=-energy_wh,id", "--limit", "2", "--json")
    assert [(row["id"], row["energy_wh"]) for row in ended.document["transactions"]] == [(6, 6000), (13, 6000)]
    assert ended.document["more"] is True


def test_forms(csmsctl: Csmsctl, three: ScriptedDaemon) -> None:
    assert csmsctl("cp", "list", "-o", "name").out == "CP10\nCP2\nCP1\n"
    assert csmsctl("cp", "list", "-o", "json").document == three.replies["charge_point.list"]
    assert [json.loads(line)["id"] for line in csmsctl("cp", "list", "-o", "jsonl").out.splitlines()] == [
        *("CP10", "CP2", "CP1")
    ]
    assert csmsctl("cp", "list", "-o", "csv").out == csmsctl("cp", "list", "--csv").out
    assert csmsctl("cp", "list", "-o", "table").out == csmsctl("cp", "list").out
    refused = csmsctl("cp", "list", "-o", "yaml")
    assert (refused.code, "jsonl" in refused.err) == (2, True)


def test_natural_order_fields_and_columns(csmsctl: Csmsctl, three: ScriptedDaemon) -> None:
    assert csmsctl("cp", "list", "--sort", "id", "-o", "name").out.split() == ["CP1", "CP2", "CP10"]
    assert csmsctl("cp", "list", "--sort=-id", "-o", "name").out.split() == ["CP10", "CP2", "CP1"]
    unknown_last = csmsctl("cp", "list", "--sort=-last_seen_at,id", "-o", "name").out.split()
    assert unknown_last == ["CP1", "CP10", "CP2"]
    rows = list(csv.reader(StringIO(csmsctl("cp", "list", "--columns", "LINK,id,serial-number", "--csv").out)))
    assert rows[0] == ["connected", "id", "serial_number"]
    assert rows[1] == ["false", "CP10", "S1"]
    assert csmsctl("cp", "list", "--columns", "id,note", "--json").document["charge_points"][1] == {
        "id": "CP2",
        "note": "by the door",
    }
    refused = csmsctl("cp", "list", "--columns", "id,nonsense")
    assert refused.code == 2
    assert "'nonsense'" in refused.err
    assert "last_seen_at" in refused.err


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--filter", "connected=no"], "CP10"),
        (["--filter", "labels=NORTH"], "CP10 CP1"),
        (["--filter", "labels=north", "--filter", "vendor!=acme"], "CP1"),
        (["--filter", "note=*door"], "CP2"),
        (["--filter", "labels="], "CP2"),
        (["--filter", "security_profile=0.0", "--limit", "2"], "CP10 CP2"),
        (["--since", "2026-01-31T12:00:00Z"], "CP10 CP1"),
        (["--until", "2026-01-31T12:00:00Z"], ""),
    ],
)
def test_filters(csmsctl: Csmsctl, three: ScriptedDaemon, words: list[str], left: str) -> None:
    assert csmsctl("cp", "list", *words, "-o", "name").out.split() == left.split()


def test_a_filter_that_makes_no_sense(csmsctl: Csmsctl, three: ScriptedDaemon) -> None:
    assert "FIELD=VALUE" in csmsctl("cp", "list", "--filter", "connected").err
    assert csmsctl("cp", "list", "--filter", "conected=no").code == 2


def test_the_fields_of_csv_are_the_same_whatever_is_listed(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """One CSV schema a command."""
    orphan = {"id": 1, "charge_point": "CP1", "payload": "{}", "settlement": None}
    sample = {"measurand": "Power.Active.Import", "unit": "W", "value": 7360.0}
    for settled in (None, "dismissed"):
        daemon.replies["transaction.orphans"] = {"orphans": [orphan | {"settlement": settled}]}
        header = csmsctl("tx", "orphans", "--csv", *(["--all"] if settled else [])).out.splitlines()[0]
        assert header == "id,charge_point,received_at,action,reason,payload,settlement"
    for kind in ("Raw", "SignedData"):
        values = [{"time": "2026-01-31T10:00:00.000Z", "samples": [sample | {"format": kind}]}]
        daemon.replies["transaction.meter"] = {"transaction": 7, "meter_values": values}
        header = csmsctl("tx", "meter", "7", "--csv").out.splitlines()[0]
        assert header == "time,measurand,phase,value,unit,context,location,format"


def test_values_and_their_order() -> None:
    assert sorted(["CP10", "cp2", "CP1", None, 7, 5.5], key=listing_order) == [5.5, 7, "CP1", "cp2", "CP10", None]
    assert is_like_in_listing("DE*ABC*E1", "de*abc*e1")
    assert is_like_in_listing({"a": 1}, '{"a":1}')
    assert not is_like_in_listing(None, "0")
    assert not is_like_in_listing(True, "no")


async def test_records_of_charge_points_that_are_gone(site: Site) -> None:
    """What was charged is listed by the same words, whether the charge point is still registered or not."""
    await site.call("tag.add", id="A1")
    for identity in ("NORTH-2", "NORTH-10", "SOUTH-1"):
        charge_point = await site.charge_point(identity)
        begun = await charge_point.start_transaction("A1", meter_start=0)
        await charge_point.stop_transaction(begun.transaction_id, 1000)
        await charge_point.disconnect()
    await site.call("charge_point.set", id="NORTH-10", add_labels=["garage"])
    assert (await site.csmsctl("cp", "list", "-o", "name")).out.split() == ["NORTH-2", "NORTH-10", "SOUTH-1"]
    await site.call("charge_point.remove", id="NORTH-2")

    async def charged(*words: str) -> list[str]:
        return (
            await site.csmsctl("tx", "list", *words, "--columns", "charge_point", "--csv", "--no-headers")
        ).out.split()

    assert await charged("north-*") == ["NORTH-10", "NORTH-2"]
    assert await charged("NORTH-[!1]*") == ["NORTH-2"]
    assert await charged("north-2") == ["NORTH-2"]
    assert await charged("@garage", "SOUTH-1") == ["SOUTH-1", "NORTH-10"]
    assert await charged("--charge-point", "NORTH-2", "--charge-point", "SOUTH-1") == ["SOUTH-1", "NORTH-2"]
    assert await charged("--by", "stop", "--since", "1h", "--until", "today", "north-10") == ["NORTH-10"]
    assert await charged("--by", "stop", "--until", "yesterday") == []
    assert (await site.csmsctl("tx", "list", "@nowhere")).code == 3
