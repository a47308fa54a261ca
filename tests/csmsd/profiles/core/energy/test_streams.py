"""Readings as registers, and which of them carries the bill."""

import pytest

from csmsd.profiles.core.energy.plain import plain_reach
from csmsd.profiles.core.energy.streams import Point, Stream, choose_stream, grid_of_stream, stream_of
from tests.csmsd.profiles.core.energy.played import MINUTE, minute, played
from tests.csmsd.profiles.scene import HOUR, NOON


def stream(text: str, *, stopped: bool = False) -> Stream:
    return stream_of(played(f"S 0 | {text}").readings, stopped=stopped)


def wh(points: list[Point]) -> list[float]:
    return [point.wh for point in points]


# --- one register


def test_readings_are_points_in_order() -> None:
    assert stream("M -50 1100 | M -30 1200 clock").points == [
        Point(minute("-50"), 1100, "Sample.Periodic"),
        Point(minute("-30"), 1200, "Sample.Clock"),
    ]
    assert stream("M -50 1100").begin is stream("M -50 1100").end is None


def test_what_begins_and_ends_is_no_point_however_often_it_is_told() -> None:
    found = stream("M -60 1000 begin | M -50 1100 | M -40 1010 begin | M -1 1310 end | M 0 1300 end", stopped=True)
    assert wh(found.points) == [1100]
    assert found.begin == Point(minute("-60"), 1000, "Transaction.Begin")
    assert found.end == Point(NOON, 1300, "Transaction.End")


@pytest.mark.parametrize("value", ["1010.1", "989.9"])
def test_a_begin_that_is_another_is_a_sample_with_a_wrong_label(value: str) -> None:
    found = stream(f"M -60 1000 begin | M -50 {value} begin | M -40 1010 | M -30 990")
    assert wh(found.points) == [float(value), 1010, 990]


@pytest.mark.parametrize("value", ["1310.1", "1289.9"])
def test_an_end_that_is_another_is_a_sample_with_a_wrong_label(value: str) -> None:
    found = stream(f"M -50 {value} end | M -40 1300 | M 0 1300 end", stopped=True)
    assert wh(found.points) == [float(value), 1300]
    assert found.end is not None
    assert found.end.wh == 1300


def test_nothing_has_ended_while_it_runs() -> None:
    found = stream("M -50 1100 end")
    assert (wh(found.points), found.end) == ([1100], None)


def test_what_no_register_shows_is_left_out_and_told() -> None:
    assert not stream("M -50 999999999999").absurd
    found = stream("M -50 1100 | M -40 1000000000000 | M -30 -1000000000000")
    assert (wh(found.points), found.absurd) == ([1100], True)


def test_the_first_that_it_showed() -> None:
    assert stream("M -50 1100 | M -60 1000 begin").first == Point(minute("-60"), 1000, "Transaction.Begin")
    assert stream("M -50 1100 | M -30 1200").first == Point(minute("-50"), 1100, "Sample.Periodic")
    assert stream("M 0 1300 end", stopped=True).first == Point(NOON, 1300, "Transaction.End")
    assert Stream().first is None


def test_one_that_never_showed_anything_is_dead() -> None:
    assert stream("M -50 0 | M -60 0 begin | M 0 0 end", stopped=True).is_dead
    assert Stream().is_dead
    for lives in ("M -50 0 | M -40 1", "M -60 1 begin | M -50 0", "M -50 0 | M 0 1 end"):
        assert not stream(lives, stopped=True).is_dead, lives


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("M -50 1100", 1),
        ("M -50 1.1kWh", 100),
        ("M -50 1.1kWh | M -40 1.25kWh", 10),  # zeros are left out
        ("M -50 1kWh | M -40 1.125kWh", 1),
        ("M -50 1000 | M -40 2000 | M -30 3000 | M -20 4000", 1000),
        ("M -50 1000 | M -40 2000 | M -30 3000 | M -20 3000", 1),  # three may be by chance
        ("M -50 0.5", 0.1),
    ],
)
def test_how_coarse_a_register_is(text: str, step: float) -> None:
    assert stream(text).step == pytest.approx(max(step, 1))


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([1000, 2000], 1000),
        ([1000, 2100], 100),
        ([1000, 2110], 10),
        ([1000, 2111], 1),
        ([1000, 1000], 1),
        ([1000, 0], 1),  # 0 is a multiple of everything
        ([], 1),
        ([10_000, 20_000], 1000),
    ],
)
def test_what_numbers_are_multiples_of(values: list[float], step: float) -> None:
    assert grid_of_stream(values, 2) == step


# --- which register


def chosen(text: str, *, start: float | None = 1000, began: int | None = NOON - HOUR, stopped: bool = False) -> Stream:
    found = choose_stream(played(f"S 0 | {text}").readings, start=start, began=began, stopped=stopped)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("M -50 1100 | M -50 7 @Body | M -50 3 L1", [1100]),
        ("M -50 9 @Inlet | M -50 8 @Body | M -50 7 @Cable", [7]),
        ("M -50 9 @Inlet | M -50 1100 @Body | M -50 7 @Cable", [1100]),  # it goes on from the start
        ("M -50 0 | M -50 1100 @Body", [1100]),  # the one at the outlet is dead
        ("M -50 0 | M -50 0 @Body", [0]),
        ("M -50 0 | M -50 1100 @EV", [0]),
        ("M -50 1100 L1", [1100]),
        ("M -50 100 L1 | M -50 50 @Body", [50]),
        ("M -50 300 L1", [300]),  # it counts what it took
        ("M -50 1100 interval | M -50 1100 @Body", [1100]),
        # the outlet under another name
        ("M -50 1100 @EV | M -40 1200 @EV", [1100, 1200]),
        ("M -50 1100 @Meter | M -50 700 @EV", [1100]),
        ("M -50 7 | M -50 1100 @EV", [7]),
    ],
)
def test_which_register_carries_the_bill(text: str, values: list[float]) -> None:
    assert wh(chosen(text).points) == values


@pytest.mark.parametrize(
    "text",
    [
        "M -50 100 interval",
        "M -50 5 power",
        "M -50 700 @EV",
        "M -50 1100 L1 @EV",
        "M -50 1100 @EV | M -40 1090 @EV",
        "M -50 1100 @EV | M -49 9000 @EV",
        "M -50 90000 L1",
    ],
)
def test_none(text: str) -> None:
    assert choose_stream(played(f"S 0 | {text}").readings, start=1000, began=NOON - HOUR, stopped=False) is None


WALLBOX_WH = plain_reach(22_000, 10 * MINUTE)


@pytest.mark.parametrize(
    ("first", "goes_on"),
    [
        (str(1000 - 101), True),
        (str(1000 - 102), False),
        (f"{1000 + WALLBOX_WH - 1:.0f}", True),
        (f"{1000 + WALLBOX_WH + 3:.0f}", False),
    ],
)
def test_how_near_to_the_start_a_register_goes_on_from_it(first: str, goes_on: bool) -> None:
    """Of two places the later one is taken only where it does."""
    found = chosen(f"M -50 7 @Cable | M -50 {first} @Body")
    assert wh(found.points) == ([float(first)] if goes_on else [7])


@pytest.mark.parametrize(
    ("first", "counts"),
    [("0.5", True), ("-1", False), (f"{WALLBOX_WH - 1:.0f}", True), (f"{WALLBOX_WH + 1:.0f}", False)],
)
def test_how_much_one_of_a_phase_can_have_counted(first: str, counts: bool) -> None:
    found = choose_stream(played(f"S 0 | M -50 {first} L1").readings, start=10**6, began=NOON - HOUR, stopped=False)
    assert (found is not None) is counts


def test_without_a_clock_it_had_no_time() -> None:
    for value, counts in ((int(plain_reach(22_000, 0)), True), (int(plain_reach(22_000, 0)) + 1, False)):
        found = choose_stream(played(f"S 0 | M -50 {value} L1").readings, start=10**6, began=None, stopped=False)
        assert (found is not None) is counts


def test_without_a_start_none_goes_on_from_it() -> None:
    assert wh(chosen("M -50 1100 @Body | M -50 7 @Cable", start=None).points) == [7]


# --- the phases together


@pytest.mark.parametrize(
    "names", [("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"), ("L1", "L3"), ("L1 @Body", "L2 @Body")]
)
def test_phases_are_added_up(names: tuple[str, ...]) -> None:
    text = " | ".join(f"M -50 {400 + place} {name} | M -30 {500 + place} {name}" for place, name in enumerate(names))
    found = chosen(text)
    extra = sum(range(len(names)))
    assert wh(found.points) == [400 * len(names) + extra, 500 * len(names) + extra]
    assert (found.phases, found.step) == (len(names), len(names))


def test_a_sum_is_there_once_all_phases_are() -> None:
    found = chosen("M -50 400 L1 | M -40 500 L1 | M -40 300 L2 | M -35 600 L1 | M -30 350 L2")
    assert [(point.time, point.wh) for point in found.points] == [
        (minute("-40"), 800),
        (minute("-35"), 900),
        (minute("-30"), 950),
    ]


def test_a_begin_counts_as_read() -> None:
    found = chosen("M -60 400 L1 begin | M -60 300 L2 begin | M -50 500 L1")
    assert wh(found.points) == [800]
    assert found.begin == Point(minute("-60"), 700, "Transaction.Begin")


def test_of_some_phases_alone_there_is_no_begin_and_no_end() -> None:
    found = chosen("M -60 400 L1 begin | M -50 500 L1 | M -50 300 L2 | M 0 600 L1 end", stopped=True)
    assert found.begin is None
    assert found.end is None
    found = chosen("M -50 500 L1 | M -50 300 L2 | M -1 600 L1 end | M 0 400 L2 end", stopped=True)
    assert found.end == Point(NOON, 1000, "Transaction.End")


def test_one_absurd_phase_is_told() -> None:
    assert chosen("M -50 400 L1 | M -40 2000000000000 L1 | M -50 300 L2").absurd


def test_a_total_labelled_with_a_phase_goes_before_sums_that_do_not_go_on() -> None:
    assert wh(chosen("M -50 9100 L1 | M -50 9101 L2", start=9000).points) == [9100]
    assert wh(chosen("M -50 1100 L1 | M -50 10 L2", start=1050).points) == [1110], "the sum goes on, too"
    assert wh(chosen("M -50 700 L1 | M -50 400 L2").points) == [1100]
    assert wh(chosen("M -50 7 L1 | M -50 4 L2").points) == [11], "no phase is counted alone where there is a sum"
