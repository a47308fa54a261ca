"""The figure of a transaction that is as it should be, and from when on it is not."""

from typing import Any

import pytest

from csmsd.profiles.core.energy.plain import Plain, plain_reach
from tests.csmsd.profiles.core.energy.played import MINUTE, plainly, played
from tests.csmsd.profiles.scene import HOUR, NOON


def began(register: float | None = 1000, **fields: Any) -> Plain:
    """An hour before noon, at a wallbox."""
    usual: dict[str, Any] = {"time": NOON - HOUR, "received_at": NOON - HOUR, "oddity": None, "rating_w": None}
    return Plain.began(register=register, **usual | fields)


# --- what a connector can deliver


@pytest.mark.parametrize(
    ("watts", "time", "wh"),
    [
        (22_000, HOUR, 22_000 * 1.15 + 22_000 / 60 + 100),
        (22_000, 0, 22_000 / 60 + 100),
        (22_000, -HOUR, 22_000 / 60 + 100),  # no time is less than none
        (60_000, HOUR // 2, 60_000 * 0.575 + 1000 + 100),
    ],
)
def test_what_a_connector_can_deliver(watts: float, time: int, wh: float) -> None:
    assert plain_reach(watts, time) == pytest.approx(wh)


# --- the start


def is_plain(**fields: Any) -> bool:
    """Whether a start leaves a figure to the first reading, which shows just its register."""
    plain = began(**fields)
    taken = plain.take(plain.start_time, plain.start_wh)
    assert plain.figure == (0 if taken else None)
    return taken


@pytest.mark.parametrize(
    ("fields", "plain"),
    [
        ({"register": 0}, True),
        ({"register": 1}, True),
        ({"register": -1}, False),
        ({"register": None}, False),
        ({"register": 99_999_999_999}, True),
        ({"register": 100_000_000_000}, False),  # a tenth of what no register shows
        ({"oddity": "before_2010"}, False),
        ({"received_at": NOON - HOUR + 24 * HOUR}, True),
        ({"received_at": NOON - HOUR + 24 * HOUR + 1}, False),  # it was offline for longer
        ({"received_at": NOON - HOUR - 60_000}, True),
        ({"received_at": NOON - HOUR - 60_001}, False),  # its clock is ahead
    ],
)
def test_a_start_that_is_plain(fields: dict[str, Any], plain: bool) -> None:
    assert is_plain(**fields) is plain


def test_nothing_is_known_before_a_register_was_read() -> None:
    assert began().figure is None


# --- readings


@pytest.mark.parametrize(
    ("fields", "watts"),
    [
        ({}, 22_000),
        ({"register": 99_999}, 22_000),  # of so little it may be one in kWh, or not read
        ({"register": 100_000}, 400_000),
        ({"rating_w": 11_000.0}, 11_000),
        ({"register": 100_000, "rating_w": 11_000.0}, 11_000),
    ],
)
@pytest.mark.parametrize("minutes", [0, 1, 30])
def test_how_fast_a_register_may_advance(fields: dict[str, Any], watts: float, minutes: int) -> None:
    most = fields.get("register", 1000) + plain_reach(watts, minutes * MINUTE)
    assert began(**fields).take(NOON - HOUR + minutes * MINUTE, most - 0.02)
    plain = began(**fields)
    assert not plain.take(NOON - HOUR + minutes * MINUTE, most)  # up to the last digit of a float
    assert plain.figure is None


def test_a_figure_is_from_the_start_to_the_last_reading() -> None:
    plain = began()
    assert plain.take(NOON - 30 * MINUTE, 1100.4)
    assert plain.figure == 100
    assert plain.take(NOON - 20 * MINUTE, 1200.6)
    assert plain.figure == 201


def test_the_same_again_at_the_same_time_is_as_it_should_be() -> None:
    plain = began()
    assert plain.take(NOON, 1100)
    assert plain.take(NOON, 1100)
    assert plain.take(NOON, 1101)
    assert plain.figure == 101


@pytest.mark.parametrize(("minute", "wh"), [(-1, 1200), (0, 1099)])
def test_a_reading_that_goes_back(minute: int, wh: float) -> None:
    plain = began()
    assert plain.take(NOON, 1100)
    assert not plain.take(NOON + minute * MINUTE, wh)
    assert plain.figure is None
    assert not plain.take(NOON + MINUTE, 1300), "it does not become plain again"
    assert plain.figure is None


def test_a_reading_of_before_the_start_is_not_the_transactions() -> None:
    plain = began()
    assert plain.take(NOON, 1100)
    assert plain.take(NOON - HOUR - 1, 900)
    assert plain.figure == 100
    assert not plain.take(NOON - HOUR, 1000), "the moment of the start is its own"


def test_a_reading_of_before_the_start_that_comes_first_may_be_by_another_clock() -> None:
    assert not began().take(NOON - HOUR - 1, 900)


@pytest.mark.parametrize(("wh", "plain"), [(1000, True), (1010, True), (990, True), (1010.1, False), (989.9, False)])
def test_the_register_of_the_start_once_more(wh: float, plain: bool) -> None:
    known = began()
    assert known.take(NOON, 1100)
    assert known.begin(wh) is plain
    assert known.figure == (100 if plain else None)


def test_what_else_is_measured_leaves_the_path() -> None:
    plain = began()
    assert plain.take(NOON, 1100)
    assert not plain.leave()
    assert plain.figure is None
    assert not plain.begin(1000)


# --- power


def drawing(*powers: tuple[float, float], wh: float = 1100) -> Plain:
    """Power in W at minutes from the start, and the register at noon, an hour after it."""
    plain = began()
    for minute, watts in powers:
        plain.draw(NOON - HOUR + round(minute * MINUTE), watts)
    plain.take(NOON, wh)
    return plain


@pytest.mark.parametrize(
    ("powers", "wh", "figure"),
    [
        ([(0, 1300), (60, 1300)], 1100, None),  # 100 Wh against 1300
        ([(0, 1299), (60, 1299)], 1100, 100),
        ([(0, 1299), (60, 9000)], 1100, 100),  # the lower of each two
        ([(0, 0), (30, 9000), (60, 0)], 1100, 100),
        ([(0, 650), (120, 650)], 1050, 50),  # an hour of each two at most
        ([(-60, 9000), (0, 1000), (60, 1000)], 1100, 100),  # before it began
        ([(0, 1000), (60, 1000), (60, 1000)], 1100, 100),
        ([(0, 1000), (60, 1000), (60, 1001)], 1100, None),  # which of them?
        ([(60, 1000), (0, 1000)], 1100, None),
        ([(0, -1)], 1100, None),
        ([(0, 460_001)], 1100, None),
        # far more than the power
        ([(0, 4000), (60, 4000)], 24_999, 23_999),
        ([(0, 3000), (60, 3000)], 24_999, 23_999),  # a wallbox can
    ],
)
def test_power_that_contradicts_the_register(powers: list[tuple[float, float]], wh: float, figure: int | None) -> None:
    assert drawing(*powers, wh=wh).figure == figure


@pytest.mark.parametrize(("watts", "figure"), [(4601, 28_600), (4600, None)])
def test_a_register_that_tells_more_than_a_wallbox_delivers_and_power_leaves_room_for(
    watts: float, figure: int | None
) -> None:
    plain = began(register=1_000_000.0)
    plain.draw(NOON - HOUR, watts)
    plain.draw(NOON, watts)
    plain.take(NOON, 1_028_600)

    assert plain.figure == figure


def test_power_after_the_stop_is_none_of_its_own() -> None:
    plain = drawing((0, 1000), (60, 1000))
    plain.draw(NOON + MINUTE, 1000)
    told: dict[str, Any] = {"register": 1200, "received_at": NOON + MINUTE, "oddity": None}

    assert plain.stopped(time=NOON, **told) is None
    assert plain.stopped(time=NOON + MINUTE, **told) == 200


# --- the stop


def stopped(register: float | None = 1300, *, read: float | None = 1100, **fields: Any) -> int | None:
    plain = began()
    if read is not None:
        plain.take(NOON - MINUTE, read)
    usual: dict[str, Any] = {"time": NOON, "received_at": NOON, "oddity": None}
    return plain.stopped(register=register, **usual | fields)


@pytest.mark.parametrize(
    ("fields", "figure"),
    [
        ({}, 300),
        ({"register": 1100}, 100),
        ({"register": 1099}, 99),  # in whole Wh, or tens of them
        ({"register": 1090}, 90),
        ({"register": 1089}, None),
        ({"register": 999, "read": 1000}, None),
        ({"register": None}, None),
        ({"register": 0}, None),  # it is not known
        ({"register": 90_000, "read": 50_000}, None),  # faster than it can
        ({"oddity": "before_2010"}, None),
        ({"time": NOON + 60_000}, 300),
        ({"time": NOON + 60_001}, None),
        ({"time": NOON - MINUTE}, 300),
        ({"time": NOON - MINUTE - 1}, None),  # before the last reading
        ({"received_at": NOON + 48 * HOUR}, 300),  # told late
        ({"read": None}, None),
        ({"read": 1000}, 300),
        ({"read": 1003}, 300),
        ({"read": 1002.9}, None),  # the readings may be kWh that are called Wh
    ],
)
def test_a_stop(fields: dict[str, Any], figure: int | None) -> None:
    assert stopped(**fields) == figure


# --- whole transactions


@pytest.mark.parametrize(
    ("sent", "figure"),
    [
        ("S 1000 | M -50 1100 | M -30 1200", 200),
        ("S 1000 | M -50 1100 | M -30 1200 | E 1300", 300),
        ("S 1000 | M -30 1100 | M -30 1000 begin | E 1300", 300),
        ("S 1000 | M -50 1100 | M -70 900 | M -45 88000000 #0 | M -30 7000 power", 100),
        ("S 200000 | M -50 250000", 50_000),
        ("S 1000", None),
        ("S ? | M -50 1100", None),
        ("S 1000 | M -50 1100 untimed", None),
        ("S 1000 odd got:-60 | M -50 1100", None),
        ("S 1000 +60 got:-60 | M +70 1100", None),
        ("S 1000 | M -50 1100 | M -40 1099", None),
        ("S 1000 | M -40 1100 | M -50 1200", None),
        ("S 1000 | M -50 1100 | M -40 1300 @Body", None),
        ("S 1000 | M -50 1100 | M -40 100 interval", None),
        ("S 1000 | M -50 1100 | M -40 2000 begin", None),
        ("S 1000 | M -50 9000", None),
        ("S 200000 | M -31 201000 | M -30 219000", None),
        ("S 200000 | M -31 201000 | M -30 207000", 7000),
        ("S 200000 | M -31 201000 | E 250000 -30.9", None),
        ("R 22000 | S 200000 | M -50 250000", None),
        ("S 200000 | M -50 210000 | E 225000", 25_000),
        ("S 200000 | M -50 210000 | E 226000", 26_000),
        ("S 200000 | M -50 11000 power | M -50 210000 | E 226000", None),
        ("S 200000 | M -50 22000 power | M -49 220000 power | M -50 210000 | E 226000", None),
        ("S 200000 | M -50 210000 | E 226000 -41", 26_000),
        ("S 1000 | M -50 1100.9 | E 1100", 100),
        ("S 1000 | M -50 999.1 | M -45 999.1 | M -40 1100.9", 101),
        ("S 1000 | M -50 990 | M -40 1100.9", 101),
        ("S 1000 | M -50 989", None),
        ("S 11 | M -50 1 | M -40 200", 189),
        ("S 10 | M -50 0.205 | E 205 -40", None),  # kWh that are called Wh
        ("S 1000 | M -50 1100 | M -40 1099.5", None),
        ("S 1000 | M -50 1100 | E 1089", None),
        ("S 1000 | M -50 1100 | E 1300 odd got:0", None),
        ("S 1000 | M -50 1100 | E 1300 +60 got:0", None),
        ("S 1000 | M -50 1001 | E 1300", None),
    ],
)
def test_what_is_plain(sent: str, figure: int | None) -> None:
    assert plainly(played(sent)) == figure
