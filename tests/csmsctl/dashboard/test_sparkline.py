"""Sparklines: the last ten minutes in a few characters."""

import pytest

from csmsctl.dashboard.sparkline import SLOT_SECONDS, SPAN_SECONDS, History, sparkline_bars

PLACE = ("CP1", 1)
NOW = 1_000_020.0  # where the newest of ten characters begins


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([None, 0, 7000], " ▁█"),
        ([0, 0], "▁▁"),
        ([1, 7000, 3500], "▂█▅"),
        ([-5, 10], "▁█"),
    ],
)
def test_bars(values: list[float | None], drawn: str) -> None:
    assert sparkline_bars(values) == drawn


def test_a_value_holds_until_the_next() -> None:
    history = History()
    history.add(PLACE, NOW - 300, 3500.0)
    history.add(PLACE, NOW - 100, 7000.0)
    assert history.line(PLACE, NOW, 10) == "    ▅▅▅███"


def test_the_highest_of_a_stretch_shows_and_what_is_unknown_is_blank() -> None:
    history = History()
    history.add(PLACE, NOW - 530, 1000.0)
    history.add(PLACE, NOW - 520, 7000.0)
    history.add(PLACE, NOW - 510, 1000.0)
    history.add(PLACE, NOW - 230, None)
    assert history.line(PLACE, NOW, 10) == "█▂▂▂▂     "


def test_readings_from_before_we_looked_go_in_front() -> None:
    history = History()
    history.add(PLACE, NOW - 5, 7000.0)
    history.seed(PLACE, [(NOW - 250, 3500.0), (NOW, 1.0)])
    assert history.line(PLACE, NOW, 10) == "    ▅▅▅▅██"


def test_where_no_power_was_nothing_is_drawn() -> None:
    history = History()
    history.add(PLACE, NOW, 0.0)
    assert history.line(PLACE, NOW, 8) == ""
    assert history.line(("CP2", 1), NOW, 8) == ""
    assert history.line(PLACE, NOW, 0) == ""


def test_the_past_does_not_shimmer() -> None:
    history = History()
    history.add(PLACE, NOW - 400, 7000.0)
    history.add(PLACE, NOW - 350, 100.0)
    history.add(PLACE, NOW - 300, 7000.0)
    lines = {history.line(PLACE, NOW + second, 10) for second in range(60)}
    assert len(lines) == 1
    assert history.line(PLACE, NOW + 60, 10) != lines.pop()


def test_only_the_span_is_remembered_and_only_of_known_connectors() -> None:
    history = History()
    for second in range(0, 2 * SPAN_SECONDS, SLOT_SECONDS):
        history.add(PLACE, NOW + second, 1.0)
    history.add(("CP2", 1), NOW, 1.0)
    history.forget_all_but({PLACE})
    assert len(history._values[PLACE]) == SPAN_SECONDS // SLOT_SECONDS + 1
    assert list(history._values) == [PLACE]
