"""The plot of limits over time."""

from datetime import UTC, datetime, timedelta

from csmsctl.display.column_plot import plot_time_axis, round_top_of_plot
from csmsctl.display.step_plot import Step, step_plot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def steps(*limits: float | None, hours: float = 1) -> list[Step]:
    long = timedelta(hours=hours)
    return [Step(NOON + long * at, NOON + long * (at + 1), limit) for at, limit in enumerate(limits)]


def test_the_steps() -> None:
    assert step_plot(steps(16, 8, 4, 16), "A", 26)[:9] == [
        "16 A ┤█████          █████",
        "     │█████          █████",
        "     │█████          █████",
        "     │█████          █████",
        " 8 A ┤██████████     █████",
        "     │██████████     █████",
        "     │████████████████████",
        "     │████████████████████",
        " 0 A ┼────────────────────",
    ]


def test_no_limit_is_no_bar() -> None:
    lines = step_plot(steps(10, None), "A", 26)
    assert lines[0] == "10 A ┤██████████┄┄┄┄┄┄┄┄┄┄"
    assert lines[7] == "     │██████████"


def test_a_short_dip_and_a_small_limit_are_seen() -> None:
    dip = [*steps(16, hours=10), Step(NOON + timedelta(hours=10), NOON + timedelta(hours=10, minutes=1), 1)]
    dip.append(Step(dip[-1].end, NOON + timedelta(hours=24), 16))
    lines = step_plot(dip, "A", 60)
    assert " " in lines[0].split("┤")[1]
    assert "▄" in lines[7]


def test_zero_and_nothing_at_all() -> None:
    assert step_plot(steps(None), "A", 60) == []
    assert step_plot(steps(0), "A", 30)[7] == "    │"


def test_a_narrow_terminal_and_several_days() -> None:
    lines = step_plot(steps(16, 8, hours=30), "kW", 5)
    assert all(len(line) < 25 for line in lines)
    assert lines[-1].strip().startswith("Sun 12:00")


def test_an_axis_ends_at_a_round_number_whose_half_is_round() -> None:
    for value, top in ((16, 16), (32, 32), (7.36, 8), (11_040, 12_000), (1, 1), (22_080, 24_000), (0.07, 0.08), (0, 0)):
        assert round_top_of_plot(value) == top


def test_ticks_of_time_are_round() -> None:
    begin = datetime(2026, 1, 31, 10, 3, tzinfo=UTC)
    assert plot_time_axis(begin, begin + timedelta(hours=1), 60, ["0 A"]).split()[:3] == ["10:10", "10:20", "10:30"]
    assert plot_time_axis(begin, begin + timedelta(hours=24), 40, ["0 A"]).split() == [
        "12:00",
        "18:00",
        "00:00",
        "06:00",
    ]
