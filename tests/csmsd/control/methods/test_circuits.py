"""Circuits as operators describe, limit and measure them, and what is on them."""

from typing import Any

import pytest

from tests.support.site import Site


@pytest.fixture(autouse=True)
async def nothing_is_left(shared_site: Site) -> Any:
    yield
    await shared_site.call("circuit.import", circuits={})


async def names(site: Site) -> list[str]:
    return [one["name"] for one in (await site.call("circuit.list"))["circuits"]]


async def test_a_circuit_is_added_changed_and_removed(shared_site: Site) -> None:
    site = shared_site
    added = await site.call("circuit.add", name="main", limit=["63A", "63A", "none"], power="40kW", reserve=["10A"])
    assert added["changed"] is True
    assert [added["circuit"][key] for key in ("l1_a", "l2_a", "l3_a", "power_w", "reserve_a")] == [
        63.0,
        63.0,
        None,
        40_000,
        [10.0, 10.0, 10.0],
    ]
    assert await site.refused("circuit.add", name="MAIN", limit=["1A"]) == (2, "There is a circuit MAIN.")
    assert (await site.call("circuit.set", name="main"))["changed"] is False
    changed = (await site.call("circuit.set", name="main", limit=["50A"], power="none", timetable="17:00-20:00=25A"))[
        "circuit"
    ]
    assert [changed[key] for key in ("l3_a", "power_w", "timetable", "reserve_a")] == [
        50.0,
        None,
        "17:00-20:00=25A",
        [10.0, 10.0, 10.0],
    ]
    await site.call("circuit.add", name="garage", parent="main", limit=["32A"])
    code, text = await site.refused("circuit.remove", name="main")
    assert (code, text) == (2, "main carries garage.")
    for name in ("garage", "main"):
        assert await site.call("circuit.remove", name=name) == {"changed": True}
    assert await names(site) == []


@pytest.mark.parametrize(
    ("method", "parameters", "code", "why"),
    [
        ("circuit.add", {"name": "main"}, 2, "say its limit"),
        ("circuit.add", {"name": "main", "limit": ["40kW"]}, 2, "is a power"),
        ("circuit.add", {"name": "main", "limit": ["1A", "2A"]}, 2, "for all phases, or three"),
        ("circuit.add", {"name": "main", "limit": ["63A"], "parent": "x"}, 2, "is no circuit"),
        ("circuit.add", {"name": "a b", "limit": ["63A"]}, 2, "is no name"),
        ("circuit.set", {"name": "x"}, 3, "No circuit x."),
        ("circuit.show", {"name": "x"}, 3, "No circuit x."),
        ("circuit.limit", {"name": "x"}, 3, "No circuit x."),
        ("circuit.measure", {"name": "x"}, 3, "No circuit x."),
        ("circuit.add_member", {"circuit": "x", "charge_point": "CP1"}, 3, "No circuit x."),
        ("circuit.remove_member", {"charge_point": "CP1"}, 3, "is on no circuit"),
        ("circuit.remove_member", {"circuit": "x", "charge_point": "CP1"}, 3, "No circuit x."),
        ("load.explain", {"charge_point": "CP1"}, 3, "is on no circuit"),
        ("circuit.import", {"circuits": {"main": {"limits": 1}}}, 2, "unknown field"),
    ],
)
async def test_what_cannot_be_is_refused(
    shared_site: Site, method: str, parameters: dict[str, Any], code: int, why: str
) -> None:
    refused, text = await shared_site.refused(method, **parameters)
    assert (refused, why in text) == (code, True), text
    assert await names(shared_site) == []


async def test_a_limit_for_a_while_and_a_reading(shared_site: Site) -> None:
    site = shared_site
    await site.call("circuit.add", name="main", limit=["63A"], reserve=["1A", "2A", "3A"])
    for until in (None, "2020-01-01T00:00:00Z"):
        code, text = await site.refused("circuit.limit", name="main", limit="25A", until=until)
        assert (code, text) == (2, "Say until when it holds, in the future.")
    lowered = (await site.call("circuit.limit", name="main", limit="25A", until="2099-01-01T00:00:00Z"))["circuit"]
    assert (lowered["lowered_a"], lowered["lowered_until"]) == (25.0, "2099-01-01T00:00:00.000Z")
    measured = (await site.call("circuit.measure", name="main", l1=12.4, l2=-3))["circuit"]
    assert measured["reading_a"] == [12.4, 0.0, 3.0], "of L3 nothing is known but its reserve"
    code, text = await site.refused("circuit.measure", name="main")
    assert (code, text) == (2, "That is no current.")
    lines = (await site.call("load.status"))["circuits"]
    assert [(line["phase"], line["limit"], line["other"], line["given"], line["stale"]) for line in lines] == [
        ("L1", 25.0, 12.4, 0.0, False),
        ("L2", 25.0, 0.0, 0.0, False),
        ("L3", 25.0, 3.0, 0.0, False),
    ]
    commands = [(one["command"], one["about"]) for one in (await site.call("audit.list"))["audit"]]
    assert ("circuit.limit", "name=main limit=25A until=2099-01-01T00:00:00Z") in commands
    assert "circuit.measure" not in {command for command, _ in commands}, "readings come each minute, and order nothing"
    assert (await site.call("circuit.limit", name="main"))["circuit"]["lowered_a"] is None
    assert (await site.call("circuit.limit", name="main"))["changed"] is False


async def test_a_member_is_sent_limits_and_what_was_given_out_outlives_a_kill(site: Site) -> None:
    point = await site.raw("CP1")
    await site.call("circuit.import", circuits={"main": {"limit": "20A", "members": [{"charge_point": "cp1"}]}})
    asked = await point.asked("SetChargingProfile")
    await point.answer(asked, {"status": "Accepted"})
    shown = await site.call("circuit.show", name="main")
    assert [(one["charge_point"], one["rating_a"]) for one in shown["on_it"]] == [("CP1", 32.0)]
    assert (await site.call("circuit.export"))["circuits"]["main"]["members"] == [{"charge_point": "CP1"}]
    await site.kill()
    await site.start()
    [member] = (await site.call("load.status"))["members"]
    assert (member["charge_point"], member["circuit"], member["most"]) == ("CP1", "main", 32.0)
    point = await site.raw("CP1", register=False)
    again = await point.asked("SetChargingProfile")
    profile = again[3]["csChargingProfiles"]
    assert (profile["chargingProfilePurpose"], profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]) == (
        "TxDefaultProfile",
        0,
    )
    await point.answer(again, {"status": "Accepted"})
    code, text = await site.refused("load.explain", charge_point="CP1", connector=2)
    assert (code, text) == (3, "Connector 2 of CP1 is on no circuit.")
    await site.call("circuit.add", name="garage", limit=["32A"])
    code, text = await site.refused("circuit.remove_member", circuit="garage", charge_point="CP1")
    assert (code, text) == (2, "Connector 1 of CP1 is on main, not on garage.")
    assert (await site.call("circuit.remove_member", circuit="main", charge_point="CP1"))["changed"] is True
    assert (await site.call("load.status"))["members"] == []


async def test_what_would_change_is_told_and_not_done(shared_site: Site) -> None:
    described = {"main": {"limit": "63A"}, "garage": {"limit": "32A", "parent": "main"}}
    assert await shared_site.call("circuit.import", circuits=described, dry_run=True) == {
        "changed": 2,
        "circuits": 2,
        "members": 0,
    }
    assert await names(shared_site) == []
    unknown = {"main": {"limit": "63A", "members": [{"charge_point": "NOBODY"}]}}
    code, text = await shared_site.refused("circuit.import", circuits=unknown)
    assert (code, text) == (3, "No charge point NOBODY.")
