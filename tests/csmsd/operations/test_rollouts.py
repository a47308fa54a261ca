"""Rollouts are carried on whenever something happens, by the same engine that operators use."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from csmsd.operations.rollouts import RolloutRunner
from csmsd.profiles.firmware_management.hosting import Host, Hosting
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareImage
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import Engine
from tests.csmsd.profiles.scene import HOUR, SECOND

IMAGE = "acme-2.1.bin"


class Carried:
    """A rollout to CP1 that ann has ordered."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.runner = RolloutRunner(engine.live, engine.runner, engine.bus, engine.live.site.policies)
        firmware = engine.live.site.firmware
        firmware.hosting = Hosting({"http": Host(9080, "csms")}, lambda: "t" * 32)
        self.image = FirmwareImage(name=IMAGE, stored="1", size=10, sha256="0", added_at=engine.scene.now)
        firmware.images[IMAGE] = self.image
        self.rollout = Rollout(id=1, created_at=engine.scene.now, uid=1000, user="ann", file=IMAGE)
        self.member = RolloutMember(rollout=1, charge_point="CP1", position=0)
        firmware.rollouts.add(self.rollout)
        firmware.rollouts.add_member(self.member)

    async def store(self) -> None:
        await self.engine.store(self.image, self.rollout, self.member)

    def stir(self) -> None:
        self.engine.bus.publish(Event("charge_point.connected", "CP1", {}))

    def stands(self) -> tuple[str, str, str | None]:
        """The rollout's state, the member's, and its note, as they are on disk."""
        ((state, member, note),) = self.engine.rows(
            "SELECT rollout.state, rollout_member.state, note FROM rollout JOIN rollout_member ON rollout = rollout.id"
        )
        return state, member, note

    async def comes_to(self, *standing: str | None) -> None:
        while True:
            changed = await self.engine.until("rollout.changed")
            if (changed["state"], changed.get("member"), changed.get("note")) == standing:
                return


@pytest.fixture
async def carried(engine: Engine) -> AsyncIterator[Carried]:
    """Nothing is carried on before a test says so, with `stir`."""
    carried = Carried(engine)
    await carried.store()
    running = asyncio.create_task(carried.runner.run())
    engine.cp.connected_at = None  # so that its turn does not come at once
    yield carried
    running.cancel()


def here(carried: Carried) -> None:
    carried.engine.cp.connected_at = carried.engine.scene.now - HOUR
    carried.stir()


async def test_the_command_is_a_task_of_who_ordered_the_rollout(carried: Carried) -> None:
    here(carried)
    asked = await carried.engine.links.next()
    assert asked.action == "UpdateFirmware"
    assert carried.stands() == ("running", "updating", None)  # before it leaves
    assert carried.engine.rows("SELECT user, uid, action FROM task") == [("ann", 1000, "UpdateFirmware")]
    assert carried.engine.rows("SELECT rollout, file FROM firmware_update") == [(1, IMAGE)]
    asked.confirm()
    carried.engine.scene.send("FirmwareStatusNotification", {"status": "DownloadFailed"})
    carried.engine.bus.publish(Event("firmware.status", "CP1", {}))
    await carried.comes_to("running", "failed", "download failed")
    await carried.comes_to("paused", None, None)


async def test_what_a_check_speaks_against_has_failed_and_the_note_says_why(carried: Carried) -> None:
    del carried.engine.live.site.firmware.images[IMAGE]
    here(carried)
    while carried.stands()[1] != "failed":
        await carried.engine.until("rollout.changed")
    assert (carried.stands()[2] or "").startswith(f"No firmware {IMAGE}")
    assert carried.engine.links.asked.empty()


async def test_while_csmsd_stops_nobody_has_failed(carried: Carried) -> None:
    carried.engine.runner.draining = True
    here(carried)
    await carried.comes_to("running", "updating", None)
    # Nothing was sent, so that its turn comes again.
    await carried.comes_to("running", "waiting", None)
    assert carried.engine.rows("SELECT * FROM task") == []
    assert carried.engine.links.asked.empty()


async def test_one_that_went_away_at_that_moment_has_its_turn_later(carried: Carried) -> None:
    here(carried)
    asked = await carried.engine.links.next()
    carried.engine.cp.connected_at = None
    asked.comes_to("not_connected", error="the connection was lost")
    await carried.comes_to("running", "waiting", "was not connected")
    here(carried)
    await carried.engine.links.next()


async def test_one_that_is_rejected_for_the_time_being_is_as_good_as_away(carried: Carried) -> None:
    carried.engine.cp.record.boot_status = "Rejected"
    here(carried)
    while carried.runner.waits_for(1) is None:
        await carried.engine.until_idle()
    assert carried.stands() == ("running", "waiting", None)
    assert carried.engine.links.asked.empty()
    carried.engine.cp.record.boot_status = "Accepted"
    carried.stir()
    await carried.engine.links.next()


async def test_a_disk_that_refuses_holds_it_up_and_nothing_is_sent(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csmsd.operations.rollouts._LONGEST_SLEEP_SECONDS", 0.01)
    engine = carried.engine
    engine.refuse("UPDATE ON rollout_member")
    before = engine.live.site
    here(carried)
    while engine.live.site is before:
        await engine.until_idle()
    assert engine.links.asked.empty()
    assert carried.stands() == ("running", "waiting", None)
    engine.live.site.firmware.hosting = before.firmware.hosting
    engine.allow()
    here(carried)
    await engine.links.next()
    assert carried.stands() == ("running", "updating", None)


async def test_an_update_that_is_not_heard_of_for_too_long_is_unknown(carried: Carried) -> None:
    here(carried)
    (await carried.engine.links.next()).confirm()
    await carried.engine.until("task.settled")
    carried.engine.scene.now += carried.engine.scene.site.policies.firmware_timeout * SECOND
    carried.stir()
    while carried.stands()[1] == "updating":
        await carried.engine.until("rollout.changed")
    assert carried.stands()[:2] == ("paused", "failed")
