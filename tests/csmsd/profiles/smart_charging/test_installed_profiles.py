"""TxProfiles come and go with their transactions (C 3.13.1, 5.16.2)."""

from typing import Any

import pytest

from csmsd.profiles.core import booking
from csmsd.profiles.core.remote_start_transaction import RemoteStart
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Deleted
from csmsd.profiles.smart_charging.installed_profiles import InstalledProfiles, profile_installed_now
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfile, set_charging_profiles_again
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene
from tests.csmsd.profiles.smart_charging.installing import add, configure, fits_the_schema, set_profile, there, tidy
from tests.csmsd.profiles.smart_charging.profiles import profile

ACCEPTED = {"status": "Accepted"}


def test_a_tx_profile_dies_with_its_transaction(scene: Scene) -> None:
    # C 3.13.1
    running = scene.started()
    set_profile(scene, "slow")
    set_profile(scene, "night")
    assert tidy(scene) == []
    stopped = scene.stop(running)
    assert [type(change) for change in stopped.changes] == [Transaction, Deleted]
    assert tidy(scene) == []
    assert there(scene) == [(1, "TxDefaultProfile", 0, "night")]


def test_what_has_ceased_counts_no_more_before_it_is_tidied_away(scene: Scene) -> None:
    configure(scene, MaxChargingProfilesInstalled="1")
    running = scene.started()
    set_profile(scene, "slow")
    night = SetChargingProfile(connector=1, profile="night")
    assert "1 profiles are installed" in (scene.warning(night) or "")
    booking.book_close(running, "by the operator, which no rule follows from", scene.site, scene.now)
    assert scene.warning(night) is None
    assert list(set_charging_profiles_again(scene.target())) == []
    assert Outlook.of(scene.target()).sources == []
    assert there(scene) == [(1, "TxProfile", 0, "slow")]


def remote_start(scene: Scene, connector: int | None = 1) -> dict[str, Any]:
    [request] = scene.asks(RemoteStart(tag="TAG1", connector=connector, profile="slow"))
    scene.confirmed("RemoteStartTransaction", request, ACCEPTED)
    return request


def test_a_remote_start_with_a_profile(scene: Scene) -> None:
    # TC_059: TxProfile, Relative, no transactionId
    operation = RemoteStart(tag="TAG1", connector=1, profile="slow")
    assert scene.warning(operation) is None
    sent = remote_start(scene)["chargingProfile"]
    assert sent["chargingProfilePurpose"] == "TxProfile"
    assert sent["chargingProfileKind"] == "Relative"
    assert "transactionId" not in sent
    fits_the_schema(scene, operation, "RemoteStartTransaction")
    assert "must be a TxProfile (C 5.16.2)" in (scene.warning(RemoteStart(tag="TAG1", profile="night")) or "")


@pytest.mark.parametrize("asked", [1, None])
def test_its_profile_finds_the_transaction(scene: Scene, asked: int | None) -> None:
    remote_start(scene, asked)
    scene.now += 20 * SECOND
    assert tidy(scene) == []
    running = scene.started(connectorId=1)
    tidy(scene)
    [record] = scene.site.smart_charging.installed.of("CP1")
    assert (record.connector, record.transaction_id, record.pending) == (1, running.id, False)
    assert record.source().profile.transaction_id == running.id
    scene.stop(running)
    tidy(scene)
    assert there(scene) == []


def test_the_start_may_overtake_the_confirmation(scene: Scene) -> None:
    [request] = scene.asks(RemoteStart(tag="TAG1", connector=1, profile="slow"))
    running = scene.started()
    scene.now += SECOND
    scene.confirmed("RemoteStartTransaction", request, ACCEPTED)
    [record] = scene.site.smart_charging.installed.of("CP1")
    assert record.transaction_id == running.id


def test_another_tag_is_another_transaction(scene: Scene) -> None:
    scene.tag("TAG2")
    remote_start(scene)
    scene.started(idTag="TAG2")
    tidy(scene)
    [record] = scene.site.smart_charging.installed.of("CP1")
    assert record.pending


def test_a_transaction_on_another_connector_is_not_its_own(scene: Scene) -> None:
    remote_start(scene, 1)
    scene.started(connectorId=2)
    tidy(scene)
    assert [(record.connector, record.pending) for record in scene.site.smart_charging.installed.of("CP1")] == [
        (1, True)
    ]


@pytest.mark.parametrize(("seconds", "pending"), [(30, False), (31, True), (3600, True)])
def test_a_transaction_that_ran_long_before_is_not_its_own(scene: Scene, seconds: int, pending: bool) -> None:
    """The confirmation may be overtaken by its start, by half a minute; what began before that was another's wish."""
    scene.started()
    scene.now += seconds * SECOND
    remote_start(scene)
    [record] = scene.site.smart_charging.installed.of("CP1")
    assert record.pending is pending


@pytest.mark.parametrize("reported", [None, "", "never", "600"])
def test_how_long_a_remote_start_is_waited_for_where_nothing_sensible_is_reported(
    scene: Scene, reported: str | None
) -> None:
    if reported is not None:
        configure(scene, ConnectionTimeOut=reported)
    remote_start(scene)
    scene.now += 660 * SECOND
    assert tidy(scene) == []
    scene.now += 1
    assert len(tidy(scene)) == 1


def test_what_waits_for_its_transaction_is_not_dropped_when_it_came_at_the_last_moment(scene: Scene) -> None:
    """Found by then and not tidied: it is in force, however long ago its command was."""
    remote_start(scene)
    scene.now += 600 * SECOND
    scene.started()
    scene.now += 3600 * SECOND
    [record] = scene.site.smart_charging.installed.of("CP1")
    record.transaction_id = None  # as if nobody had tidied since
    assert scene.site.smart_charging.installed.in_force(scene.cp, scene.now) == [record]


def test_a_remote_start_that_led_to_nothing_is_forgotten(scene: Scene) -> None:
    configure(scene, ConnectionTimeOut="60")
    remote_start(scene)
    scene.now += 119 * SECOND
    assert tidy(scene) == []
    scene.now += 2 * SECOND
    assert len(tidy(scene)) == 1


def test_a_profile_for_the_transaction_replaces_that_of_the_remote_start(scene: Scene) -> None:
    # C 5.16.2: same stack level
    add(scene, "faster", profile((0, 20), purpose="TxProfile", kind="Relative", start=None))
    remote_start(scene)
    scene.started()
    set_profile(scene, "faster")
    assert there(scene) == [(1, "TxProfile", 0, "faster")]


def test_a_refused_remote_start_leaves_nothing(scene: Scene) -> None:
    [request] = scene.asks(RemoteStart(tag="TAG1", connector=1, profile="slow"))
    assert scene.confirmed("RemoteStartTransaction", request, {"status": "Rejected"}) == []
    assert there(scene) == []


def test_another_transaction_on_the_connector_does_not_keep_it(scene: Scene) -> None:
    running = scene.started()
    set_profile(scene, "slow")
    [record] = scene.site.smart_charging.installed.of("CP1")
    record.transaction_id = running.id + 1  # one that is not known any more
    assert len(tidy(scene)) == 1


def test_one_that_was_forced_belongs_to_what_runs_there(scene: Scene) -> None:
    set_profile(scene, "slow")
    assert len(tidy(scene)) == 1
    scene.started()
    set_profile(scene, "slow")
    [record] = scene.site.smart_charging.installed.of("CP1")
    record.transaction_id = None
    assert tidy(scene) == []


def test_what_was_accepted_before_our_clock_was_set_back_comes_before_what_is_accepted_now() -> None:
    installed = InstalledProfiles()
    for level, accepted_at in ((1, NOON + HOUR), (2, NOON), (3, NOON + 2 * HOUR), (4, NOON - HOUR)):
        body = profile((0, 16), level=level, id=level)
        installed.accept(profile_installed_now("CP1", 1, body, accepted_at))
    changes = installed.put_in_order("CP1", NOON)
    assert changes == [installed.at("CP1", (1, "TxDefaultProfile", level)) for level in (1, 3)]
    found = sorted(installed.of("CP1"), key=lambda one: one.accepted_at)
    assert [one.stack_level for one in found] == [4, 1, 3, 2]
    assert max(one.accepted_at for one in found) == NOON
