"""What is kept of refused connections, and what a flood of them cannot do."""

import pytest

from csmsd.profiles.core.refused_connections import (
    MAX_OF_ONE,
    MAX_OF_STRANGERS,
    RefusedConnection,
    RefusedConnections,
    refused_reason_text,
    remedy_for_refused,
)
from csmsd.profiles.record import Deleted

MINUTE = 60_000


def test_the_same_again_is_counted_with_its_first_and_last_time() -> None:
    refused = RefusedConnections()
    for now in (10, 20, 30):
        refused.note("CP1", "a", "wrong_password", now, registered=True)
    refused.note("cp1", "a", "wrong_user", 40, registered=True)
    refused.note("CP1", "b", "wrong_password", 50, registered=True)
    assert [(one.address, one.reason, one.attempts, one.first_at, one.last_at) for one in refused.of("cp1")] == [
        ("b", "wrong_password", 1, 50, 50),
        ("a", "wrong_user", 1, 40, 40),
        ("a", "wrong_password", 3, 10, 30),
    ]


def test_a_flood_of_invented_identities_pushes_out_nobody_else() -> None:
    refused = RefusedConnections()
    refused.note("CP1", "a", "wrong_password", 1, registered=True)
    refused.note("NEW", "b", "unknown", 1, registered=False)
    for number in range(3 * MAX_OF_STRANGERS):
        refused.note(f"X{number}", "flood", "unknown", 10 + number, registered=False)
    assert len(list(refused)) == MAX_OF_STRANGERS + 1
    assert [one.attempts for one in refused.of("CP1")] == [1]
    assert "new" in refused.unknown


def test_from_one_address_what_comes_again_outlives_what_came_once() -> None:
    """Behind a proxy all have its address."""
    refused = RefusedConnections()
    for now in (1, 2):
        refused.note("NEW", "proxy", "unknown", now, registered=False)
    for number in range(2 * MAX_OF_STRANGERS):
        refused.note(f"X{number}", "proxy", "unknown", 10 + number, registered=False)
    assert "new" in refused.unknown


def test_a_guesser_with_many_addresses_fills_no_log() -> None:
    refused = RefusedConnections()

    def told(identity: str, addresses: int, now: int) -> int:
        return sum(
            refused.note(identity, f"b{number}", "wrong_password", now, registered=True)[1]
            for number in range(addresses)
        )

    assert told("CP1", 500, 1) == 20
    assert told("CP2", 5, 2) == 5, "of another one it is told all the same"
    assert refused.note("X", "a", "unknown", 3, registered=False)[1]
    assert told("CP1", 500, 1 + MINUTE) == 20


def test_a_guesser_of_passwords_with_many_addresses_does_not_hide_the_charge_point() -> None:
    refused = RefusedConnections()
    for now in (1, 2):
        refused.note("CP1", "its own", "wrong_password", now, registered=True)
    for number in range(5 * MAX_OF_ONE):
        refused.note("CP1", f"b{number}", "wrong_password", 10 + number, registered=True)
    assert len(refused.of("CP1")) == MAX_OF_ONE
    assert "its own" in {one.address for one in refused.of("CP1")}


def test_the_first_is_told_and_then_one_a_minute() -> None:
    refused = RefusedConnections()
    told = [refused.note("CP1", "a", "no_password", now, registered=True)[1] for now in (0, 1, MINUTE - 1, MINUTE)]
    assert told == [True, False, False, True]


def test_strangers_do_not_fill_the_log() -> None:
    refused = RefusedConnections()
    told = [refused.note(f"X{number}", "a", "unknown", number, registered=False)[1] for number in range(200)]
    assert sum(told) == 60
    assert refused.note("CP1", "a", "wrong_password", 201, registered=True)[1]
    assert refused.note("LATER", "a", "unknown", MINUTE + 1, registered=False)[1]


def test_what_moved_is_written_once_and_what_was_pushed_out_is_deleted() -> None:
    refused = RefusedConnections()
    for number in range(MAX_OF_ONE):
        refused.note("CP1", f"b{number}", "wrong_password", number, registered=True)
    assert len(refused.housekeeping()) == MAX_OF_ONE
    assert refused.housekeeping() == []
    refused.note("CP1", "c", "wrong_password", 100, registered=True)
    gone, new = refused.housekeeping()
    assert isinstance(gone, Deleted)
    assert isinstance(gone.record, RefusedConnection)
    assert gone.record.address == "b0"
    assert isinstance(new, RefusedConnection)
    assert new.address == "c"


def test_of_one_that_is_registered_or_removed_nothing_is_left() -> None:
    refused = RefusedConnections()
    refused.note("New", "a", "unknown", 1, registered=False)
    refused.note("New", "b", "unknown", 2, registered=False)
    assert len(refused.forget("NEW")) == 2
    assert list(refused) == []
    assert refused.housekeeping() == []


def test_what_was_not_written_is_carried_over() -> None:
    old, fresh = RefusedConnections(), RefusedConnections()
    kept = RefusedConnection(charge_point="CP1", address="a", reason="origin", attempts=1, first_at=1, last_at=1)
    fresh.load(kept, registered=True)
    for now in (1, 2):
        old.note("CP1", "a", "origin", now, registered=True)
    old.note("X", "a", "unknown", 3, registered=False)
    fresh.carry_over(old)
    assert [one.attempts for one in fresh.of("CP1")] == [2]
    assert "x" in fresh.unknown
    assert len(fresh.housekeeping()) == 2


@pytest.mark.parametrize(
    ("reason", "identity", "registered", "line"),
    [
        ("unknown", "DE*1", False, "csmsctl cp accept 'DE*1'"),
        ("origin", "CP1", True, "csmsctl cp set CP1 --allow-origin"),
        ("origin", "CP1", False, "csmsctl cp add CP1 --allow-origin"),
        ("no_subprotocol", "CP1", True, "csmsctl cp set CP1 --subprotocol-optional"),
        ("wrong_password", "CP1", True, "csmsctl cp set CP1 --generate-password"),
    ],
)
def test_the_line_that_helps(reason: str, identity: str, registered: bool, line: str) -> None:
    assert remedy_for_refused(reason, identity, registered=registered) == line  # type: ignore[arg-type]


def test_the_detail_stands_in_the_reason() -> None:
    one = RefusedConnection(charge_point="", address="a", reason="no_identity", detail="/ocpp", first_at=0, last_at=0)
    assert refused_reason_text(one) == "no identity in its URL (/ocpp)"
