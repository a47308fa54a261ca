"""The one way of a change: memory, commit, answer, news; and memory that is loaded anew when it may be wrong."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from csmsd import live_site
from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.ocpp.types import SampledValue
from csmsd.ports.store import NotStored, Removal
from csmsd.profiles import consequences
from csmsd.profiles.action import Consequence
from csmsd.profiles.core.charge_points import ChargePoint, Connector, LatestSamples
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterReading, Shape, Taken
from csmsd.profiles.core.told_readings import Arrivals
from csmsd.profiles.firmware_management.hosting import Hosting
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.following import what_follows
from csmsd.profiles.record import Change, Deleted, Event, Milliseconds
from csmsd.profiles.reservation.reservations import Terms
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfile
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import HOUR, NOON, Scene

TOLD = Event("tag.changed", None, {})


class House:
    """A file, its writer, the bus and the live site; `said` is what happened, in its order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.unreadable = 0  # so many times
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOON, keep=lambda event: None)
        bus.subscribe(lambda event: self.said.append(event.type))
        self.live = LiveSite(self.writer, bus, lambda: NOON, self._load)

    def _load(self) -> Site:
        if self.unreadable:
            self.unreadable -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return load_site(self.path, Site())

    def tag(self, name: str) -> IdTag:
        """Known in memory, not on disk."""
        tag = IdTag(id=name, created_at=NOON)
        self.live.site.id_tags[name.lower()] = tag
        return tag

    def known(self) -> set[str]:
        return {tag.id for tag in self.live.site.id_tags.values()}

    def stored(self) -> set[str]:
        with closing(sqlite3.connect(self.path)) as other:
            return {row[0] for row in other.execute("SELECT id FROM id_tag")}

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=10)) as other:
            other.execute(statement)

    def refuse(self, name: str) -> None:
        """SQLite refuses that idTag."""
        self.execute(
            f"CREATE TRIGGER picky BEFORE INSERT ON id_tag WHEN new.id = '{name}' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(live_site, "_RETRY_SECONDS", 0)
    path = tmp_path / "csms.db"
    prepare_database(path)
    made = House(path)
    await made.live.open()
    await made.writer.open()
    yield made
    made.unreadable = 0
    await made.writer.close()


# --- the way of a change


async def test_who_no_longer_waits_keeps_nobody_from_the_news(house: House) -> None:
    """As a connection whose opening took too long while the disk was slow: what it has changed is on disk."""
    with closing(sqlite3.connect(house.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(house.live.keep([house.tag("A")], [TOLD]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert house.said == []
        other.execute("ROLLBACK")
    await house.writer.flush()
    assert (house.said, house.stored()) == (["tag.changed"], {"A"})


async def test_who_is_cancelled_in_the_moment_in_which_it_is_stored_tells_it(house: House) -> None:
    waiting = asyncio.create_task(house.live.keep([house.tag("A")], [TOLD]))
    await asyncio.sleep(0)

    def stored(failure: NotStored | None) -> None:
        waiting.cancel()

    house.live.submit([house.tag("B")], stored)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (house.said, house.stored()) == (["tag.changed"], {"A", "B"})


async def test_what_is_kept_is_on_disk_before_it_is_told(house: House) -> None:
    keeping = asyncio.create_task(house.live.keep([house.tag("A")], [TOLD]))
    await asyncio.sleep(0)
    assert house.said == []
    await keeping
    assert house.stored() == {"A"}
    assert house.said == ["tag.changed"]


async def test_of_what_is_submitted_the_end_is_known_after_the_commit(house: House) -> None:
    house.live.submit([house.tag("A")], lambda error: house.said.append(f"{error} {house.stored()}"))
    assert house.said == []
    await house.writer.flush()
    assert house.said == ["None {'A'}"]


async def test_what_keeps_nothing_is_told_at_once(house: House) -> None:
    await house.live.keep([], [TOLD])
    house.live.tell(TOLD)
    assert house.said == ["tag.changed", "tag.changed"]


async def test_of_what_could_not_be_stored_memory_knows_nothing_and_nobody_is_told(house: House) -> None:
    house.refuse("B")
    await house.live.keep([house.tag("A")])
    with pytest.raises(NotStored, match="not this one"):
        await house.live.keep([house.tag("B")], [TOLD])
    assert house.known() == house.stored() == {"A"}
    house.live.submit([house.tag("B")], lambda error: house.said.append(f"{type(error)} {house.known()}"))
    await house.writer.flush()
    assert house.said == [f"{NotStored} {{'A'}}"], "memory is right before anybody is answered"


async def test_a_value_that_cannot_be_written_is_no_other_failure(house: House) -> None:
    tag = house.tag("A")
    tag.labels = [object()]  # type: ignore[list-item]
    with pytest.raises(NotStored):
        await house.live.keep([tag], [TOLD])
    assert house.known() == set()


@pytest.mark.parametrize("way", ["keep", "submit", "remove"])
async def test_what_is_refused_outright_is_taken_back_too(house: House, way: str) -> None:
    """Whoever did not ask before: memory is ahead of a disk that was never asked."""
    house.writer.renew()
    assert not house.live.accepting
    with pytest.raises(NotStored):
        house.live.require()
    await house.writer.flush()
    house.live.require()

    house.writer.accepting = False  # as while the disk has its rest
    tag = house.tag("A")
    if way == "keep":
        with pytest.raises(NotStored):
            await house.live.keep([tag], [TOLD])
    elif way == "submit":
        house.live.submit([tag], lambda error: house.said.append(type(error).__name__))
    else:
        with pytest.raises(NotStored):
            await house.live.remove([Removal(IdTag, "id", [1])])
    await house.writer.flush()
    assert house.known() == set()
    assert house.said == (["NotStored"] if way == "submit" else [])
    house.live.require()


async def test_rows_are_removed(house: House) -> None:
    await house.live.keep([house.tag("A"), house.tag("B")])
    await house.live.remove([Removal(IdTag, "created_at", [NOON])])
    assert house.stored() == set()


# --- what follows


async def running_on_a_profile(house: House) -> Scene:
    """A transaction of CP1 with a TxProfile of its own; all of it is on disk."""
    scene = Scene()
    await house.live.keep([ChargePoint(id="CP1", boot_status="Accepted", registered_at=NOON), house.tag("TAG1")])
    await house.live.open()
    scene.site = house.live.site
    scene.cp = scene.site.charge_points["cp1"]
    started = scene.start()
    profile = InstalledProfile(
        charge_point="CP1",
        connector=1,
        purpose="TxProfile",
        stack_level=0,
        profile_id=1,
        transaction_id=started.payload["transactionId"],
        profile="{}",
        accepted_at=NOON,
    )
    scene.site.smart_charging.installed.add(profile)
    await house.live.keep([*started.changes, profile])
    return scene


def installed(house: House) -> tuple[int, int]:
    """How many profiles are in memory, and on disk."""
    with closing(sqlite3.connect(house.path)) as other:
        (rows,) = other.execute("SELECT count(*) FROM installed_profile").fetchone()
    return len(house.live.site.smart_charging.installed.of("CP1")), rows


@pytest.mark.parametrize("how", ["stopped", "closed", "abandoned"])
async def test_profiles_of_a_transaction_end_with_it_whoever_ended_it(house: House, how: Any) -> None:
    scene = await running_on_a_profile(house)
    assert installed(house) == (1, 1)
    (transaction,) = scene.cp.transactions.active()
    transaction.state = how
    told: Any = f"transaction.{how}"
    await house.live.keep([transaction], [Event(told, "CP1", {})])
    assert installed(house) == (0, 0)


async def test_every_room_lets_go_of_a_charge_point_that_is_removed(house: House) -> None:
    scene = await running_on_a_profile(house)
    site = scene.site
    update = FirmwareUpdate(
        id=1, charge_point="CP1", created_at=NOON, changed_at=NOON, deadline_at=NOON + HOUR, location="http://x/y",
        retrieve_at=NOON,
    )  # fmt: skip
    site.firmware.updates.add(update)
    reservation = site.reservations.request("CP1", 1, Terms(1, "TAG1", None, NOON + HOUR), NOON)
    local_list = site.local_lists.get("CP1")
    local_list.version = 7
    await house.live.keep([update, reservation, local_list])
    house.said.clear()

    del site.charge_points["cp1"]
    await house.live.keep([Deleted(scene.cp.record)], [Event("charge_point.removed", "CP1", {})])
    assert installed(house) == (0, 0)
    assert site.local_lists.get("CP1").version != 7
    assert (site.firmware.updates.get(1) or update).state == "cancelled"
    assert site.reservations.active_on("CP1") == []
    assert sorted(house.said[1:]) == ["firmware.status", "reservation.failed"]
    assert house.said[0] == "charge_point.removed"
    fresh = load_site(house.path, Site())
    assert (fresh.firmware.updates.get(1) or update).state == "cancelled"
    assert fresh.reservations.active_on("CP1") == []
    assert fresh.local_lists.get("CP1").version != 7


async def test_what_follows_is_kept_in_the_same_commit(house: House) -> None:
    scene = await running_on_a_profile(house)
    (transaction,) = scene.cp.transactions.active()
    house.execute("CREATE TRIGGER picky BEFORE UPDATE ON transactions BEGIN SELECT RAISE(ABORT, 'not this one'); END")
    house.execute("CREATE TRIGGER picky2 BEFORE INSERT ON transactions BEGIN SELECT RAISE(ABORT, 'not this one'); END")
    transaction.state = "closed"
    with pytest.raises(NotStored):
        await house.live.keep([transaction], [Event("transaction.closed", "CP1", {})])
    assert installed(house) == (1, 1)
    assert house.said == []


def follows(event: str, told: str | None, change: Change) -> Consequence:
    def observe(found: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        return [change], [Event(told, found.charge_point, {})] if told else []  # type: ignore[arg-type]

    return Consequence(event, observe)  # type: ignore[arg-type]


def tag(name: str) -> IdTag:
    return IdTag(id=name, created_at=NOON)


async def test_what_follows_from_what_follows_is_kept_and_told_in_its_order(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {
        "tag.changed": (follows("tag.changed", "local_list.updated", tag("A")),),
        "local_list.updated": (follows("local_list.updated", "tag.removed", tag("B")),),
    }
    monkeypatch.setattr("csmsd.profiles.following.consequences", lambda: rules)
    await house.live.keep([], [TOLD])
    assert house.stored() == {"A", "B"}
    assert house.said == ["tag.changed", "local_list.updated", "tag.removed"]


async def test_rules_that_go_round_in_a_circle_change_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {
        "tag.changed": (follows("tag.changed", "tag.removed", tag("A")),),
        "tag.removed": (follows("tag.removed", "tag.changed", tag("B")),),
    }
    monkeypatch.setattr("csmsd.profiles.following.consequences", lambda: rules)
    house.tag("C")
    with pytest.raises(RuntimeError, match="follow from themselves"):
        await house.live.keep([], [TOLD])
    await house.writer.flush()
    assert house.known() == house.stored() == set()
    assert house.said == []


def test_no_rule_needs_a_charge_point_that_is_there() -> None:
    """An event about nobody, or about one that was removed meanwhile, is no mistake."""
    for kind in consequences():
        for about in (None, "GONE"):
            assert what_follows([Event(kind, about, {})], Site(), NOON) == ([], [])


# --- memory that may be wrong


async def test_a_distrusted_memory_is_loaded_anew_after_what_was_pending(house: House) -> None:
    await house.live.keep([ChargePoint(id="CP1", registered_at=NOON)])
    house.live.submit([house.tag("A")], lambda error: None)
    house.tag("HALF")
    before = house.live.site
    house.live.distrust()
    house.live.submit([tag("WRONG")], lambda error: house.said.append(type(error).__name__))
    assert house.said == ["NotStored"], "it was worked out from that memory"
    await house.writer.flush()
    assert house.live.site is not before
    assert house.known() == house.stored() == {"A"}
    await house.live.keep([house.tag("B")])
    assert house.stored() == {"A", "B"}


async def test_what_no_file_knows_is_carried_over(house: House) -> None:
    await house.live.keep([ChargePoint(id="CP1", registered_at=NOON)])
    await house.live.open()
    before = house.live.site.charge_points["cp1"]
    before.connected_at, before.address, before.reached_at = NOON, "192.0.2.7", "csms.example"
    before.triggered.add("Heartbeat")
    before.heard["Heartbeat"] = NOON
    before.unanswered_since = NOON + 1
    before.away_since = NOON - HOUR
    before.hidden_by_fault[1] = Connector(
        charge_point="CP1", connector=1, status="Available", status_at=NOON, received_at=NOON
    )
    house.live.site.count_orphans_at("192.0.2.7", before)
    before.arrivals[1] = Arrivals(NOON)
    hosting = house.live.site.firmware.hosting = Hosting({}, lambda: "t" * 32)
    before.samples[1] = LatestSamples()
    reading = MeterReading(
        charge_point="CP1", connector=1, transaction_id=None, time=NOON, text=None, shape=0, samples=""
    )
    power = [SampledValue(value="7", measurand="Power.Active.Import")]
    before.samples[1].take(None, [Taken(Shape(0, power), [7.0], reading, 0)], NOON)
    house.live.distrust()
    await house.writer.flush()
    after = house.live.site.charge_points["cp1"]
    assert after is not before
    assert (after.connected_at, after.address, after.reached_at) == (NOON, "192.0.2.7", "csms.example")
    assert after.triggered == {"Heartbeat"}
    assert after.heard == {"Heartbeat": NOON}
    assert after.unanswered_since == NOON + 1
    assert (after.away_since, after.lateness) == (NOON - HOUR, before.lateness)
    assert after.hidden_by_fault == before.hidden_by_fault != {}
    assert after.arrivals == before.arrivals != {}
    assert after.origin == "192.0.2.7"
    assert house.live.site.firmware.hosting is hosting
    assert after.samples_on(1)["Power.Active.Import"].value == 7


async def test_loading_is_tried_until_it_succeeds_and_nothing_is_taken_before(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.live.keep([house.tag("A")])
    house.tag("HALF")
    house.unreadable = 3
    house.live.distrust()
    await house.writer.flush()
    assert house.unreadable == 0
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3
    assert house.known() == {"A"}
    house.live.require()


async def test_one_who_is_stopping_tries_no_longer(house: House) -> None:
    house.unreadable = 1_000_000
    house.live.stopping = True
    house.live.distrust()
    await house.writer.close()
    assert house.unreadable == 999_999
