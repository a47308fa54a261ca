"""What load management makes of how a charge point takes limits."""

import pytest

from csmsd.profiles.load_management.circuits import Circuit, Key, Member
from csmsd.profiles.load_management.habits import LimitHabits, habits_in_words
from csmsd.profiles.load_management.load import LoadManagement
from tests.csmsd.profiles.load_management.sites import A

NOON = 1_767_268_800_000
CP1: Key = ("cp1", 1)
CP2: Key = ("cp2", 1)


def found(**fields: object) -> LimitHabits:
    return LimitHabits(charge_point="CP1", found_at=NOON, **fields)  # type: ignore[arg-type]


def site() -> LoadManagement:
    """Two members behind 20 A."""
    load = LoadManagement()
    load.replace(
        [Circuit(name="main", l1_ma=20 * A, l2_ma=20 * A, l3_ma=20 * A)],
        [Member(circuit="main", charge_point=name) for name in ("CP1", "CP2")],
    )
    return load


@pytest.mark.parametrize(
    ("fields", "step_ma", "floor_ma", "skew_s"),
    [
        ({}, 1_000, 0, 10),
        ({"decimals": True}, 100, 0, 10),
        ({"decimals": False, "zero": True}, 1_000, 0, 10),
        ({"zero": False}, 1_000, 6_000, 10),
        ({"clock_ahead_ms": -240_500}, 1_000, 0, 251),
        ({"clock_ahead_ms": 1_500}, 1_000, 0, 10),
    ],
)
def test_a_member_is_what_it_turned_out_to_be(
    fields: dict[str, object], step_ma: int, floor_ma: int, skew_s: int
) -> None:
    load = site()
    before = load.generation
    load.found(found(**fields))
    assert load.generation > before
    tree = load.tree(230)
    member = tree.members[CP1]
    assert (member.step_ma, member.floor_ma, member.skew_s) == (step_ma, floor_ma, skew_s)
    assert tree.members[CP2] == load.members[CP2]
    assert load.members[CP1].skew_s == 10  # as it was described


@pytest.mark.parametrize(("lease_ends", "takes"), [(None, True), (True, True), (False, False)])
def test_only_what_ends_by_itself_is_lent(lease_ends: bool | None, takes: bool) -> None:
    load = site()
    load.found(found(lease_ends=lease_ends))
    assert (load.takes_leases(CP1), load.takes_leases(CP2)) == (takes, True)


def test_they_go_with_their_charge_point() -> None:
    load = site()
    load.found(found(unit="W"))
    load.forget("cp1")
    assert load.habits == {}


def test_in_words() -> None:
    assert list(habits_in_words(None)) == [
        "Nobody has found out how it takes limits: csmsctl cp test, step limit-habits."
    ]
    assert list(habits_in_words(found())) == []
    all_of_it = found(unit="A", decimals=True, zero=False, lease_ends=False, reaction_ms=1_400, clock_ahead_ms=-240_000)
    assert list(habits_in_words(all_of_it)) == [
        "Its test has shown that it takes limits in A, tenths of an ampere, no limit of 0.",
        "Its test has shown that it does not end a limit when it should, so it is sent none, and counts with its "
        "rating: it could keep a share for ever.",
        "A car on it obeyed a lower limit within 2 s.",
        "Its clock was 240 s behind: the ends of its leases count as that much less certain.",
    ]
