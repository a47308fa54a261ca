"""The records that bills are made of."""

from typing import Any

import pytest

from csmsd.profiles.core.transactions import transaction_start_key
from tests.csmsd.profiles.core.booked import transaction
from tests.csmsd.profiles.scene import NOON


def test_a_flag_is_set_once() -> None:
    found = transaction(1)
    found.flag("energy_suspect", "stop_time:missing")
    found.flag("energy_suspect")

    assert found.flags == ["energy_suspect", "stop_time:missing"]


def test_what_turned_out_not_to_be_so_is_flagged_no_more() -> None:
    found = transaction(1, flags=["stop_time:missing", "start_time:missing", "stop:matched_-1"])
    found.unflag("stop_time:", "stop:")

    assert found.flags == ["start_time:missing"]


def test_case_of_an_id_tag_makes_no_other_start_and_all_else_does() -> None:
    key = transaction(1).start_key

    assert transaction_start_key(1, "tag1", "start 1", 1000) == key
    for other in ((2, "TAG1", "start 1", 1000), (1, "TAG2", "start 1", 1000), (1, "TAG1", "start 2", 1000)):
        assert transaction_start_key(*other) != key
    assert transaction_start_key(1, "TAG1", "start 1", 1001) != key


@pytest.mark.parametrize(
    ("fields", "guessed", "unfinished"),
    [
        ({"state": "active"}, False, True),
        ({"state": "abandoned"}, False, True),
        ({"state": "stopped"}, False, False),
        ({"state": "stopped", "flags": ["stop:matched_-1"]}, True, True),  # its own stop may still come
        ({"state": "closed", "flags": ["stop:matched_-1"]}, False, False),
    ],
)
def test_what_may_still_be_stopped(fields: dict[str, Any], guessed: bool, unfinished: bool) -> None:
    found = transaction(1, **fields)

    assert (found.guessed, found.unfinished) == (guessed, unfinished)


@pytest.mark.parametrize(
    ("doubts", "settled_at", "stopped_at", "suspect"),
    [
        ([], None, NOON, False),
        (["unit"], None, NOON, True),
        (["unit"], NOON + 1, NOON, False),
        (["unit"], NOON - 1, NOON, True),  # whoever settled it did not know its end
        (["unit"], NOON, None, False),
    ],
)
def test_a_figure_is_in_doubt_until_somebody_has_settled_it_who_knew_its_end(
    doubts: list[str], settled_at: int | None, stopped_at: int | None, suspect: bool
) -> None:
    found = transaction(1, doubts=doubts, settled_at=settled_at, stop_received_at=stopped_at)

    assert found.energy_suspect is suspect
