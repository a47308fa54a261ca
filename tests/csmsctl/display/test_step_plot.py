"""The plot of limits over time."""

from datetime import UTC, datetime, timedelta

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
