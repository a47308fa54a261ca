"""Charge points that nobody registered: refused, or let in, and on disk before they are."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from csmsd.charge_points import admission
from csmsd.charge_points.admission import Admission
from csmsd.profiles.core.transactions import NotRemembered
from csmsd.store.past import Past
from tests.csmsd.profiles.scene import NOON, SECOND
from tests.csmsd.store.test_loader import transaction
from tests.csmsd.stored_site import StoredSite, new_file, opened


class Gate(StoredSite):
    """The clock stands at `now`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda: self.now)
        self.now = NOON
        self.past = Past(path)
        self.admission = Admission(self.live, self.past)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with opened(Gate(new_file(tmp_path))) as made:
        await made.past.open()
        yield made
        await made.past.close()


async def test_one_that_was_removed_and_is_let_in_again_owns_its_past(gate: Gate) -> None:
    await gate.writer.commit([transaction(7, state="stopped")])

    state = await gate.admission.admit("cp1", "accept")

    assert state is not None
    with pytest.raises(NotRemembered):
        state.transactions.find(7)


@pytest.mark.parametrize(("policy", "registration"), [("accept", "Accepted"), ("pending", "Pending")])
async def test_who_is_let_in_is_registered_and_on_the_list_no_more(
    gate: Gate, policy: Literal["accept", "pending"], registration: str
) -> None:
    refused, _ = gate.live.site.refused.note("CP1", "192.0.2.7", "unknown", NOON, registered=False)
    await gate.writer.commit([refused])

    state = await gate.admission.admit("cp1", policy)

    assert state is not None
    assert state is gate.live.site.charge_point("CP1")
    assert gate.rows("SELECT id, registration, registered_at FROM charge_point") == [("cp1", registration, NOON)]
    assert (list(gate.live.site.refused), gate.rows("SELECT * FROM refused_connection")) == ([], [])
    assert [(event.type, event.data) for event in gate.told] == [
        ("charge_point.registered", {"registration": registration, "by": "policy"})
    ]


async def test_one_that_another_connection_has_brought_is_not_registered_again(gate: Gate) -> None:
    first = await gate.admission.admit("CP1", "accept")
    assert first is not None
    first.record.note = "in the yard"
    gate.now += SECOND

    assert await gate.admission.admit("cp1", "pending") is first
    assert await gate.admission.admit("cp1", "reject") is first
    assert [event.type for event in gate.told] == ["charge_point.registered"]


async def test_two_connections_at_once_are_one_charge_point(gate: Gate) -> None:
    """The second comes while the past of the first is looked up."""
    first, second = await asyncio.gather(gate.admission.admit("CP1", "accept"), gate.admission.admit("cp1", "accept"))
    assert first is not None
    assert first is second
    assert [event.type for event in gate.told] == ["charge_point.registered"]


async def test_who_comes_while_the_disk_begins_to_fail_is_not_let_in(gate: Gate) -> None:
    admitting = asyncio.create_task(gate.admission.admit("CP1", "accept"))
    await asyncio.sleep(0)  # its past is looked up
    gate.writer.accepting = False
    assert await admitting is None
    assert gate.live.site.charge_points == {}


async def test_who_cannot_be_stored_is_not_let_in(gate: Gate) -> None:
    with closing(sqlite3.connect(gate.path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER picky BEFORE INSERT ON charge_point BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert await gate.admission.admit("CP1", "accept") is None
    assert gate.live.site.charge_point("CP1") is None
    assert gate.told == []


async def test_while_nothing_can_be_stored_nobody_is_let_in_and_nothing_is_changed(gate: Gate) -> None:
    gate.writer.accepting = False
    assert await gate.admission.admit("CP1", "accept") is None
    assert gate.live.site.charge_points == {}
    assert gate.told == []


async def test_who_is_to_be_rejected_is(gate: Gate) -> None:
    assert await gate.admission.admit("CP1", "reject") is None
    assert gate.live.site.charge_points == {}
    assert gate.rows("SELECT * FROM charge_point") == []


@pytest.mark.parametrize(("name", "most"), [("MOST_AT_ADDRESS", 2), ("MOST_CHARGE_POINTS", 3)])
async def test_nobody_fills_the_books_with_identities(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(admission, name, most)
    before = len(gate.live.site.charge_points)
    found = [await gate.admission.admit(f"NEW{number}", "accept", "192.0.2.1") for number in range(5)]
    room = most if name == "MOST_AT_ADDRESS" else most - before
    assert [state is not None for state in found] == [number < room for number in range(5)]
    assert await gate.admission.admit("NEW0", "accept", "192.0.2.1") is found[0]
    elsewhere = await gate.admission.admit("OTHER", "accept", "192.0.2.2")
    assert (elsewhere is not None) is (name == "MOST_AT_ADDRESS")
