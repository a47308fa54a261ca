"""What is put in order now and then: transactions in which a limit is not kept are marked, once."""

from collections.abc import Sequence
from typing import Any

import pytest

from csmsd.ports.store import NotStored
from csmsd.profiles.record import Change, Event
from csmsd.upkeep.housekeeping import Housekeeping
from tests.csmsd.control.problems.test_charge_points import connected, only
from tests.csmsd.control.problems.test_charging import draws_too_much, keeps_its_limit
from tests.csmsd.profiles.scene import SECOND, Scene


class Kept:
    """A live site whose commits are looked at."""

    def __init__(self, scene: Scene, *, fails: bool = False) -> None:
        self.site, self.accepting, self.fails = scene.site, True, fails
        self.changes: list[Change] = []
        self._scene = scene

    def now(self) -> int:
        return self._scene.now

    async def keep(self, changes: Sequence[Change], events: Sequence[Event] = ()) -> None:
        if self.fails:
            raise NotStored("no space left")
        self.changes += changes


def housekeeping(kept: Kept) -> Housekeeping:
    live: Any = kept
    return Housekeeping(live)


async def test_a_limit_that_is_not_kept_marks_the_transaction() -> None:
    scene = Scene()
    connected(scene)
    draws_too_much(scene)
    kept = Kept(scene)
    await housekeeping(kept).mark_excesses()
    (transaction,) = scene.cp.transactions.active()
    assert (kept.changes, transaction.flags) == ([transaction], ["limit_exceeded"])
    await housekeeping(kept).mark_excesses()
    assert kept.changes == [transaction]
    marked_at = scene.now
    scene.now += SECOND
    assert only(scene).since == marked_at


async def test_what_is_as_it_should_be_is_not_marked() -> None:
    scene = Scene()
    connected(scene)
    keeps_its_limit(scene)
    kept = Kept(scene)
    await housekeeping(kept).mark_excesses()
    assert kept.changes == []


async def test_nothing_is_marked_that_cannot_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    connected(scene)
    draws_too_much(scene)
    kept = Kept(scene, fails=True)
    await housekeeping(kept).mark_excesses()
    assert "no space left" in caplog.text
    kept.accepting = False
    scene.cp.transactions.active()[0].flags = []
    await housekeeping(kept).mark_excesses()
    assert scene.cp.transactions.active()[0].flags == []
