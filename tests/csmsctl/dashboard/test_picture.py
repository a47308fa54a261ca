"""The screen of `watch` at many sizes: nothing is wider than the terminal, nothing is cut without a mark."""

from datetime import datetime
from typing import Any

import pytest
from rich.cells import cell_len

from csmsctl.dashboard.layout import Cell, Field, fit_in_layout, folded_in_layout, layout_widths, packed_in_layout
from csmsctl.dashboard.picture import Seen, picture, picture_age
from csmsctl.dashboard.sparkline import History
from csmsctl.dashboard.view import View
from tests.csmsctl import samples

NOW = datetime.fromisoformat("2026-01-31T12:00:05.000Z").timestamp()
CHARGING: dict[str, Any] = {
    "status": "Charging",
    "transaction": 7,
    "id_tag": "A1B2C3",
    "power_w": 7360.0,
    "energy_wh": 12345,
    "soc_percent": 42.4,
}
STATUS = samples.status(
    samples.charge_point(
        "NORTH-1",
        connectors=[samples.connector(1, **CHARGING), samples.connector(2)],
        open_tasks=[{"id": 3, "action": "GetConfiguration", "created_at": "…", "user": "jo"}],
    ),
    samples.charge_point(
        "NORTH-2",
        connectors=[samples.connector(1, status="Faulted", error_code="GroundFailure")],
        problems=[
            samples.problem(
                "faulted",
                charge_point="NORTH-2",
                connector=1,
                severity="critical",
                text="Faulted: GroundFailure (\x1b]0;evil\x07 [red]wet[/])",
                next="csmsctl log NORTH-2",
            )
        ],
    ),
    samples.charge_point(
        "漢字-と-とても長い名前の充電ポイント", connected=False, connectors=[samples.connector(1, **CHARGING)]
    ),
    *(samples.charge_point(f"SOUTH-{number}", connectors=[samples.connector(1)]) for number in range(1, 60)),
    problems=[samples.problem("unknown_charge_points", charge_point=None, text="2 knocked", next="csmsctl cp pending")],
)


def drawn(width: int, height: int, *keys: str, seen: Seen | None = None) -> list[str]:
    view, history = View(), History()
    view.settle(63, 10)
    for key in keys:
        view.press(key)
    history.add(("NORTH-1", 1), NOW - 200, 3680.0)
    history.add(("NORTH-1", 1), NOW - 100, 7360.0)
    return [line.plain for line in picture(seen or Seen(STATUS), view, history, (width, height), NOW)]


@pytest.mark.parametrize("width", [1, 10, 20, 40, 60, 80, 100, 120, 200, 400])
@pytest.mark.parametrize("height", [1, 2, 5, 10, 24, 50, 100])
@pytest.mark.parametrize("keys", [(), ("G",), ("?",), ("/", "x"), ("s", "s", "r"), ("p",)])
def test_no_line_is_wider_and_no_picture_higher_than_the_screen(width: int, height: int, keys: tuple[str, ...]) -> None:
    lines = drawn(width, height, *keys)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width
    lost = Seen(STATUS, "12:00:00", "There is no socket at /run/csmsd/csmsd.sock.")
    assert max(cell_len(line) for line in drawn(width, height, *keys, seen=lost)) <= width


def test_eighty_columns_have_what_matters() -> None:
    lines = drawn(80, 24)
    assert lines[0].startswith("csmsd 0.1.0, up 2 h 5 min · 1 of 62 connected · 1 transaction · 7.4 kW")
    assert lines[1].startswith("1 critical, 1 warning · 0 open tasks · ")
    assert lines[2] == "2 knocked; see: csmsctl cp pending"
    assert lines[4].split()[:9] == ["CHARGE", "POINT", "C", "STATUS", "AGE", "kW", "POWER", "kWh", "SoC"]
    # What is wrong stands in place of the measured values of what does not charge; escapes show.
    assert lines[5].split()[:3] == ["!", "NORTH-2", "1"]
    assert lines[5].endswith("Faulted: GroundFailure (\\x1b]0;evil\\x07 [r…")
    row = next(line for line in lines if line.split()[:1] == ["NORTH-1"])
    assert row.split()[:7] == ["NORTH-1", "1", "Charging", "5", "s", "7.360", "▅███"]
    assert "12.345  42 %" in row
    assert lines[-4].startswith("NORTH-2 connector 1: Faulted: GroundFailure (\\x1b]0;evil\\x07 [red]wet[/])")
    assert lines[-2] == "→ csmsctl log NORTH-2"
    assert lines[-1].startswith("1-14 of 63  p problems  q quit  ? help")


def test_two_hundred_columns_show_everything() -> None:
    lines = drawn(200, 24)
    titles = ["CHARGE", "POINT", "C", "STATUS", "AGE", "kW", "POWER", "kWh", "SoC", "TX", "TAG", "TASK", "PROBLEM"]
    assert lines[4].split() == titles
    row = next(line for line in lines if line.split()[:1] == ["NORTH-1"])
    assert row.rstrip().endswith("42 %   7  A1B2C3  GetConfiguration")


def test_what_is_under_way_at_an_idle_connector_is_said() -> None:
    row = next(line for line in drawn(80, 24) if line.split()[:2] == ["NORTH-1", "2"])
    assert row.endswith("GetConfiguration under way")


def test_the_chosen_row_is_told_about_below() -> None:
    lines = drawn(80, 24, "s", "G", "k")
    chosen = " ".join(lines[-5:-1])
    assert "SOUTH-59 connector 1: Available, since " in chosen


def test_without_a_connection_it_says_so_and_keeps_the_rest() -> None:
    lines = drawn(80, 24, seen=Seen(STATUS, "11:59:50", "Nobody listens at /run/x."))
    assert lines[0].startswith("csmsd cannot be reached since 11:59:50; this is what it said last. Nobody")
    assert any(line.split()[:2] == ["NORTH-1", "1"] for line in lines)


def test_an_empty_site_says_how_to_begin() -> None:
    assert any("csmsctl cp add CP1" in line for line in drawn(80, 24, seen=Seen(samples.status())))
    assert any("Nothing is like that" in line for line in drawn(80, 24, "/", *"zzz"))


# --- layout

WIDE, NARROW = "x" * 30, "12"
FIELDS = (Field("NAME", 1, 6, 30), Field("NUMBER", 3, 2, 8, right=True), Field("TEXT", 2, 4, 40))


@pytest.mark.parametrize(
    ("width", "given"),
    [
        (100, [30, 6, 30]),
        (60, [30, 2, 24]),
        (30, [20, 2, 4]),
        (16, [6, 2, 4]),
        (15, [9, 0, 4]),
        (11, [11, 0, 0]),
        (3, [3, 0, 0]),
    ],
)
def test_what_matters_least_is_left_out_first(width: int, given: list[int]) -> None:
    assert layout_widths(FIELDS, [[Cell(WIDE), Cell(NARROW), Cell(WIDE)]], width) == given


def test_a_column_without_content_goes_before_all_others() -> None:
    assert layout_widths(FIELDS, [[Cell(WIDE), Cell(NARROW), Cell("")]], 15) == [11, 2, 0]


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [("ab", 4, "ab  "), ("abcde", 4, "abc…"), ("漢字漢", 4, "漢 …"), ("abc", 1, "…"), ("abc", 0, "")],
)
def test_what_is_cut_is_marked(text: str, width: int, fitted: str) -> None:
    assert fit_in_layout(text, width) == fitted


def test_as_many_parts_as_fit() -> None:
    assert packed_in_layout(["aaa", "bbb", "ccc"], 9) == "aaa · bbb"
    assert packed_in_layout(["aaa", "bbb", "ccc"], 8) == "aaa"
    assert packed_in_layout(["aaaaaa"], 4) == "aaa…"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a 漢字漢字 b", 5, ["a", "漢字", "漢字", "b"]),
    ],
)
def test_folding_loses_nothing(text: str, width: int, lines: list[str]) -> None:
    assert folded_in_layout(text, width) == lines


@pytest.mark.parametrize(
    ("seen_at", "shown"),
    [
        ("2026-01-31T12:00:05.900Z", "0 s"),
        ("2026-01-31T11:59:06.000Z", "59 s"),
        ("2026-01-31T11:50:00.000Z", "10 min"),
        ("2026-01-31T01:00:00.000Z", "11 h"),
        ("2026-01-01T00:00:00.000Z", "30 d"),
        (None, "never"),
    ],
)
def test_the_age_of_the_last_message(seen_at: str | None, shown: str) -> None:
    assert picture_age(seen_at, NOW) == shown


def test_details_that_do_not_fit_are_marked() -> None:
    wordy = samples.charge_point(
        connectors=[samples.connector(1)], problems=[samples.problem(text="word " * 100, severity="critical")]
    )
    lines = drawn(60, 20, seen=Seen(samples.status(wordy)))
    assert lines[-2].startswith("word")
    assert lines[-2].endswith("…")


CIRCUITS: list[dict[str, Any]] = [
    {"circuit": "main", "phase": "L1", "limit": 63.0, "other": 12.5, "given": 32.0, "drawn": 30.0, "stale": False},
    {"circuit": "main", "phase": "L2", "limit": 63.0, "other": 2.0, "given": 32.0, "drawn": 30.0, "stale": False},
    {"circuit": "main", "phase": "W", "limit": 20000.0, "other": 0.0, "given": 9000.0, "drawn": 8000.0, "stale": False},
    {"circuit": "roof", "phase": "W", "limit": 7000.0, "other": 500.0, "given": 6000.0, "drawn": 1.0, "stale": False},
]


def limited(limit_a: float | None, state: str = "charging", *, connector: int = 1) -> dict[str, Any]:
    place = {"circuit": "main", "connector": connector}
    return {"site_limit": place | {"state": state, "limit_a": limit_a, "most_a": 32.0}}


def test_circuits_are_shown_by_their_fullest_phase_and_connectors_with_what_they_are_left() -> None:
    status = samples.status(
        samples.charge_point(
            "CP1",
            connectors=[
                samples.connector(1, **CHARGING, **limited(12.5)),
                samples.connector(2, **limited(None, "unmanaged")),
                samples.connector(3, site_limit=None),
                samples.connector(4, **limited(16.0, connector=0)),
            ],
        ),
        circuits=CIRCUITS,
    )
    lines = drawn(140, 30, seen=Seen(status))
    assert lines[2].rstrip() == ("main L1 42.5 A now, 44.5 at most, of 63 A · roof 501 W now, 6500 at most, of 7000 W")
    title = next(line for line in lines if "CHARGE POINT" in line)
    end = title.index("LIMIT") + len("LIMIT")
    rows = [line[:end] for line in lines if line.strip().startswith("CP1") and "connector" not in line]
    assert [row.endswith(limit) for row, limit in zip(rows, ("12.5 A", "none", "5 s", "≤16 A"), strict=True)] == [
        True
    ] * 4
    assert "LIMIT" not in "".join(drawn(140, 30)), "where there are no circuits, there is no column"
