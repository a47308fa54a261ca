"""Rollouts are carried on whenever something happens, by the same engine that operators use."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from csmsd.operations.rollouts import RolloutRunner
from csmsd.profiles.firmware_management.hosting import Host, Hosting
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareImage, FirmwareUpdate
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import Asked, Engine
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
        async with asyncio.timeout(10):
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
    await waits_for(carried, "1 offline")
    carried.runner._waits_for.clear()  # what it waits for now is said anew
    here(carried)
    await waits_for(carried, "1 offline")
    assert carried.stands() == ("running", "waiting", None)
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


async def test_it_is_over_when_all_are(carried: Carried) -> None:
    here(carried)
    (await carried.engine.links.next()).confirm()
    await carried.engine.until("task.settled")
    update = carried.engine.live.site.firmware.updates.of_rollout("CP1", 1)
    assert update is not None
    update.confirmed_at = carried.engine.scene.now  # it booted with the new version
    update.state = "installed"
    carried.engine.scene.now += SECOND
    carried.stir()
    await carried.comes_to("running", "done", None)
    await carried.comes_to("done", None, None)
    now = carried.engine.scene.now
    assert carried.engine.rows("SELECT state, ended_at FROM rollout") == [("done", now)]
    assert carried.engine.rows("SELECT state, update_id, ended_at FROM rollout_member") == [("done", update.id, now)]


async def test_one_that_is_paused_has_not_ended(carried: Carried) -> None:
    here(carried)
    (await carried.engine.links.next()).comes_to("call_error", error="NotSupported")
    await carried.comes_to("paused", None, None)
    assert carried.engine.rows("SELECT state, reason, ended_at FROM rollout") == [
        ("paused", "1 failed, at most 0 may", None)
    ]


async def test_after_a_cancellation_what_is_under_way_still_comes_to_an_end(carried: Carried) -> None:
    here(carried)
    (await carried.engine.links.next()).confirm()
    await carried.engine.until("task.settled")
    carried.rollout.state = "cancelled"
    carried.engine.scene.send("FirmwareStatusNotification", {"status": "DownloadFailed"})
    carried.stir()
    await carried.comes_to("cancelled", "failed", "download failed")


async def test_what_csmsd_did_not_come_to_send_before_it_ended_has_its_turn_again(carried: Carried) -> None:
    carried.member.state, carried.member.begun_at = "updating", carried.engine.scene.now
    carried.stir()
    await carried.comes_to("running", "waiting", None)
    here(carried)
    await carried.engine.links.next()


async def test_one_whose_update_is_not_known_any_more_has_failed(carried: Carried) -> None:
    carried.member.state, carried.member.update_id = "updating", 99
    carried.stir()
    await carried.comes_to("running", "failed", "its update is not known any more")
    assert carried.engine.rows("SELECT ended_at FROM rollout_member") == [(carried.engine.scene.now,)]


async def waits_for(carried: Carried, reason: str) -> None:
    async with asyncio.timeout(10):
        while carried.runner.waits_for(1) != reason:
            await carried.engine.until_idle()
    assert carried.engine.links.asked.empty()


async def test_whoever_charges_is_waited_for_where_that_is_wanted(carried: Carried) -> None:
    carried.rollout.only_idle = True
    running = carried.engine.scene.started()
    here(carried)
    await waits_for(carried, "1 busy")
    carried.engine.scene.stop(running)
    carried.engine.bus.publish(Event("transaction.stopped", "CP1", {}))
    assert (await carried.engine.links.next()).action == "UpdateFirmware"


async def test_whoever_charges_is_updated_where_nothing_else_is_wanted(carried: Carried) -> None:
    carried.engine.scene.started()
    here(carried)
    assert (await carried.engine.links.next()).action == "UpdateFirmware"


async def test_an_update_of_somebody_else_is_waited_for(carried: Carried) -> None:
    times: dict[str, Any] = {
        "created_at": 0,
        "changed_at": 0,
        "retrieve_at": 0,
        "deadline_at": carried.engine.scene.now + HOUR,
    }
    other = FirmwareUpdate(id=50, charge_point="CP1", location="ftp://x/", state="installing", **times)
    carried.engine.live.site.firmware.updates.add(other)
    here(carried)
    await waits_for(carried, "1 busy")
    other.state = "installed"
    carried.stir()
    assert (await carried.engine.links.next()).action == "UpdateFirmware"


async def test_one_that_is_away_is_waited_for(carried: Carried) -> None:
    carried.stir()
    await waits_for(carried, "1 offline")


async def test_what_was_ordered_is_what_is_sent(carried: Carried) -> None:
    carried.rollout.retries = 2
    here(carried)
    asked = await carried.engine.links.next()
    assert asked.payload["retries"] == 2
    assert asked.payload["location"] == f"http://csms:9080/token-{'t' * 32}/{IMAGE}"


SIGNED = {"signing_certificate": "-----BEGIN CERTIFICATE-----", "signature": "c2lnbmVk"}


async def signed(carried: Carried) -> Asked:
    """What a rollout of signed firmware sends."""
    for name, text in SIGNED.items():
        setattr(carried.rollout, name, text)
    await carried.store()
    here(carried)
    asked = await carried.engine.links.next()
    assert asked.action == "SignedUpdateFirmware"
    return asked


async def heard(carried: Carried, status: str, number: int) -> None:
    carried.engine.scene.send("SignedFirmwareStatusNotification", {"status": status, "requestId": number})
    carried.engine.bus.publish(Event("firmware.status", "CP1", {}))


async def test_signed_firmware_goes_with_its_signature_and_is_followed(carried: Carried) -> None:
    asked = await signed(carried)
    ((task,),) = carried.engine.rows("SELECT id FROM task WHERE action = 'SignedUpdateFirmware' AND user = 'ann'")
    assert asked.payload["requestId"] == task
    firmware = asked.payload["firmware"]
    assert {"signing_certificate": firmware["signingCertificate"], "signature": firmware["signature"]} == SIGNED
    assert firmware["location"] == f"http://csms:9080/token-{'t' * 32}/{IMAGE}"
    asked.confirm(status="Accepted")
    await carried.engine.until("task.settled")
    for status in ("Downloading", "Downloaded", "SignatureVerified", "Installing"):
        await heard(carried, status, task)
    update = carried.engine.live.site.firmware.updates.get(task)
    assert update is not None
    update.fetched_at = carried.engine.scene.now  # here, where the image is
    carried.engine.scene.now += SECOND
    await heard(carried, "Installed", task)
    while carried.stands() != ("done", "done", None):
        await carried.engine.until("rollout.changed")


async def test_a_signature_that_a_charge_point_finds_wrong_stops_the_rollout(carried: Carried) -> None:
    asked = await signed(carried)
    asked.confirm(status="Accepted")
    await carried.engine.until("task.settled")
    await heard(carried, "InvalidSignature", asked.payload["requestId"])
    await carried.comes_to("running", "failed", "invalid signature")
    await carried.comes_to("paused", None, None)


@pytest.mark.parametrize("status", ["InvalidCertificate", "RevokedCertificate", "Rejected"])
async def test_a_certificate_that_a_charge_point_does_not_take_stops_it_too(carried: Carried, status: str) -> None:
    (await signed(carried)).confirm(status=status)
    while carried.stands()[0] == "running":
        await carried.engine.until("rollout.changed")
    state, member, note = carried.stands()
    assert (state, member) == ("paused", "failed")
    assert note


async def test_what_is_over_stays_as_it_was_when_its_update_is_forgotten(carried: Carried) -> None:
    carried.member.state, carried.member.update_id = "done", 99
    await carried.store()
    carried.stir()
    await carried.comes_to("done", None, None)
    assert carried.stands() == ("done", "done", None)


async def test_waiting_is_no_news(carried: Carried) -> None:
    for _ in range(2):
        carried.runner._waits_for.clear()
        carried.stir()
        await waits_for(carried, "1 offline")
    assert carried.engine.types("rollout.") == []
