"""The keys of `watch`, and the rows that they choose."""

from typing import Any

import pytest

from csmsctl.dashboard.view import SORTS, View, natural_dashboard_order, selected_for_dashboard
from tests.csmsctl import samples

NOW = "2026-01-31T12:00:00.000Z"
CHARGE_POINTS = [
    samples.charge_point(
        "CP10", connectors=[samples.connector(1, status="Charging", transaction=7, id_tag="ADA", power_w=7000.0)]
    ),
    samples.charge_point("CP2", labels=["garage"], connectors=[samples.connector(1)]),
    samples.charge_point(
        "CP3",
        connected=False,
        last_seen_at="2026-01-30T12:00:00.000Z",
        connectors=[samples.connector(1)],
        problems=[samples.problem("offline", charge_point="CP3", severity="critical")],
    ),
    samples.charge_point(
        "CP4",
        last_seen_at="2026-01-31T11:00:00.000Z",
        connectors=[
            samples.connector(1),
            samples.connector(2, status="Charging", transaction=8, id_tag="BOB", power_w=11000.0),
        ],
        problems=[samples.problem("energy_suspect", charge_point="CP4", connector=2)],
    ),
]


def shown(view: View) -> list[str]:
    return [f"{row['charge_point']}/{row.get('connector')}" for row in selected_for_dashboard(CHARGE_POINTS, view)]


def pressed(*keys: str) -> View:
    view = View()
    for key in keys:
        assert view.press(key)
    return view


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        # what is critical, what has a warning, what charges, the rest by name
        ([], ["CP3/1", "CP4/2", "CP10/1", "CP2/1", "CP4/1"]),
        (["s"], ["CP2/1", "CP3/1", "CP4/1", "CP4/2", "CP10/1"]),
        (["s", "r"], ["CP10/1", "CP4/2", "CP4/1", "CP3/1", "CP2/1"]),
        (["s", "s"], ["CP4/2", "CP10/1", "CP2/1", "CP3/1", "CP4/1"]),
        (["s", "s", "s"], ["CP3/1", "CP4/1", "CP4/2", "CP2/1", "CP10/1"]),
        (["s", "s", "s", "s", "p"], ["CP3/1", "CP4/2"]),
        (["/", *"cp1", "enter"], ["CP10/1"]),
        (["/", *"cp1", "backspace", *"4"], ["CP4/2", "CP4/1"]),
        (["/", *"ada", "enter"], ["CP10/1"]),
        (["/", *"garage", "enter"], ["CP2/1"]),
        (["/", *"energy sus", "enter"], ["CP4/2"]),
        (["/", *"q?s", "esc", "s"], ["CP2/1", "CP3/1", "CP4/1", "CP4/2", "CP10/1"]),
        (["p", "/", *"cp3", "enter", "a"], ["CP3/1", "CP4/2", "CP10/1", "CP2/1", "CP4/1"]),
        (["?", "p"], ["CP3/1", "CP4/2", "CP10/1", "CP2/1", "CP4/1"]),  # any key ends the help, and does no more
    ],
)
def test_keys_choose_rows_and_order(keys: list[str], rows: list[str]) -> None:
    assert shown(pressed(*keys)) == rows


@pytest.mark.parametrize("key", ["q", "Q", "\x04"])
def test_keys_that_end_it(key: str) -> None:
    assert not View().press(key)
    assert pressed("/").press(key), "while a filter is typed it is a letter"


def test_a_charge_point_without_connectors_has_a_row() -> None:
    (row,) = selected_for_dashboard(
        [samples.charge_point("CP9", connectors=[], connected=False, last_seen_at=None)], View()
    )
    assert (row["shown"], row.get("connector")) == ("never connected", None)


@pytest.mark.parametrize(
    ("keys", "count", "page", "cursor", "top"),
    [
        (["j", "j"], 10, 4, 2, 0),
        (["j"] * 4, 10, 4, 4, 1),
        (["pgdn"], 10, 4, 4, 1),
        (["G"], 10, 4, 9, 6),
        (["G", "g"], 10, 4, 0, 0),
        (["k"], 10, 4, 0, 0),
        (["down"] * 5, 3, 4, 2, 0),
        (["pgdn", "pgup"], 10, 4, 0, 0),
        (["j"], 0, 4, 0, 0),
    ],
)
def test_the_cursor_stays_among_the_rows_and_on_the_screen(
    keys: list[str], count: int, page: int, cursor: int, top: int
) -> None:
    view = View()
    for key in keys:
        view.settle(count, page)
        view.press(key)
    view.settle(count, page)
    assert (view.cursor, view.top) == (cursor, top)


def test_fewer_rows_than_before_leave_no_empty_page() -> None:
    view = View()
    view.settle(100, 10)
    view.press("G")
    view.settle(100, 10)
    assert (view.cursor, view.top) == (99, 90)
    view.settle(12, 10)
    assert (view.cursor, view.top) == (11, 2)
    view.settle(3, 10)
    assert (view.cursor, view.top) == (2, 0)


def test_names_are_sorted_as_people_count() -> None:
    names: list[Any] = ["CP10", "CP2", "cp1", "CP", "A-10-2", "A-9-30", "7"]
    assert sorted(names, key=natural_dashboard_order) == ["A-9-30", "A-10-2", "CP", "cp1", "CP2", "CP10", "7"]


def test_every_order_is_reached() -> None:
    view = View()
    seen = []
    for _ in SORTS:
        seen.append(view.sort)
        view.press("s")
    assert (tuple(seen), view.sort) == (SORTS, "problems")
