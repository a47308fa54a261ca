"""`tag`: who may charge."""

from ocpp.v16 import call

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import EVIL, listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.support.site import Site


def test_tag_list_and_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"tag.list": listing("tags", samples.tag()), "tag.show": samples.tag(note=EVIL)}
    assert csmsctl("tag", "list", "--parent", "P", "--status", "blocked").code == 0
    assert daemon.params("tag.list") == {"parent": "P", "status": "Blocked"}
    assert "\\x1b[31m" in csmsctl("tag", "show", "A1").out
    assert csmsctl("tag", "show", "A1", "--json").document["tags"][0]["note"] == EVIL


async def test_the_card_that_was_held_to_the_reader_is_added(site: Site) -> None:
    assert (await site.csmsctl("tag", "add", "--last-unknown", "--yes")).code == 3
    charge_point = await site.charge_point("CP1")
    await charge_point.ask(call.Authorize(id_tag="F6CA0CC5"))
    await charge_point.ask(call.Authorize(id_tag="0BADCAFE"))
    await charge_point.ask(call.Authorize(id_tag="F6CA0CC5"))
    cards = (await site.json("tag", "unknown"))["unknown_tags"]
    assert [(card["id"], card["attempts"], card["status"]) for card in cards] == [
        ("F6CA0CC5", 2, "Invalid"),
        ("0BADCAFE", 1, "Invalid"),
    ]
    assert (await site.csmsctl("tag", "unknown", "0bad*", "-o", "name")).out == "0BADCAFE\n"
    assert (await site.csmsctl("tag", "add", "--last-unknown")).code == 10  # whoever holds a card is asked for
    added = await site.csmsctl("tag", "add", "--last-unknown", "--yes")
    assert (added.code, "F6CA0CC5 was held to CP1" in added.err, "F6CA0CC5 is added." in added.err) == (0, True, True)
    assert (await charge_point.ask(call.Authorize(id_tag="F6CA0CC5"))).id_tag_info["status"] == "Accepted"
    assert [card["id"] for card in (await site.json("tag", "unknown"))["unknown_tags"]] == ["0BADCAFE"]
    assert (await site.csmsctl("tag", "add")).code == 2


def test_a_card_that_is_blocked_while_it_charges_goes_on(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "tag.block": {"changed": True, "tag": {"id": "A1", "active_transactions": 1}},
        "transaction.list": {"transactions": [samples.transaction(7, state="active")]},
    }
    ended = csmsctl("tag", "block", "A1")
    assert ended.err.startswith("A1 is blocked.\n")
    assert "A1 is charging at CP1 connector 1 (transaction 7), and goes on" in ended.err
    assert "csmsctl remote-stop --transaction 7" in ended.err
    daemon.replies["tag.block"] = {"changed": True, "tag": {"id": "A1", "active_transactions": 0}}
    assert csmsctl("tag", "block", "A1").err == "A1 is blocked.\n"
