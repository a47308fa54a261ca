"""Circuits as they are described, what is wrong with some, and what their members may draw when."""

import pytest

from csmsd.profiles.load_management.budgets import Outside, budgets_from
from csmsd.profiles.load_management.circuits import (
    SUM,
    UNLIMITED,
    Circuit,
    CircuitError,
    Member,
    Reading,
    TemporaryLimit,
    Tree,
    Window,
    amperes,
    check_circuits,
    current_or_power,
    phases_of_wiring,
    windows_of_timetable,
)

A = 1000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MIDNIGHT = 20_000 * DAY


def circuit(name: str = "main", limit: int | None = 63, **fields: object) -> Circuit:
    ma = None if limit is None else limit * A
    return Circuit(name=name, **{"l1_ma": ma, "l2_ma": ma, "l3_ma": ma, **fields})  # type: ignore[arg-type]


def member(charge_point: str = "CP1", connector: int = 1, circuit: str = "main", **fields: object) -> Member:
    return Member(circuit=circuit, charge_point=charge_point, connector=connector, **fields)  # type: ignore[arg-type]


# --- texts


@pytest.mark.parametrize(
    ("text", "phases"),
    [("L1L2L3", (0, 1, 2)), ("l2", (1,)), ("STR", (1, 2, 0)), ("L3, L1", (2, 0)), ("R+S+T", (0, 1, 2))],
)
def test_a_wiring_names_grid_phases_in_their_order(text: str, phases: tuple[int, ...]) -> None:
    assert phases_of_wiring(text) == phases


@pytest.mark.parametrize("text", ["", "L4", "L1L1", "L1x", "three"])
def test_what_is_no_wiring_is_refused(text: str) -> None:
    with pytest.raises(CircuitError, match="is no wiring"):
        phases_of_wiring(text)


def test_a_timetable_is_windows_of_the_day() -> None:
    assert windows_of_timetable("17:00-20:00=25A, 22:00-06:00=11kW") == (
        Window(17 * 60, 20 * 60, 25 * A, None),
        Window(22 * 60, 30 * 60, None, 11_000),
    )
    night = windows_of_timetable("22:00-06:00=10A")[0]
    assert [night.holds(hour * 60) for hour in (21, 22, 0, 5, 6)] == [False, True, True, True, False]


@pytest.mark.parametrize("text", ["17-20=25A", "25:00-26:00=1A", "10:00-11:70=1A", "10:00-11:00=1"])
def test_what_is_no_timetable_is_refused(text: str) -> None:
    with pytest.raises(CircuitError):
        windows_of_timetable(text)


def test_currents_are_exact_milliamperes() -> None:
    assert current_or_power("12.4A") == (12_400, "A")
    assert current_or_power("11kW") == (11_000, "W")
    assert [amperes(ma) for ma in (10_000, 12_500, 0, 333)] == ["10A", "12.5A", "0A", "0.333A"]


# --- checks


@pytest.mark.parametrize(
    ("circuits", "members", "why"),
    [
        ([circuit(""), circuit()], [], "no name"),
        ([circuit("main"), circuit("MAIN")], [], "two circuits"),
        ([circuit("a", None)], [], "say its limit"),
        ([circuit(l1_ma=-1)], [], "below 0"),
        ([circuit(reserve_l2_ma=64 * A)], [], "the reserve of L2, 64A, is more than its limit of 63A"),
        ([circuit(reading_max_age_s=0)], [], "a second or longer"),
        ([circuit(timetable="x")], [], "no window"),
        ([circuit("a", parent="b")], [], "a hangs on b, which is no circuit"),
        ([circuit("a", parent="b"), circuit("b", parent="a")], [], "a hangs on b hangs on a: that is a circle"),
        ([circuit()], [member(circuit="x")], "there is no circuit x"),
        ([circuit()], [member(), member("cp1")], "is a member of one circuit"),
        ([circuit()], [member(connector=-1)], "begin at 1"),
        ([circuit()], [member(connector=0), member(connector=2)], "as a whole, and with its connector 2, too"),
        ([circuit()], [member(step_ma=10)], "in whole amperes or in tenths"),
        ([circuit()], [member(floor_ma=7 * A)], "from 0 to its minimum"),
        ([circuit()], [member(weight=0)], "its weight"),
        ([circuit()], [member(minimum_ma=33 * A)], "its minimum of 33A"),
        ([circuit()], [member(fallback_ma=5 * A)], "its fallback is 0 or from its minimum, 6A, to its rating, 32A"),
        ([circuit(l2_ma=None)], [member()], "is wired to L2, which main does not have"),
    ],
)
def test_what_cannot_be_is_named(circuits: list[Circuit], members: list[Member], why: str) -> None:
    with pytest.raises(CircuitError, match=why):
        check_circuits(circuits, members)


def test_what_can_be_is_taken() -> None:
    check_circuits(
        [circuit(), circuit("garage", 32, parent="Main", l3_ma=None), circuit("roof", None, power_w=11_000)],
        [member(fallback_ma=0), member(connector=2, circuit="garage", phases="L2"), member("CP2", 1, "roof")],
    )


# --- the tree


def test_a_member_takes_of_every_line_above_it() -> None:
    tree = Tree([circuit(), circuit("garage", parent="main")], [member(circuit="garage", phases="L2L3")])
    taken = {tree.constraints[index]: of_it for index, of_it in tree.uses(("cp1", 1))}
    assert taken == {(name, lane): 2 if lane == SUM else 1 for name in ("main", "garage") for lane in (1, 2, SUM)}
    one_phase = {tree.constraints[index] for index, _ in tree.uses(("cp1", 1), (2,))}
    assert one_phase == {(name, lane) for name in ("main", "garage") for lane in (2, SUM)}


def budgets(tree: Tree, now: int, **outside: object) -> list[tuple[int, list[int]]]:
    """Minutes from now, and what may be drawn on the lanes of the first circuit from then on, in A."""
    found = budgets_from(tree, Outside(**outside), now, 20 * MINUTE)  # type: ignore[arg-type]
    return [((moment - now) // MINUTE, [ma // A for ma in lanes[:4]]) for moment, lanes in found]


def test_without_anything_else_the_limits_hold() -> None:
    tree = Tree([circuit(l3_ma=None, power_w=23_000)], [])
    for _, lanes in budgets(tree, MIDNIGHT):
        assert lanes == [63, 63, UNLIMITED // A, 100]  # 23 kW at 230 V


def test_a_reading_counts_while_it_is_fresh_and_the_reserve_afterwards() -> None:
    tree = Tree([circuit(reserve_l1_ma=20 * A)], [])
    reading = Reading(circuit="main", l1_ma=5 * A, l2_ma=1 * A, l3_ma=0, at=MIDNIGHT)
    told = {"main": reading}
    assert budgets(tree, MIDNIGHT, readings=told)[0][1][:3] == [58, 62, 63]
    assert budgets(tree, MIDNIGHT, readings=told)[1][1][:3] == [43, 63, 63]
    later = MIDNIGHT + 121_000
    assert budgets(tree, later, readings=told)[0][1][:3] == [43, 63, 63]
    assert tree.others(told, later)[1] == ["main"]
    assert tree.others(told, MIDNIGHT + 120_000)[1] == []
    assert tree.others(told, MIDNIGHT - 1)[1] == ["main"], "the clock was set back: nobody knows how old it is"


def test_a_timetable_is_known_beforehand_and_its_lowest_holds_in_the_end() -> None:
    tree = Tree([circuit(timetable="17:00-20:00=25A,03:00-04:00=50A")], [])
    at_half_past_four = budgets(tree, MIDNIGHT + 16 * HOUR + 30 * MINUTE)
    assert [(minutes, lanes[0]) for minutes, lanes in at_half_past_four] == [(0, 63), (20, 63), (30, 25), (120, 25)]
    at_night = budgets(tree, MIDNIGHT + 2 * HOUR)
    assert [(minutes, lanes[0]) for minutes, lanes in at_night] == [(0, 63), (20, 63), (60, 50), (120, 25)]


def test_a_timetable_goes_by_the_clocks_on_the_wall() -> None:
    tree = Tree([circuit(timetable="17:00-20:00=25A")], [])
    found = budgets(tree, MIDNIGHT + 14 * HOUR + 30 * MINUTE, utc_offset_s=2 * 3600)
    assert (30, 25) in [(minutes, lanes[0]) for minutes, lanes in found]


def test_a_limit_for_a_while_ends() -> None:
    limit = TemporaryLimit(circuit="main", ma=25 * A, until=MIDNIGHT + 60 * MINUTE)
    found = budgets(Tree([circuit()], []), MIDNIGHT, temporary={"main": limit})
    assert [(minutes, lanes[0]) for minutes, lanes in found] == [(0, 25), (20, 25), (60, 63), (120, 63)]


def test_a_power_for_a_while_holds_where_only_currents_were_limited() -> None:
    limit = TemporaryLimit(circuit="main", power_w=4_600, until=MIDNIGHT + DAY)
    found = budgets(Tree([circuit()], []), MIDNIGHT, temporary={"main": limit})
    assert [lanes[SUM] for _, lanes in found] == [20, 20, 20]
