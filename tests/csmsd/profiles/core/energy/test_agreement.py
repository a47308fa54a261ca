"""One register held against itself and its time."""

import pytest

from csmsd.profiles.core.energy import agreement
from csmsd.profiles.core.energy.agreement import Case, Finding, exact_finding
from csmsd.profiles.core.energy.evidence import Boot
from csmsd.profiles.core.energy.plain import plain_reach
from csmsd.profiles.core.energy.streams import Point
from tests.csmsd.profiles.core.energy.cases import case_of
from tests.csmsd.profiles.core.energy.played import MINUTE, minute
from tests.csmsd.profiles.scene import HOUR, NOON


def points(text: str) -> list[Point]:
    return case_of(f"S ? | {text}").points


# --- findings


def test_a_finding_and_its_doubts() -> None:
    assert exact_finding(300) == Finding(300, 300, 300)
    assert exact_finding(300, "unit").doubts == {"unit"}
    assert exact_finding(300, "unit").doubted("went_back", more=50) == Finding(
        300, 300, 350, frozenset({"unit", "went_back"})
    )
    assert exact_finding(300).doubted(low=100) == Finding(300, 100, 300)


# --- what a register does


@pytest.mark.parametrize(
    ("text", "grows"),
    [
        ("M -50 1100 | M -40 1100 | M -30 1200", True),
        ("M -50 1100 | M -40 1090", True),  # rounded
        ("M -50 1100 | M -40 1089.9", False),
        ("M -50 1100 | M -40 1095 | M -30 1089.9", False),  # against the highest
        ("M -50 1100 | M -40 1050 clock | M -30 1200", True),  # from an older cache
        ("M -50 1100 clock | M -40 1200 | M -30 1089 clock", False),
    ],
)
def test_whether_it_only_grew(text: str, grows: bool) -> None:
    assert agreement.agrees_as_growing(points(text)) is grows


@pytest.mark.parametrize(
    ("text", "slack", "lies"),
    [
        ("M -50 900 | M -40 1300", 10, True),  # the first is older
        ("M -50 899.9", 10, False),
        ("M -50 500", 500, True),
        ("M -50 499.9", 500, False),
        ("M -50 1310", 10, True),
        ("M -50 1310.1", 10, False),
        ("M 0 1400", 10, True),  # the last is newer
        ("M -0.0833 1400", 10, True),
        ("M -0.0834 1400", 10, False),
        ("M 0 1400.1", 10, False),
        ("M 0 1500", 200, True),
        ("M 0 1500.1", 200, False),
    ],
)
def test_whether_it_lies_between_start_and_stop(text: str, slack: float, lies: bool) -> None:
    found = points(text)
    assert agreement.agrees_between(found, 1000, 1300, slack, NOON) is lies
    if "M 0 1400" in text or "M -0.0833 " in text:
        assert not agreement.agrees_between(found, 1000, 1300, slack, None), "no end, and nothing is late"


def test_agreeing_is_lying_between_and_growing() -> None:
    case = case_of("S 1000 | M -50 1100 | M -40 1200 | E 1300")
    assert agreement.agrees_with_figures(case, case.points, 1000, 1300)
    assert not agreement.agrees_with_figures(case, case.points, 1000, 1150)
    assert not agreement.agrees_with_figures(case, case.points[::-1], 1000, 1300)


@pytest.mark.parametrize(
    ("text", "gain"), [("", 0), ("M -50 1100", 0), ("M -50 1100 | M -40 1300 | M -30 1250", 200), ("M 1 5 | M 2 3", 0)]
)
def test_how_much_it_gained(text: str, gain: float) -> None:
    assert agreement.gain_of_points(points(text) if text else []) == gain


def test_what_a_connector_can_have_delivered_since_the_start() -> None:
    case = case_of("R 22000 | S 1000 | E 1300")
    most = plain_reach(22_000, HOUR) + 10
    assert case.can_have_come(most, NOON)
    assert not case.can_have_come(most + 0.1, NOON)


def test_another_unit() -> None:
    assert agreement.points_in_unit([Point(NOON, 1.5, "Trigger")], 1000) == [Point(NOON, 1500, "Trigger")]


def test_parts() -> None:
    low, high = agreement.part_that_agrees(points("M -50 1 | M -40 9 | M -30 2"), lambda point: point.wh < 5)
    assert ([point.wh for point in low], [point.wh for point in high]) == ([1, 2], [9])


# --- a register that counts the transaction

TEN_MINUTES = plain_reach(22_000, 10 * MINUTE)  # at a wallbox


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("M -50 100 | M -40 200", True),
        ("M -50 -10 | M -40 200", True),
        ("M -50 -10.1 | M -40 200", False),
        ("M -50 200 | M -40 100", False),
        (f"M -50 {TEN_MINUTES + 9:.1f}", True),
        (f"M -50 {TEN_MINUTES + 11:.1f}", False),
        # more than a wallbox can, but as fast as it goes on; three times at most
        ("M -50 9000 | M -40 12100", True),
        ("M -50 9000 | M -40 11900", False),
        ("M -50 9000 | M -50 11900", False),
        # more than any connector can
        ("M -50 90000 | M -40 190000", False),
        ("M -50 1000 | M -40 190000", False),
    ],
)
def test_whether_readings_count_what_the_transaction_took(text: str, counts: bool) -> None:
    case = case_of(f"S 5000000 | {text}")
    assert agreement.agrees_from_zero(case, case.points) is counts


def test_none_count_nothing() -> None:
    assert not agreement.agrees_from_zero(case_of("S 1000"), [])


def test_without_a_clock_they_count_as_far_as_a_day_allows() -> None:
    case = case_of("S 5000000 odd got:-60 | M -50 30000")
    assert agreement.agrees_from_zero(case, case.points)


def test_steadily_is_at_the_pace_of_what_follows() -> None:
    case = case_of("S 5000000 | M -50 1000 | M -40 1300")
    assert agreement.agrees_from_zero(case, case.points)
    assert not agreement.agrees_from_zero(case, case.points, steadily=True)
    case = case_of("S 5000000 | M -50 909 | M -40 1209")
    assert agreement.agrees_from_zero(case, case.points, steadily=True)
    case = case_of("S 5000000 | M -50 911 | M -40 1211")
    assert not agreement.agrees_from_zero(case, case.points, steadily=True)


# --- a start that was not read


@pytest.mark.parametrize(
    ("text", "was_not"),
    [
        ("S 0 | M -50 50000 | M -40 50100 | M -30 50200", True),
        ("S 1 | M -50 50000 | M -40 50100 | M -30 50200", False),
        ("S 0 odd got:-60 | M -50 50000 | M -40 50100 | M -30 50200", False),
        ("S 0 | M -50 50000 | M -40 50100", False),  # too few
        (f"S 0 | M -50 {TEN_MINUTES:.0f} | M -40 {TEN_MINUTES + 1:.0f} | M -30 {TEN_MINUTES + 2:.0f}", False),
        (f"S 0 | M -50 {TEN_MINUTES + 1:.0f} | M -40 {TEN_MINUTES + 2:.0f} | M -30 {TEN_MINUTES + 3:.0f}", True),
        ("S 0 | M -50 50000 | M -40 50000 | M -30 50100", False),  # it stood still: nothing to compare with
        # twenty times as fast as at its fastest afterwards
        ("S 0 | M -50 50000 | M -40 50001 | M -30 52499", True),
        ("S 0 | M -50 50000 | M -40 50001 | M -30 52502", False),
        ("S 0 | M -50 50000 | M -50 50001 | M -50 50002", False),
        ("S 0 | M -60 50000 | M -50 50100 | M -40 50200", True),  # at once
    ],
)
def test_whether_a_start_of_0_was_not_read(text: str, was_not: bool) -> None:
    case = case_of(text)
    assert agreement.start_disagrees(case, case.points) is was_not


# --- another meter


@pytest.mark.parametrize(
    ("own", "others", "second"),
    [
        ("M -50 1100 | M -40 1200", "M -50 5000 | M -40 5100", True),  # beside
        ("M -50 1100 | M -40 1200 | M -30 1300", "M -50 5000 | M -30 5100", True),
        ("M -50 1100 | M -40 1200", "M -50 5000", False),  # one alone is a mistake
        ("M -45 1100", "M -50 5000 | M -40 5100", True),  # interleaved
        ("M -45 1100", "M -50 5000 | M -40 5000", False),  # and going on
        ("M -50 1100", "M -50 5000 | M -40 5100", False),
        ("M -40 1100", "M -50 5000 | M -40 5100", False),
        ("M -60 1100", "M -50 5000 | M -40 5100", False),  # one after the other
        ("M -60 1100", "M -50 5000 clock | M -40 5100 clock", True),  # of another kind
        ("M -60 1100 clock | M -55 1150", "M -50 5000 clock | M -40 5100 clock", False),
        ("M -45 1100", "M -50 5100 | M -40 5000", False),  # no register
        ("M -45 1100", "M -50 5000 begin | M -40 5100", False),
        ("M -45 1100", "M -50 5000 | M -40 5100 end", False),
        ("", "M -50 5000 | M -40 5100", False),
        ("M -45 1100", "", False),
    ],
)
def test_whether_what_does_not_fit_is_another_meter(own: str, others: str, second: bool) -> None:
    case = case_of("S 1000")
    apart = points(own) if own else [], points(others) if others else []
    assert agreement.agrees_with_second_register(case, *apart) is second


def test_another_meter_is_no_faster_than_the_connector() -> None:
    case = case_of("R 22000 | S 1000")
    most = plain_reach(22_000, 10 * MINUTE) + case.slack
    own = points("M -45 1100")
    for gain, second in ((most, True), (most + 1, False)):
        others = [Point(minute("-50"), 5000, ""), Point(minute("-40"), 5000 + gain, "")]
        assert agreement.agrees_with_second_register(case, own, others) is second


# --- what most agree on


@pytest.mark.parametrize(
    ("values", "chain"),
    [
        ([], []),
        ([5], [5]),
        ([1, 2, 3], [1, 2, 3]),
        ([1, 9, 2, 3], [1, 2, 3]),
        ([3, 3, 3], [3, 3, 3]),
        ([5, 1], [1]),  # of equally many those that end lowest
        ([1, 5, 2], [1, 2]),
        ([1, 2, 9, 3, 4], [1, 2, 3, 4]),
        ([9, 1, 8, 2, 7, 3], [1, 2, 3]),
        ([4, 5, 6, 1, 2], [4, 5, 6]),
        ([4, 5, 1, 2, 3], [1, 2, 3]),
    ],
)
def test_the_longest_that_one_register_can_have_shown(values: list[float], chain: list[float]) -> None:
    found = agreement.longest_agreement([Point(NOON + place, value, "") for place, value in enumerate(values)])
    assert [point.wh for point in found] == chain
    assert sorted(found, key=lambda point: point.time) == found


def test_a_case_is_what_was_told() -> None:
    case = case_of("S 1000 | M -50 1100 | B -40 | E 1300")
    assert isinstance(case, Case)
    assert (case.start, case.stop, case.boots) == (1000, 1300, [Boot(minute("-50"), minute("-40"))])
