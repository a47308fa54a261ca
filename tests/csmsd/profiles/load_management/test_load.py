"""The live state of circuits: what a change writes, and what comes back from disk."""

import pytest

from csmsd.profiles.load_management.circuits import Circuit, CircuitError, Member, Reading, TemporaryLimit
from csmsd.profiles.load_management.load import LoadHold, LoadManagement
from csmsd.profiles.record import Deleted

A = 1000
MAIN = Circuit(name="main", l1_ma=63 * A, l2_ma=63 * A, l3_ma=63 * A)
MEMBER = Member(circuit="main", charge_point="CP1")
KEY = ("cp1", 1)


def garage() -> LoadManagement:
    load = LoadManagement()
    load.replace([MAIN], [MEMBER])
    return load


def test_only_what_changes_is_written() -> None:
    load = LoadManagement()
    assert load.replace([MAIN], [MEMBER]) == [MAIN, MEMBER]
    generation = load.generation
    assert load.replace([MAIN], [MEMBER]) == []
    assert load.generation == generation
    assert load.replace([MAIN], []) == [Deleted(MEMBER)]
    assert load.generation > generation


def test_what_cannot_be_changes_nothing() -> None:
    load = garage()
    with pytest.raises(CircuitError):
        load.replace([], [MEMBER])
    assert (load.circuit("MAIN"), list(load.members)) == (MAIN, [KEY])


def test_a_limit_for_a_while_ends_by_itself_with_its_circuit_or_when_it_is_taken_back() -> None:
    load = garage()
    limit = TemporaryLimit(circuit="main", ma=25 * A, until=100)
    assert load.limit(MAIN, limit) == [limit]
    assert load.outside(0, 99).temporary == {"main": limit}
    assert load.outside(0, 100).temporary == {}
    assert load.limit(MAIN, None) == [Deleted(limit)]
    assert load.limit(MAIN, None) == []
    load.limit(MAIN, limit)
    load.readings["main"] = Reading(circuit="main", l1_ma=0, l2_ma=0, l3_ma=0, at=0)
    assert Deleted(limit) in load.replace([], [])
    assert (load.temporary, load.readings) == ({}, {})


def test_the_disk_knows_what_the_ledger_knows() -> None:
    load = garage()
    load.ledger.begin(KEY, 32 * A, (0, 1, 2), 5)
    [written] = load.hold_changes()
    assert isinstance(written, LoadHold)
    assert (written.charge_point, written.slot, written.ma) == ("CP1", "unknown", 32 * A)
    assert load.hold_changes() == []
    again = garage()
    again.begin_with([written])
    assert list(again.ledger) == list(load.ledger)
    assert again.hold_changes() == []
    again.ledger.forget(KEY)
    assert again.hold_changes() == [Deleted(written)]


def test_a_charge_point_that_is_removed_leaves_nothing() -> None:
    load = garage()
    load.ledger.begin(KEY, 32 * A, (0, 1, 2), 5)
    load.hold_changes()
    load.forget("cp1")
    assert (load.members, list(load.ledger), load.holds) == ({}, [], {})


def test_readings_outlive_a_state_that_is_loaded_anew() -> None:
    old, new = garage(), garage()
    old.readings["main"] = Reading(circuit="main", l1_ma=1, l2_ma=1, l3_ma=1, at=0)
    new.carry_over(old)
    assert new.readings == old.readings
    assert new.generation > old.generation
