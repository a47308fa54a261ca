"""`local-list`, with charge points that we did not write."""

from tests.support.local_lists import Keeper
from tests.support.site import Site


async def test_synchronized_and_verified(site: Site) -> None:
    for tag in ("A1", "B2", "C3"):
        assert (await site.csmsctl("tag", "add", tag)).code == 0
    assert (await site.csmsctl("tag", "add", "D4", "--label", "staff")).code == 0
    charge_point = await site.charge_point("CP1")
    keys = {"SendLocalListMaxLength": "2", "LocalAuthListMaxLength": "10"}
    charge_point.answers["GetConfiguration"] = {
        "configuration_key": [{"key": key, "readonly": True, "value": value} for key, value in keys.items()]
    }
    before = (await site.json("local-list", "status"))["local_lists"][0]
    assert (before["state"], before["wanted"], before["version"]) == ("unknown", 3, None)

    # What it has now is not ours: a full list replaces it, in two parts.
    keeper = Keeper(charge_point, version=1)
    dry = await site.json("local-list", "sync", "CP1", "--dry-run")
    assert dry["results"][1]["request"]["key"] == [
        *("LocalAuthListMaxLength", "SendLocalListMaxLength", "LocalAuthListEnabled")
    ]
    ended = await site.csmsctl("local-list", "sync", "CP1")
    assert (ended.code, "in sync" in ended.out) == (0, True), ended
    first, second = [await charge_point.request("SendLocalList") for _ in range(2)]
    assert (first["update_type"], first["list_version"], len(first["local_authorization_list"])) == ("Full", 2, 2)
    assert (second["update_type"], second["list_version"]) == ("Differential", 3)
    assert second["local_authorization_list"] == [{"id_tag": "C3", "id_tag_info": {"status": "Accepted"}}]

    keeper.forgets = True
    await site.call("tag.remove", id="C3")
    ended = await site.csmsctl("local-list", "sync", "CP1")
    assert ended.code == 7
    assert "it says that it has version 3" in ended.out

    assert (await site.csmsctl("cp", "set", "CP1", "--label", "staff")).code == 0
    assert (await site.json("local-list", "status"))["local_lists"][0]["wanted"] == 3


async def test_a_charge_point_that_keeps_its_list(site: Site) -> None:
    await site.call("tag.import", tags=[{"id": f"TAG{number}"} for number in range(1, 6)])
    charge_point = await site.charge_point("CP1")
    keeper = Keeper(charge_point)
    result = (await site.json("local-list", "sync", "CP1"))["results"][0]
    assert (result["outcome"], result["update"], result["entries_sent"], result["version"]) == (
        "accepted",
        "full",
        5,
        1,
    )
    again = (await site.json("local-list", "sync", "CP1"))["results"][0]
    assert (again["outcome"], again["update"], again["messages"]) == ("accepted", "none", 0)

    await site.call("tag.remove", id="TAG5")
    drifted = (await site.json("local-list", "status", "CP1"))["local_lists"][0]
    assert (drifted["state"], drifted["superfluous"]) == ("drifted", 1)
    await site.restart()
    keeper.charge_point = charge_point = await site.charge_point("CP1")
    keeper.attach()
    result = (await site.json("local-list", "sync", "CP1"))["results"][0]
    assert (result["update"], result["entries_sent"], result["version"]) == ("differential", 1, 2)
    assert (await site.json("local-list", "status", "CP1"))["local_lists"][0]["state"] == "in_sync"

    keeper.refuses = 1
    await site.call("tag.add", id="TAG6")
    result = (await site.json("local-list", "sync", "CP1"))["results"][0]
    assert (result["outcome"], result["update"], result["messages"]) == ("accepted", "full", 2)

    await charge_point.disconnect()
    assert (await site.csmsctl("local-list", "sync", "CP1")).code == 6
    assert (await site.json("local-list", "show", "CP1"))["local_lists"][0]["state"] == "in_sync"


async def test_fail_fast_stops_at_what_came_of_it(site: Site) -> None:
    """A change that was refused and that the full list made good is no failure."""
    await site.call("tag.add", id="TAG1")
    keeper = Keeper(await site.charge_point("CP1"))
    Keeper(await site.charge_point("CP2"))
    await site.call("local_list.sync", targets=["*"])

    keeper.refuses = 1
    await site.call("tag.add", id="TAG7")
    chosen = {"targets": ["CP1", "CP2"], "parallel": 1, "fail_fast": True}
    results = (await site.call("local_list.sync", **chosen))["results"]
    assert [(result["outcome"], result["update"]) for result in results] == [
        ("accepted", "full"),
        ("accepted", "differential"),
    ]
    keeper.forgets = True
    await site.call("tag.remove", id="TAG7")
    results = (await site.call("local_list.sync", **chosen))["results"]
    assert [result["outcome"] for result in results] == ["rejected", "not_sent"]
    assert "--fail-fast" in results[1]["error"]
    dry = (await site.call("local_list.sync", **chosen, dry_run=True))["results"]
    assert {result["charge_point"] for result in dry} == {"CP1", "CP2"}


async def test_sent_by_hand(site: Site) -> None:
    """TC_042, TC_043"""
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    charge_point.answers["GetLocalListVersion"] = {"list_version": -1}
    version = await site.json("get-local-list-version", "CP1")
    assert version["results"][0]["response"] == {"listVersion": -1}
    for status in ("NotSupported", "Failed"):
        charge_point.answers["SendLocalList"] = {"status": status}
        ended = await site.csmsctl("send-local-list", "CP1", "--type", "full")
        assert ended.code == 7
        assert status in ended.out
    assert (await site.csmsctl("send-local-list", "CP1", "--version", "0")).code == 2
