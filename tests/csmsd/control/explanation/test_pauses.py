"""Pauses: as long as nothing flowed, by the order in which statuses came."""

from csmsd.control.explanation.facts import Told
from csmsd.control.explanation.story import Story
from tests.csmsd.control.explanation.told import conclusion, facts, status


def test_statuses_of_the_same_second_keep_the_order_in_which_they_came() -> None:
    """Sorted by name, SuspendedEVSE would come last, and be a pause of an hour."""
    found = facts(events=[status(0, "SuspendedEVSE"), status(0, "Charging")])
    assert "paused" not in conclusion(found)
    assert [entry.text.split(":")[0] for entry in Story(found).entries if entry.source == "events"] == [
        "SuspendedEVSE",
        "Charging",
    ]


def test_what_is_over_within_a_second_was_no_pause() -> None:
    blink = [status(10, "SuspendedEV"), status(10 + 0.9 / 60, "Charging")]
    assert "paused" not in conclusion(facts(events=blink))
    second = [status(10, "SuspendedEV"), status(10 + 1 / 60, "Charging")]
    assert "The vehicle paused it for 1 s (SuspendedEV)." in conclusion(facts(events=second))


def test_pauses_end_with_the_transaction() -> None:
    found = facts(events=[status(50, "SuspendedEV"), status(90, "Available")])
    assert "The vehicle paused it for 10 min (SuspendedEV), up to its end; its battery was at 60 %." in conclusion(
        found
    )
    before = [status(-10, "SuspendedEVSE"), status(6, "Charging")]
    assert "The charge point paused it for 6 min (SuspendedEVSE)" in conclusion(facts(events=before))


def test_statuses_of_other_connectors_are_no_pauses() -> None:
    other: list[Told] = [status(10, "SuspendedEV", connector=2), status(10, "SuspendedEVSE", connector=0)]
    assert "paused" not in conclusion(facts(events=other))
