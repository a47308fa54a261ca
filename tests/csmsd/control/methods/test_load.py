"""What is on the circuits, what others would change, and the pause of load management."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.site import Site


@pytest.fixture(autouse=True)
async def nothing_is_left(shared_site: Site) -> Any:
    yield
    await shared_site.call("load.resume")
    await shared_site.call("circuit.import", circuits={})


async def test_a_plan_tells_what_would_change_and_changes_nothing(shared_site: Site) -> None:
    site = shared_site
    await site.register("P1")
    garage = {"garage": {"limit": "32A", "members": [{"charge_point": "p1"}]}}
    await site.call("circuit.import", circuits=garage)
    small = {"small": {"limit": "10A", "reserve": "5A", "members": [{"charge_point": "P1", "fallback": "8A"}]}}
    planned = await site.call("load.plan", circuits=small)
    assert planned["members"] == [
        {
            "charge_point": "P1",
            "connector": 1,
            "circuit": "garage",
            "circuit_then": "small",
            "share": None,
            "share_then": None,
            "fallback": 32.0,
            "fallback_then": 8.0,
        }
    ]
    assert planned["over"][0] == {"circuit": "small", "phase": "L1", "limit": 10.0, "other": 5.0, "fallbacks": 8.0}
    assert list((await site.call("circuit.export"))["circuits"]) == ["garage"]
    assert await site.refused("load.plan", circuits={"x": {"members": [{"charge_point": "NOBODY"}]}}) == (
        3,
        "No charge point NOBODY.",
    )
    code, text = await site.refused("load.plan", circuits={"x": {}})
    assert (code, "say its limit" in text) == (2, True)


async def test_how_a_charge_point_takes_limits_is_kept_and_gone_by(shared_site: Site) -> None:
    site = shared_site
    await site.register("H1")
    await site.call("circuit.import", circuits={"garage": {"limit": "32A", "members": [{"charge_point": "H1"}]}})
    assert (await site.call("charge_point.show", id="H1"))["limit_habits"] is None
    assert "Nobody has found out" in (await site.call("load.explain", charge_point="H1"))["because"][-1]
    found = {"unit": "W", "decimals": False, "zero": False, "lease_ends": True, "reaction_ms": 1200}
    assert await site.call("load.habits", charge_point="h1", **found) == {"changed": True}
    shown = (await site.call("charge_point.show", id="H1"))["limit_habits"]
    assert shown | {"found_at": None} == {**found, "clock_ahead_ms": None, "begins_at_zero": None, "found_at": None}
    because = (await site.call("load.explain", charge_point="H1"))["because"]
    assert "Its test has shown that it takes limits in W, no tenths of an ampere, no limit of 0." in because
    assert site.stored("SELECT unit, zero, reaction_ms FROM limit_habits WHERE charge_point='H1'") == [("W", 0, 1200)]
    assert await site.refused("load.habits", charge_point="NOBODY", unit="A") == (3, "No charge point NOBODY.")
    assert (await site.refused("load.habits", charge_point="H1", reaction_ms=-1))[0] == -32602


async def test_a_pause_ends_when_it_is_said_or_resumed(shared_site: Site) -> None:
    site = shared_site
    assert await site.refused("load.pause", until="2020-01-01T00:00:00Z") == (2, "Say until when, in the future.")
    paused = await site.call("load.pause", until="2099-01-01T00:00:00Z")
    assert (paused["changed"], paused["paused"]["until"]) == (True, "2099-01-01T00:00:00.000Z")
    assert (await site.call("load.pause", until="2099-01-01T00:00:00Z"))["changed"] is False
    longer = await site.call("load.pause")
    assert longer["paused"] == {"since": paused["paused"]["since"], "until": None}
    assert (await site.call("load.status"))["paused"] == longer["paused"]
    assert (await site.call("load.resume"))["changed"] is True
    assert (await site.call("load.resume"))["changed"] is False
    assert (await site.call("load.status"))["paused"] is None


async def test_while_it_is_paused_nothing_is_sent_also_after_a_kill(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"hold_after_reconnect": 0}})
    point = await site.raw("CP1")
    await site.call("load.pause")
    await site.call("circuit.import", circuits={"main": {"limit": "20A", "members": [{"charge_point": "CP1"}]}})
    await site.asked_nothing(point)
    await site.kill()
    await site.start()
    point = await site.raw("CP1", register=False)
    await site.call("circuit.limit", name="main", limit="10A", until="2099-01-01T00:00:00Z")  # which stirs
    kinds = [one["kind"] for one in (await site.call("status"))["daemon"]["problems"]]
    assert "load_paused" in kinds
    because = (await site.call("load.explain", charge_point="CP1"))["because"]
    assert "Load management is paused: it is sent nothing, and goes back to its fallback." in because
    await site.asked_nothing(point)
    await site.call("load.resume")
    await point.answer(await point.asked("SetChargingProfile"), {"status": "Accepted"})


async def test_a_charge_point_and_its_transaction_are_explained_by_their_circuit(make_site: MakeSite) -> None:
    site = await make_site({"load_management": {"arrival_reserve": 0}})
    point = await site.raw("CP1")
    await site.call("circuit.import", circuits={"main": {"limit": "20A", "members": [{"charge_point": "CP1"}]}})
    lent = await site.watch("load.lent")
    await point.answer(await point.asked("SetChargingProfile"), {"status": "Accepted"})
    await lent.event("load.lent")
    await site.call("tag.add", id="A1")
    start = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": datetime.now(UTC).isoformat()}
    number = (await point.ask("StartTransaction", start))[2]["transactionId"]
    asked = await point.asked("SetChargingProfile")
    assert asked[3]["csChargingProfiles"]["transactionId"] == number
    await point.answer(asked, {"status": "Accepted"})
    await lent.event("load.lent")
    facts = (await site.call("charge_point.explain", id="CP1"))["facts"]
    circuit = [fact["text"] for fact in facts if fact["kind"] == "circuit"]
    assert circuit[0] == "Connector 1 of CP1 hangs on main."
    limit = [fact["text"] for fact in facts if fact["kind"] == "limit"]
    assert "A by site limit (TxProfile, stack level 8)" in limit[0]
    shown = (await site.call("status"))["charge_points"][0]["connectors"][0]["site_limit"]
    assert (shown["circuit"], shown["limit_a"]) == ("main", 16.0), "the first step of 20 A"
    end = {"transactionId": number, "meterStop": 10, "timestamp": datetime.now(UTC).isoformat()}
    await point.ask("StopTransaction", end)
    story = (await site.call("transaction.explain", id=number))["story"]
    assert any("site limit" in entry["text"] for entry in story), story


async def test_one_limit_for_all_connectors_is_shown_at_each_of_them(make_site: MakeSite) -> None:
    site = await make_site()
    point = await site.raw("P2")
    for connector in (1, 2):
        status = {"connectorId": connector, "status": "Available", "errorCode": "NoError"}
        await point.ask("StatusNotification", status)
    await site.call(
        "circuit.import", circuits={"yard": {"limit": "32A", "members": [{"charge_point": "P2", "connector": 0}]}}
    )
    shown = (await site.call("status", targets=["P2"]))["charge_points"][0]["connectors"]
    told = [(one["connector"], one["site_limit"]["circuit"], one["site_limit"]["connector"]) for one in shown]
    assert told[-2:] == [(1, "yard", 0), (2, "yard", 0)]


async def test_priorities_are_kept_by_their_kind_whatever_their_case(shared_site: Site) -> None:
    site = shared_site
    assert (await site.call("load.prioritize", kind="label", name="North", weight=3))["changed"] is True
    assert (await site.call("load.prioritize", kind="label", name="north", weight=4))["changed"] is True
    listed = (await site.call("load.priorities"))["priorities"]
    assert listed == [{"kind": "label", "name": "North", "weight": 4}]
    assert site.stored("SELECT name, weight FROM load_priority") == [("North", 4)]
    code, text = await site.refused("load.prioritize", kind="transaction", name="x", weight=2)
    assert (code, text) == (2, "'x' is no number of a transaction.")
    code, text = await site.refused("load.prioritize", kind="transaction", name="999999", weight=2)
    assert (code, text) == (3, "No transaction 999999.")
    assert (await site.call("load.prioritize", kind="label", name="NORTH"))["changed"] is True
    assert (await site.call("load.prioritize", kind="label", name="NORTH"))["changed"] is False
    assert site.stored("SELECT name FROM load_priority") == []
