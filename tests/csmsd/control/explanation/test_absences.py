"""Who was away: csmsd, or the charge point."""

from typing import Any

from csmsd.control.explanation.absences import absences
from csmsd.control.explanation.story import Story
from tests.csmsd.control.explanation.told import MINUTE, conclusion, facts, told
from tests.csmsd.profiles.scene import NOON


def away(**known: Any) -> list[tuple[float, float, str]]:
    """(from minute, to minute, whose) of each absence."""
    return [((a.begin - NOON) / MINUTE, (a.end - NOON) / MINUTE, a.whose) for a in absences(facts(**known))]


def down(begin: int, end: int) -> list[tuple[int, int]]:
    return [(NOON + begin * MINUTE, NOON + end * MINUTE)]


def test_downtime_of_csmsd_is_not_the_charge_points() -> None:
    events = [
        told(10, "daemon.stopping"),
        told(10, "charge_point.disconnected", reason="csmsd is stopping"),
        told(20, "daemon.started"),
        told(21, "charge_point.connected"),
    ]
    assert away(events=events, downs=down(10, 20)) == [(10, 21, "csmsd")]
    found = facts(events=events, downs=down(10, 20))
    assert "csmsd was not running for 11 min of it." in conclusion(found)
    assert "was offline" not in conclusion(found)
    story = [entry.text for entry in Story(found).entries]
    assert "csmsd is stopped" in story
    assert "csmsd is started again, 10 min later" in story
    assert "the charge point connects again, now that csmsd is back" in story


def test_csmsd_that_was_killed_told_of_no_lost_connection() -> None:
    events = [told(20, "daemon.started"), told(20.1, "charge_point.connected")]
    assert away(events=events, downs=down(12, 20)) == [(12, 20.1, "csmsd")]


def test_a_charge_point_that_stays_away_when_csmsd_is_back_is_away_itself() -> None:
    events = [told(20, "daemon.started"), told(40, "charge_point.connected")]
    assert away(events=events, downs=down(12, 20)) == [(12, 20, "csmsd"), (20, 40, "charge point")]


def test_a_connection_that_was_lost_before_csmsd_went_down() -> None:
    events = [
        told(5, "charge_point.disconnected"),
        told(20, "daemon.started"),
        told(30, "charge_point.connected"),
    ]
    assert away(events=events, downs=down(10, 20)) == [
        (5, 10, "charge point"),
        (10, 20, "csmsd"),
        (20, 30, "charge point"),
    ]


def test_absences_count_as_far_as_it_ran() -> None:
    events = [told(-10, "charge_point.disconnected"), told(5, "charge_point.connected"), told(50, "daemon.started")]
    assert away(events=events, downs=down(-60, -30)) == [(0, 5, "charge point")]
    assert away(events=[told(55, "charge_point.disconnected")]) == [(55, 60, "charge point")]
