"""The site's live state: look-ups by the keys that messages carry."""

import pytest

from csmsd.profiles.core import orphans
from csmsd.profiles.policies import DataTransfer, Policies
from csmsd.profiles.site import Site
from tests.csmsd.profiles.scene import Scene


def test_charge_points_and_tags_are_found_in_any_case() -> None:
    scene = Scene()
    scene.register("Depot-7")

    assert scene.site.charge_point("DEPOT-7") is scene.site.charge_point("depot-7") is not None
    assert scene.site.id_tag("tAg1") is scene.site.id_tags["tag1"]
    assert scene.site.charge_point("CP3") is None
    assert scene.site.id_tag("TAG3") is None


def test_transaction_ids_go_on_after_a_restart() -> None:
    scene = Scene()
    scene.site.begin_transaction_ids_after(41)

    assert [scene.site.new_transaction_id() for _ in range(2)] == [42, 43]


def test_active_transactions_of_a_tag_are_counted_over_all_charge_points() -> None:
    scene = Scene()
    scene.register("CP2")
    first, second = scene.started(), scene.started(by="CP2", idTag="tag1")
    assert scene.site.active_transactions_of("TAG1") == 2

    scene.stop(first)
    assert scene.site.active_transactions_of("TAG1") == 1

    second.state = "closed"
    scene.site.index_transaction(second)
    scene.site.index_transaction(second)
    assert scene.site.active_transactions_of("TAG1") == 0


def test_a_loaded_transaction_counts_as_if_it_had_begun_now() -> None:
    before, after = Scene(), Scene()
    running, ended = before.started(), before.started(connectorId=2)
    before.stop(ended)

    after.site.add_transaction(running)
    after.site.add_transaction(ended)

    assert after.site.active_transactions_of("TAG1") == 1
    assert after.cp.transactions.active() == [running]
    assert after.start(timestamp=running.start_text).payload["transactionId"] == running.id
    assert after.stop(running).event("transaction.stopped")["energy_wh"] == 500


def test_a_transaction_of_a_charge_point_that_was_removed_is_not_found() -> None:
    scene = Scene()
    transaction = scene.started()
    assert scene.site.find_transaction(transaction.id) is transaction

    del scene.site.charge_points["cp1"]

    assert scene.site.find_transaction(transaction.id) is None
    scene.site.add_transaction(transaction)
    assert scene.site.active_transactions_of("TAG1") == 1


def test_what_is_kept_of_those_at_one_address_counts_together_after_it_is_loaded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orphans, "MOST_AT_ADDRESS", 1)
    old, fresh = Scene(), Scene()
    for scene in (old, fresh):
        scene.register("CP2")
    for known in old.site.charge_points.values():
        old.site.count_orphans_at("192.0.2.7", known)

    fresh.site.carry_over(old.site)

    first, second = fresh.site.charge_points.values()
    first.orphans.add(1, fresh.now, "StopTransaction", "", "{}")
    assert not second.orphans.has_room("StopTransaction", 1)


def test_who_is_not_on_disk_is_not_carried_over() -> None:
    old, fresh = Scene(), Scene()
    old.register("CP2")
    fresh.site.carry_over(old.site)
    assert list(fresh.site.charge_points) == ["cp1"]


def test_what_is_kept_of_those_who_never_connected_counts_for_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "MOST_AT_ADDRESS", 1)
    scene = Scene()
    first, second = scene.cp, scene.register("CP2")
    for known in (first, second):
        scene.site.count_orphans_at(None, known)
    first.orphans.add(1, scene.now, "StopTransaction", "", "{}")
    assert second.orphans.has_room("StopTransaction", 1)


def test_what_was_not_written_yet_of_refused_connections_is_carried_over() -> None:
    old, fresh = Scene(), Scene()
    old.site.refused.note("CP1", "192.0.2.7", "wrong_password", old.now, registered=True)
    fresh.site.carry_over(old.site)
    (known,) = fresh.site.refused.of("CP1")
    assert known.attempts == 1
    assert list(fresh.site.refused.housekeeping()) == [known], "it is still to be written"


def test_a_site_goes_by_the_sections_that_it_is_given() -> None:
    """Those that a reload changes in place."""
    policies, data_transfer = Policies(), DataTransfer()
    site = Site(policies, data_transfer)
    assert (site.policies is policies, site.data_transfer is data_transfer) == (True, True)
    assert (Site().policies, Site().data_transfer) == (policies, data_transfer)
