"""`tag block --enforce`: who is told, and who may still trust the card."""

from tests.support.local_lists import Keeper
from tests.support.site import Site


async def test_blocking_a_card_everywhere(site: Site) -> None:
    await site.call("tag.import", tags=[{"id": "LOST"}, {"id": "A1"}, {"id": "B2"}])
    charge_point = await site.charge_point("CP1")
    Keeper(charge_point)
    other = await site.charge_point("CP2")
    Keeper(other)
    await site.json("local-list", "sync", "--all")
    for end in (charge_point, other):
        await end.request("SendLocalList")
    await other.disconnect()
    started = await charge_point.start_transaction("LOST")

    ended = await site.csmsctl("tag", "block", "LOST", "--enforce", "--stop-transactions")
    assert ended.code == 9, ended
    assert "CP2 is offline and may still trust LOST: its local list and its cache." in ended.err
    update = await charge_point.request("SendLocalList")
    assert update["local_authorization_list"] == [{"id_tag": "LOST", "id_tag_info": {"status": "Blocked"}}]
    assert await charge_point.request("ClearCache") == {}
    assert await charge_point.request("RemoteStopTransaction") == {"transaction_id": started.transaction_id}
    assert (await site.json("tag", "show", "LOST"))["tags"][0]["status"] == "Blocked"

    # CP2 is back: the list it is known to have is put right, its cache cleared.
    back = await site.charge_point("CP2")
    Keeper(back, version=1)
    ended = await site.csmsctl("--json", "tag", "block", "LOST", "--enforce")
    assert (ended.code, ended.json["trusting"], ended.json["changed"]) == (0, [], False)
    assert (await back.request("SendLocalList"))["update_type"] == "Differential"
