"""Rollouts in the hands of an operator: what is refused before one begins, and the states between which it is moved."""

from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import add_firmware
from tests.support.site import Site

FILE = "acme-2.1.bin"


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """With an image, and two charge points that are away: whatever begins waits for them."""
    made = await make_site({"files": {"http_listen": "127.0.0.1:0", "on_demand": False}})
    await add_firmware(made, data=b"x")
    for identity in ("CP1", "CP2"):
        await made.register(identity)
    return made


@pytest.mark.parametrize(
    ("fields", "code", "why"),
    [
        ({"file": "none.bin"}, 3, "No firmware none.bin"),
        ({"targets": ["CP3"]}, 3, "CP3"),
        ({"protocol": "ftp"}, 2, "does not host files that way"),
        ({"window": "late"}, 2, "is no window"),
        ({"window": "25:00-26:00"}, 2, "is no window"),
        ({"canary": 3}, 2, "There are 2 charge points, but 3 canaries"),
        ({"canary": -1}, -32602, "canary"),
        ({"parallel": 0}, -32602, "parallel"),
        ({"max_failures": -1}, -32602, "max_failures"),
        ({"retries": 1001}, -32602, "retries"),
    ],
)
async def test_what_cannot_begin(site: Site, fields: dict[str, Any], code: int, why: str) -> None:
    refused, text = await site.refused("rollout.start", **({"targets": ["*"], "file": FILE} | fields))
    assert (refused, why in text) == (code, True), text
    assert (await site.call("rollout.list"))["rollouts"] == []


async def test_nobody_takes_part_in_two(site: Site) -> None:
    begun = (await site.call("rollout.start", targets=["CP1"], file=FILE))["rollout"]
    code, text = await site.refused("rollout.start", targets=["CP2", "CP1"], file=FILE)
    assert (code, text) == (7, f"CP1 takes part in rollout {begun['id']}.")
    other = (await site.call("rollout.start", targets=["CP2"], file=FILE))["rollout"]
    listed = (await site.call("rollout.list"))["rollouts"]
    assert [rollout["id"] for rollout in listed] == [other["id"], begun["id"]], "the newest first"


async def test_from_running_to_its_end(site: Site) -> None:
    watcher = await site.watch("rollout.changed")
    number = (await site.call("rollout.start", targets=["*"], file=FILE, canary=2))["rollout"]["id"]
    for method, changed, state in (
        ("rollout.resume", False, "running"),
        ("rollout.pause", True, "paused"),
        ("rollout.pause", False, "paused"),
        ("rollout.resume", True, "running"),
        ("rollout.cancel", True, "cancelled"),
        ("rollout.cancel", False, "cancelled"),
    ):
        answer = await site.call(method, id=number)
        assert (answer["changed"], answer["rollout"]["state"]) == (changed, state), method
    told = [(await watcher.event("rollout.changed"))["data"]["state"] for _ in range(4)]
    assert told == ["running", "paused", "running", "cancelled"]
    for method in ("rollout.pause", "rollout.resume"):
        assert await site.refused(method, id=number) == (7, f"Rollout {number} is over: cancelled.")

    for _ in range(2):
        shown = await site.call("rollout.show", id=number)
        assert [(member["charge_point"], member["state"]) for member in shown["members"]] == [
            ("CP1", "cancelled"),
            ("CP2", "cancelled"),
        ]
        await site.restart()
    again = await site.call("rollout.start", targets=["*"], file=FILE)
    assert again["rollout"]["id"] == number + 1, "who was let go of is free again, and no number is given twice"


async def test_who_paused_it_is_said(site: Site) -> None:
    number = (await site.call("rollout.start", targets=["CP1"], file=FILE))["rollout"]["id"]
    user = (await site.call("daemon.info"))["peer"]["user"]
    assert (await site.call("rollout.pause", id=number))["rollout"]["reason"] == f"paused by {user}"
    assert (await site.call("rollout.resume", id=number))["rollout"]["reason"] is None


@pytest.mark.parametrize("method", ["rollout.show", "rollout.pause", "rollout.resume", "rollout.cancel"])
async def test_one_that_is_not_there(site: Site, method: str) -> None:
    assert await site.refused(method, id=4711) == (3, "No rollout 4711.")


async def test_what_cannot_be_stored_is_as_it_was(site: Site) -> None:
    number = (await site.call("rollout.start", targets=["CP1"], file=FILE))["rollout"]["id"]
    site.limit_file_size(4096)
    for method in ("rollout.pause", "rollout.cancel"):
        assert (await site.refused(method, id=number))[0] == 1
    assert (await site.refused("rollout.start", targets=["CP2"], file=FILE))[0] == 1
    site.limit_file_size(None)
    (only,) = (await site.call("rollout.list"))["rollouts"]
    assert (only["id"], only["state"], only["reason"]) == (number, "running", None)
