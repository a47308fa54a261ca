"""`tx`: what was charged."""

from datetime import UTC, datetime, timedelta

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.support.site import Site


def test_tx_list(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.list"] = listing("transactions", samples.transaction())
    words = ["--charge-point", "CP1", "--tag", "A1", "--state", "ACTIVE", "--since", "2026-01-01T00:00:00Z"]
    ended = csmsctl("tx", "list", *words, "--limit", "0")
    assert "7.360" in ended.out
    assert daemon.params("transaction.list") == {
        "targets": ["CP1"],
        "tag": "A1",
        "state": "active",
        "since": "2026-01-01T00:00:00.000Z",
        "limit": 1000,
    }


def test_tx_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.show"] = samples.transaction(flags=["start_time:in_the_future"])
    out = csmsctl("tx", "show", "7").out
    for line in ("energy:         7.360 kWh", "duration:       1 h 0 min", "stop reason:    Remote"):
        assert line in out
    assert "start_time:in_the_future" in out
    document = csmsctl("tx", "show", "7", "--json").document
    assert document == listing("transactions", daemon.replies["transaction.show"])


def test_what_nothing_has_measured_is_not_said_to_be_none(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """0.000 kWh of one that runs would say that nothing flows."""
    untold = samples.transaction(state="active", basis="nothing", energy_wh=0)
    ended = samples.transaction(id=6, basis="nothing", energy_wh=0)
    daemon.replies["transaction.list"] = {**listing("transactions", untold, ended)}
    of_two = csmsctl("tx", "list", "--columns", "id,energy_wh").out
    assert [line.split() for line in of_two.splitlines()[1:]] == [["7", "-"], ["6", "0.000"]]
    daemon.replies["transaction.show"] = untold
    assert "energy:         nothing tells it" in csmsctl("tx", "show", "7").out
    assert csmsctl("tx", "show", "7", "--json").document["transactions"][0]["energy_wh"] == 0


def test_tx_meter_and_orphans(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    sample = {"measurand": "Power.Active.Import", "phase": None, "unit": "W", "context": None, "value": 7360.0}
    daemon.replies |= {
        "transaction.meter": {
            "transaction": 7,
            "meter_values": [{"time": "2026-01-31T10:00:00.000Z", "samples": [sample]}],
        },
        "transaction.orphans": listing("orphans", {"id": 1, "charge_point": "CP1", "payload": '{"a":"\x1b"}'}),
    }
    assert "Power.Active.Import" in csmsctl("tx", "meter", "7").out
    assert csmsctl("tx", "meter", "7", "--csv").out.splitlines()[1].startswith("2026-01-31T10:00:00.000Z,Power")
    assert '{"a":"\\x1b"}' in csmsctl("tx", "orphans", "--charge-point", "CP1").out


def _meter(daemon: ScriptedDaemon, count: int) -> None:
    """csmsd with so many meter values of transaction 7, one a second."""
    first = datetime(2026, 1, 31, 10, tzinfo=UTC)
    values: list[Params] = [
        {
            "id": number,
            "time": (first + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "samples": [{"measurand": "Power.Active.Import", "value": str(number), "unit": "W"}],
        }
        for number in range(count)
    ]

    def answer(_peer: Peer, params: Params) -> Params:
        after = (params.get("after_time") or "", params.get("after_id") or 0)
        before = (params.get("before_time") or "Z", params.get("before_id") or 0)
        found = [value for value in values if after < (value["time"], value["id"]) < before]
        size = params.get("limit") or count
        return {"transaction": 7, "meter_values": found[:size] if params.get("oldest") else found[-size:]}

    daemon.replies["transaction.meter"] = answer
    daemon.replies["transaction.show"] = samples.transaction()


def test_all_meter_values_are_all_a_page_at_a_time(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    _meter(daemon, 2500)
    lines = csmsctl("tx", "meter", "7", "--csv", "--no-headers").out.splitlines()
    assert [line.split(",")[3] for line in lines] == [str(number) for number in range(2500)]
    assert [params["limit"] for _, params in daemon.requests] == [1000, 1000, 1000]
    document = csmsctl("tx", "meter", "7", "--json").document
    assert (document["transaction"], len(document["meter_values"])) == (7, 2500)
    assert "more" not in document
    assert "2500 values" in csmsctl("tx", "meter", "7", "--color", "always").out


def test_a_limit_takes_the_newest_meter_values_and_says_that_there_are_more(
    csmsctl: Csmsctl, daemon: ScriptedDaemon
) -> None:
    _meter(daemon, 2500)
    for wanted in (2, 1500, 2499):
        document = csmsctl("tx", "meter", "7", "--limit", str(wanted), "--json").document
        assert [value["id"] for value in document["meter_values"]] == [*range(2500 - wanted, 2500)]
        assert document["more"]
    assert "more" not in csmsctl("tx", "meter", "7", "--limit", "2500", "--json").document
    until = ("--until", "2026-01-31T10:00:07Z", "--since", "2026-01-31T10:00:03Z")
    rows = csmsctl("tx", "meter", "7", *until, "--columns", "value", "--csv", "--no-headers").out.split()
    assert rows == ["3", "4", "5", "6"]
    assert csmsctl("tx", "meter", "7", *until, "--limit", "1", "-o", "csv").out.splitlines()[1].split(",")[3] == "6"


async def test_closing_books_what_was_measured_last(site: Site) -> None:
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    begun = await charge_point.start_transaction("A1", meter_start=1000)
    await charge_point.meter_values(begun.transaction_id, 4500)
    number = str(begun.transaction_id)
    watcher = await site.watch("transaction.closed")
    assert (await site.csmsctl("tx", "close", number, "--reason", "meter replaced")).code == 10
    closed = await site.json("tx", "close", number, "--reason", " meter replaced ", "--yes")
    assert closed["changed"] is True
    assert (closed["transaction"]["state"], closed["transaction"]["energy_wh"]) == ("closed", 3500)
    assert closed["transaction"]["note"].endswith(": meter replaced")
    assert (await watcher.event("transaction.closed"))["data"]["reason"] == "meter replaced"

    again = await site.csmsctl("tx", "close", number, "--reason", "twice", "--yes")
    assert (again.code, again.err) == (0, "It was closed already.\n")
    await site.restart()
    kept = (await site.json("tx", "show", number))["transactions"][0]
    assert (kept["state"], kept["energy_wh"], kept["note"]) == ("closed", 3500, closed["transaction"]["note"])


async def test_what_is_not_closed(site: Site) -> None:
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    begun = await charge_point.start_transaction("A1", meter_start=1000)
    number = str(begun.transaction_id)
    blank = await site.csmsctl("tx", "close", number, "--reason", "  ", "--yes")
    assert (blank.code, "needs a reason" in blank.err) == (2, True), blank
    unknown = await site.csmsctl("tx", "close", "999999", "--reason", "x", "--yes")
    assert (unknown.code, "csmsctl tx list" in unknown.err) == (3, True), unknown
    assert (await site.json("tx", "show", number))["transactions"][0]["state"] == "active"

    await charge_point.stop_transaction(begun.transaction_id, 2000)
    stopped = await site.csmsctl("tx", "close", number, "--reason", "x", "--yes")
    assert (stopped.code, "its books are closed" in stopped.err) == (7, True), stopped
    kept = (await site.json("tx", "show", number))["transactions"][0]
    assert (kept["state"], kept["energy_wh"], kept["note"]) == ("stopped", 1000, None)
