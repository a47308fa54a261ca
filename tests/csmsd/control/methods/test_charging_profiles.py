"""Charging profiles as operators add them, see them and assert them anew."""

import asyncio
from typing import Any

import pytest

from tests.support.charging_profiles import PROFILE, install
from tests.support.site import Site


@pytest.mark.parametrize(
    ("fields", "code", "why"),
    [
        ({"name": "two words", "limit": "16A"}, 2, "is no name"),
        ({"name": "night.json", "limit": "16A"}, 2, "does not end in .json"),
        ({"limit": "lots"}, 2, "lots"),
        ({"limit": "16A", "time_zone": "Mars/Olympus"}, 2, "is no time zone"),
        ({"profile": PROFILE, "limit": "16A"}, 2, "not both"),
        ({"profile": PROFILE | {"stackLevel": -1}}, 2, "cannot be read"),
        ({"profile": PROFILE | {"chargingSchedule": {}}}, 2, "cannot be read"),
        ({"limit": "16A", "unknown": 1}, -32602, "unknown"),
    ],
)
async def test_what_is_no_profile_is_refused(shared_site: Site, fields: dict[str, Any], code: int, why: str) -> None:
    refused, text = await shared_site.refused("profile.add", **({"name": "night"} | fields))
    assert (refused, why in text) == (code, True), text
    assert (await shared_site.call("profile.list"))["profiles"] == []


async def test_a_name_keeps_its_id_and_is_replaced_only_where_that_is_said(site: Site) -> None:
    added = (await site.call("profile.add", name="night", profile=PROFILE, note="quiet"))["profile"]
    assert (added["id"], added["profile"]["chargingProfileId"], added["note"]) == (1, 1, "quiet")
    same = await site.call("profile.add", name="NIGHT", profile=PROFILE)
    assert (same["changed"], same["profile"]) == (False, added)
    code, text = await site.refused("profile.add", name="night", limit="8A")
    assert (code, "with another content" in text) == (1, True)
    replaced = await site.call("profile.add", name="night", limit="8A", replace=True)
    assert (replaced["changed"], replaced["profile"]["id"]) == (True, 1)
    assert (replaced["profile"]["note"], replaced["profile"]["highest_limit"]) == ("quiet", 8)

    assert (await site.call("profile.remove", name="Night"))["changed"] is True
    for method in ("profile.show", "profile.remove"):
        assert await site.refused(method, name="night") == (3, "No charging profile night.")
    await site.restart()
    assert (await site.call("profile.add", name="night", limit="8A"))["profile"]["id"] == 2, "no id is given twice"


async def test_what_a_charge_point_would_reject_is_added_by_force_only(site: Site) -> None:
    wrong = PROFILE | {"chargingProfileKind": "Recurring"}  # C 7.8: it says nothing of when it comes again
    code, text = await site.refused("profile.add", name="wrong", profile=wrong)
    assert (code, text.startswith("A charge point would reject it: ")) == (2, True)
    added = (await site.call("profile.add", name="wrong", profile=wrong, force=True))["profile"]
    assert any(finding["rejected"] for finding in added["findings"])


async def test_what_is_installed_is_shown_where_it_is(site: Site) -> None:
    await site.call("profile.add", name="night", limit="8A")
    point = await site.raw("CP1")
    await site.register("CP2")
    await install(site, point, "night")
    (record,) = (await site.call("profile.installed"))["installed_profiles"]
    assert (record["charge_point"], record["connector"], record["name"]) == ("CP1", 1, "night")
    assert (await site.call("profile.installed", targets=["CP2"]))["installed_profiles"] == []
    assert (await site.refused("profile.installed", targets=["CP9"]))[0] == 3
    assert (await site.call("profile.list"))["profiles"][0]["installed"] == 1
    removed = await site.call("profile.remove", name="night")
    assert [place["charge_point"] for place in removed["installed_on"]] == ["CP1"], "it keeps what it has"
    assert (await site.call("profile.installed"))["installed_profiles"] == [record | {"name": "night"}]


async def test_what_is_asserted_anew_is_what_was_installed(site: Site) -> None:
    await site.call("profile.add", name="night", limit="8A")
    point = await site.raw("CP1")
    await install(site, point, "night")
    running = asyncio.create_task(site.call("profile.reassert", targets=["*"]))
    frame = await point.asked("SetChargingProfile")
    assert frame[3]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 8.0}
    ]
    await point.answer(frame, {"status": "Accepted"})
    assert [result["outcome"] for result in (await running)["results"]] == ["accepted"]
