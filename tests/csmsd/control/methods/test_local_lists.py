"""Local Authorization Lists as operators see them: how far each is from what it should be, and making it so."""

import asyncio
from typing import Any

import pytest

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def seen(site: Site, identity: str = "CP1") -> dict[str, Any]:
    (found,) = (await site.call("local_list.status", targets=[identity]))["local_lists"]
    assert isinstance(found, dict)
    return found


async def synced(site: Site, point: RawChargePoint, *answers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """local_list.sync with these requests and answers: the result."""
    running = asyncio.create_task(site.call("local_list.sync", targets=["CP1"]))
    for action, answer in answers:
        await point.answer(await point.asked(action), answer)
    (result,) = (await running)["results"]
    assert isinstance(result, dict)
    return result


def version(number: int) -> tuple[str, dict[str, Any]]:
    return "GetLocalListVersion", {"listVersion": number}


# Asked for once, before the first update.
ROOM = (
    "GetConfiguration",
    {
        "configurationKey": [
            {"key": key, "readonly": True, "value": "100"}
            for key in ("LocalAuthListMaxLength", "SendLocalListMaxLength")
        ]
    },
)


def taken(status: str = "Accepted") -> tuple[str, dict[str, Any]]:
    return "SendLocalList", {"status": status}


async def in_sync(site: Site) -> RawChargePoint:
    """CP1 with A1 on its list."""
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    result = await synced(site, point, version(0), ROOM, taken(), version(1))
    assert (result["outcome"], result["messages"], result["entries_sent"]) == ("accepted", 1, 1), result
    return point


async def test_of_one_that_was_never_asked_nothing_is_known(site: Site) -> None:
    await site.call("tag.add", id="A1")
    await site.register("CP1")
    known = await seen(site)
    assert (known["state"], known["version"], known["entries"], known["wanted"]) == ("unknown", None, None, 1)
    assert [known[kind] for kind in ("missing", "outdated", "superfluous")] == [None] * 3
    shown = await site.call("local_list.show", id="cp1")
    assert [(entry["id_tag"], entry["drift"]) for entry in shown["content"]] == [("A1", "missing")]


async def test_it_drifts_in_three_ways_and_is_brought_back(site: Site) -> None:
    point = await in_sync(site)
    await site.call("tag.add", id="B2")
    known = await seen(site)
    assert (known["state"], known["version"], known["entries"]) == ("drifted", 1, 1)
    await site.call("tag.block", id="A1")
    known = await seen(site)
    assert (known["missing"], known["outdated"], known["superfluous"]) == (1, 1, 0)
    await site.call("tag.remove", id="A1")
    known = await seen(site)
    assert (known["missing"], known["outdated"], known["superfluous"]) == (1, 0, 1)
    shown = await site.call("local_list.show", id="CP1")
    assert {entry["id_tag"]: entry["drift"] for entry in shown["content"]} == {"A1": "superfluous", "B2": "missing"}

    result = await synced(site, point, version(1), taken(), version(2))
    assert (result["outcome"], result["update"], result["version"]) == (
        "accepted",
        "full",
        2,
    )  # one entry is less than two changes
    known = await seen(site)
    assert (known["state"], known["entries"], known["under_way"]) == ("in_sync", 1, False)
    assert known["verified_at"] is not None


async def test_one_in_sync_is_asked_and_sent_nothing(site: Site) -> None:
    point = await in_sync(site)
    result = await synced(site, point, version(1))
    assert (result["outcome"], result["update"], result["messages"]) == ("accepted", "none", 0)


async def test_done_is_what_the_charge_point_says_it_has(site: Site) -> None:
    """It accepted the update, and goes on with the list of before."""
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    result = await synced(site, point, version(0), ROOM, taken(), version(0))
    assert (result["outcome"], result["error"]) == ("rejected", "after the update it says that it has version 0")


@pytest.mark.parametrize("answers", [(version(-1),), (version(0), ROOM, taken("NotSupported"))])
async def test_one_without_lists_is_no_success(site: Site, answers: tuple[tuple[str, dict[str, Any]], ...]) -> None:
    await site.call("tag.add", id="A1")
    result = await synced(site, await site.raw("CP1"), *answers)
    assert (result["outcome"], result["status"]) == ("rejected", "NotSupported")
    assert (await seen(site))["state"] == "unsupported"


async def test_a_dry_run_says_what_would_be_sent(site: Site) -> None:
    point = await in_sync(site)
    await site.call("tag.add", id="B2")
    results = (await site.call("local_list.sync", targets=["CP1"], dry_run=True))["results"]
    assert {result["task"] for result in results} == {None}
    await site.asked_nothing(point)
    assert (await seen(site))["state"] == "drifted"


async def test_one_that_is_away_is_not_sent_anything(site: Site) -> None:
    await site.register("CP1")
    (result,) = (await site.call("local_list.sync", targets=["CP1"]))["results"]
    assert (result["outcome"], result["messages"]) == ("not_connected", 0)
    for method, given in (("status", {"targets": ["CP9"]}), ("show", {"id": "CP9"}), ("sync", {"targets": ["CP9"]})):
        assert (await site.refused(f"local_list.{method}", **given))[0] == 3
