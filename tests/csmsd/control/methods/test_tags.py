"""idTags: what is taken as one, what a change leaves alone, and a list that comes all at once."""

import asyncio
from typing import Any

import pytest

from tests.support.control import ControlError
from tests.support.site import Site

FULL = {
    "parent": "FAMILY",
    "expires_at": "2030-01-01T00:00:00Z",
    "blocked": True,
    "max_transactions": 2,
    "note": "Ada",
    "labels": ["staff"],
}


async def known(site: Site) -> dict[str, dict[str, Any]]:
    return {tag["id"]: tag for tag in (await site.call("tag.list"))["tags"]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": ""}, "has 0 characters"),
        ({"id": "A" * 21}, "has 21 characters"),
        ({"id": "   "}, "nothing but blanks"),
        ({"id": "Ä"}, "outside printable ASCII"),
        ({"id": "A\x7f"}, "outside printable ASCII"),
        ({"id": "A", "parent": "P" * 21}, "parent idTag"),
        ({"id": "A", "expires_at": "tomorrow"}, "is no time"),
        ({"id": "A", "labels": ["two words"]}, "is no label"),
        ({"id": "A", "add_labels": [""]}, "is no label"),
    ],
)
async def test_what_is_no_tag_is_refused(shared_site: Site, fields: dict[str, Any], why: str) -> None:
    code, text = await shared_site.refused("tag.add", **fields)
    assert (code, why in text) == (2, True), text
    assert await known(shared_site) == {}


@pytest.mark.parametrize("most", [0, 10_001, "2", True])
async def test_a_limit_that_is_none_is_refused(shared_site: Site, most: object) -> None:
    assert (await shared_site.refused("tag.add", id="A", max_transactions=most))[0] == -32602


async def test_twenty_characters_are_a_tag(site: Site) -> None:
    name = "!" + "z" * 18 + "~"
    assert (await site.call("tag.add", id=name))["tag"]["id"] == name
    assert set(await known(site)) == {name}


async def test_adding_one_that_is_known_changes_nothing(site: Site) -> None:
    added = await site.call("tag.add", id="A1", **FULL)
    code, text = await site.refused("tag.add", id="a1", note="other", blocked=False)
    assert (code, "with other values" in text) == (1, True)
    again = await site.call("tag.add", id="a1", **FULL)
    assert (added["changed"], again["changed"]) == (True, False)
    assert again["tag"] == added["tag"]
    assert added["tag"]["status"] == "Blocked"


async def test_what_is_not_given_stays_and_null_clears(site: Site) -> None:
    before = (await site.call("tag.add", id="A1", **FULL))["tag"]
    changed = await site.call("tag.set", id="A1", note="Grace")
    assert changed["tag"] == before | {"note": "Grace"}
    assert (await site.call("tag.set", id="a1", note="Grace"))["changed"] is False
    cleared = await site.call("tag.set", id="A1", note=None, parent=None, expires_at=None, max_transactions=None)
    assert [cleared["tag"][name] for name in ("note", "parent", "expires_at", "max_transactions")] == [None] * 4
    assert cleared["tag"]["blocked"] is True
    assert await site.refused("tag.set", id="NOBODY") == (3, "No idTag NOBODY.")


async def test_a_note_is_one_line(site: Site) -> None:
    assert (await site.call("tag.add", id="A1", note="two\nlines\r\n"))["tag"]["note"] == "two lines"
    assert (await site.call("tag.set", id="A1", note="\n"))["tag"]["note"] is None


async def test_labels_are_added_and_removed_in_any_case(site: Site) -> None:
    await site.call("tag.add", id="A1", labels=["Staff", "staff", "night"])
    assert (await known(site))["A1"]["labels"] == ["Staff", "night"]
    changed = await site.call("tag.set", id="A1", add_labels=["NIGHT", "day"], remove_labels=["STAFF"])
    assert changed["tag"]["labels"] == ["night", "day"]
    assert (await site.call("tag.set", id="A1", labels=[]))["tag"]["labels"] == []


async def test_blocking_is_for_everybody_until_it_is_taken_back(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    for method, changed, status in (
        ("tag.block", True, "Blocked"),
        ("tag.block", False, "Blocked"),
        ("tag.unblock", True, "Accepted"),
        ("tag.unblock", False, "Accepted"),
    ):
        assert (await site.call(method, id="a1"))["changed"] is changed
        assert (await point.ask("Authorize", {"idTag": "A1"}))[2]["idTagInfo"]["status"] == status
    assert (await site.call("tag.remove", id="a1"))["changed"] is True
    assert (await point.ask("Authorize", {"idTag": "A1"}))[2]["idTagInfo"]["status"] == "Invalid"
    for method in ("tag.remove", "tag.block", "tag.unblock", "tag.show"):
        assert (await site.refused(method, id="A1"))[0] == 3


async def test_a_list_may_be_narrowed(site: Site) -> None:
    await site.call("tag.add", id="b", parent="FAMILY")
    await site.call("tag.add", id="A", blocked=True)
    await site.call("tag.add", id="C", expires_at="2020-01-01T00:00:00Z", parent="family")
    assert list(await known(site)) == ["A", "b", "C"]
    for narrowed, found in (
        ({"parent": "Family"}, ["b", "C"]),
        ({"status": "Blocked"}, ["A"]),
        ({"status": "Expired"}, ["C"]),
        ({"status": "Accepted", "parent": "FAMILY"}, ["b"]),
    ):
        assert [tag["id"] for tag in (await site.call("tag.list", **narrowed))["tags"]] == found


# --- all at once


async def test_an_import_adds_changes_and_leaves_the_rest(site: Site) -> None:
    await site.call("tag.add", id="OLD", note="kept")
    await site.call("tag.add", id="SAME", note="same")
    await site.call("tag.add", id="MINE", note="mine")
    watcher = await site.watch("tag.changed", "tag.removed")
    given = [{"id": "old", "blocked": True}, {"id": "SAME", "note": "same"}, {"id": "NEW"}]
    counted = await site.call("tag.import", tags=given)
    assert counted == {"added": 1, "changed": 1, "unchanged": 1, "removed": 0}
    assert (await watcher.event("tag.changed"))["data"] == {"imported": 2}
    after = await known(site)
    assert set(after) == {"OLD", "SAME", "MINE", "NEW"}
    assert (after["OLD"]["blocked"], after["OLD"]["note"]) == (True, "kept")
    assert await site.call("tag.import", tags=given) == {"added": 0, "changed": 0, "unchanged": 3, "removed": 0}


async def test_an_import_that_replaces_removes_who_is_not_in_it(site: Site) -> None:
    for name in ("GONE", "KEPT", "CHANGED"):
        await site.call("tag.add", id=name)
    watcher = await site.watch("tag.changed", "tag.removed")
    given = [{"id": "kept"}, {"id": "Changed", "note": "new"}, {"id": "NEW"}]
    counted = await site.call("tag.import", tags=given, replace=True)
    assert counted == {"added": 1, "changed": 1, "unchanged": 1, "removed": 1}
    assert (await watcher.event("tag.removed"))["data"] == {"id_tag": "GONE"}
    point = await site.raw("CP1")
    assert (await point.ask("Authorize", {"idTag": "GONE"}))[2]["idTagInfo"]["status"] == "Invalid"
    await point.disconnect()
    for _ in range(2):
        assert set(await known(site)) == {"KEPT", "CHANGED", "NEW"}
        await site.restart()


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ([{"id": "NEW"}, {"id": "A1", "note": "x"}, {"id": "new"}], "new stands there twice"),
        ([{"id": "NEW"}, {"id": "Ä"}], "outside printable ASCII"),
        ([{"id": "NEW"}, {"id": "A1", "expires_at": "never"}], "is no time"),
    ],
)
async def test_an_import_with_one_mistake_is_none(site: Site, tags: list[dict[str, Any]], why: str) -> None:
    await site.call("tag.add", id="A1", note="as it was")
    code, text = await site.refused("tag.import", tags=tags, replace=True)
    assert (code, why in text) == (2, True), text
    after = await known(site)
    assert (set(after), after["A1"]["note"]) == ({"A1"}, "as it was")
    await site.restart()
    assert set(await known(site)) == {"A1"}


async def test_an_import_that_cannot_be_stored_is_none(site: Site) -> None:
    await site.call("tag.add", id="A1")
    site.limit_file_size(4096)
    code, text = await site.refused("tag.import", tags=[{"id": "NEW"}], replace=True)
    assert (code, "could not be stored" in text) == (1, True)
    site.limit_file_size(None)
    assert set(await known(site)) == {"A1"}


async def until_stored(site: Site) -> None:
    """The store finds out by itself that it works again."""
    async with asyncio.timeout(30):
        while True:
            try:
                await site.call("tag.set", id="GONE", note="seen")
                return
            except ControlError:
                await asyncio.sleep(0.05)


async def test_an_import_that_cannot_be_stored_to_its_end_is_told_so_and_can_be_done_again(site: Site) -> None:
    tags = [{"id": f"T{number}", "note": "n" * 100} for number in range(3_000)]
    await site.call("tag.add", id="GONE")
    site.limit_file_size(400_000)
    code, text = await site.refused("tag.import", tags=tags, replace=True)
    assert (code, "Not all of it could be stored" in text) == (1, True), text
    site.limit_file_size(None)
    await until_stored(site)
    there = len(await known(site)) - 1
    assert 500 <= there < 3_000
    counted = await site.call("tag.import", tags=tags, replace=True)
    assert counted == {"added": 3_000 - there, "changed": 0, "unchanged": there, "removed": 1}


async def test_a_long_import_leaves_room_for_others(site: Site) -> None:
    watcher = await site.watch("tag.changed")
    await site.call("tag.import", tags=[{"id": f"T{number}"} for number in range(1_200)])
    assert [(await watcher.event("tag.changed"))["data"] for _ in range(3)] == [
        {"imported": 500},
        {"imported": 500},
        {"imported": 200},
    ]


async def test_what_is_changed_while_a_long_import_is_looked_at_stays_so(site: Site) -> None:
    """It is looked at in turns: 20,000 idTags held up everybody for 0.3 s."""
    await site.call("tag.add", id="T0")
    tags = [{"id": f"T{number}", "labels": ["fleet"]} for number in range(5_000)]
    imported, changed = await asyncio.gather(
        site.call("tag.import", tags=tags), site.call("tag.set", id="T0", note="lost")
    )
    assert (imported["added"], imported["changed"], changed["changed"]) == (4_999, 1, True)
    tag = await site.call("tag.show", id="T0")
    assert (tag["note"], tag["labels"]) == ("lost", ["fleet"])
