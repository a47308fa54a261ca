"""A transaction on somebody else's reservation stays marked."""

import pytest

from csmsd.profiles.following import what_follows
from csmsd.profiles.reservation.foreign_use import foreign_uses_of
from csmsd.profiles.reservation.reservations import Terms
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene


def reserved(scene: Scene, tag: str, *, connector: int = 1, parent: str | None = None) -> None:
    terms = Terms(connector, tag, parent, scene.now + 8 * HOUR)
    scene.site.reservations.request("CP1", 4, terms, scene.now)
    scene.site.reservations.accepted("CP1", 4, terms, scene.now)
    scene.now += SECOND


@pytest.mark.parametrize("named", [4, None], ids=["names it", "ignores it"])
def test_it_is_flagged(named: int | None) -> None:
    scene = Scene()
    reserved(scene, "TAG2")
    transaction = scene.started(reservationId=named)
    assert transaction.flags == ["reservation_of:TAG2"]
    reservation = scene.site.reservations.get("CP1", 4)
    assert list(foreign_uses_of(transaction, scene.site)) == [(reservation, named is not None)]


@pytest.mark.parametrize(
    ("tag", "connector", "parent"),
    [("TAG1", 1, None), ("TAG2", 1, "FAMILY"), ("TAG2", 2, None), ("TAG2", 0, None)],
)
def test_its_own_and_those_of_elsewhere_are_none(tag: str, connector: int, parent: str | None) -> None:
    scene = Scene()
    scene.tag("TAG1", parent="family")
    reserved(scene, tag, connector=connector, parent=parent)
    answer = scene.start()
    assert [transaction.flags for transaction in answer.transactions] == [[]]


@pytest.mark.parametrize(
    ("timestamp", "flags"),
    [("2026-03-01T11:30:00Z", []), ("1970-01-01T00:00:05Z", ["reservation_of:TAG2", "start_time:before_2010"])],
)
def test_a_start_of_before_it_that_is_told_late_is_none(timestamp: str, flags: list[str]) -> None:
    scene = Scene()
    reserved(scene, "TAG2")
    assert sorted(scene.started(timestamp=timestamp).flags) == flags


def test_one_that_is_not_known_any_more_is_left_alone() -> None:
    scene = Scene()
    answer = scene.start()
    scene.cp.transactions.forget(1)
    scene.site.charge_points.clear()
    assert what_follows(answer.events, scene.site, scene.now) == ([], [])
