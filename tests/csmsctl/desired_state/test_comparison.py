"""One key of one charge point: what it has, what it should have, and what can be done about it."""

import pytest

from csmsctl.desired_state.comparison import Comparison, State, compare_configuration, same_by_comparison
from csmsctl.desired_state.document import Wanted
from csmsctl.records.configurations import Key, Report


@pytest.mark.parametrize(
    ("current", "wanted", "equal"),
    [
        ("60", "60", True),
        ("60", "060", False),
        ("True", "true", True),
        ("FALSE", "false", True),
        ("true", "false", False),
        (None, "", True),
        (None, "x", False),
        (" 60 ", "60", True),
        ("Energy.Active.Import.Register, SoC", "Energy.Active.Import.Register,SoC", True),
        ("SoC,Voltage", "Voltage,SoC", False),  # the order of measurands is that of the sampled values
        ("soc", "SoC", False),
        ("A B", "AB", False),
    ],
)
def test_what_means_the_same(current: str | None, wanted: str, equal: bool) -> None:
    assert same_by_comparison(current, wanted) is equal


@pytest.mark.parametrize(
    ("key", "unknown", "pending", "state"),
    [
        (Key("Interval", "60", False), set(), {}, "same"),
        (Key("Interval", "60", True), set(), {}, "same"),
        (Key("INTERVAL", "30", False), set(), {}, "change"),
        (Key("Interval", "30", True), set(), {}, "read_only"),
        (Key("Interval", "30", False), set(), {"interval": "60"}, "reboot_pending"),
        (Key("Interval", "30", False), set(), {"interval": "90"}, "change"),
        (None, {"interval"}, {}, "unknown"),
        (None, set(), {}, "not_reported"),
    ],
)
def test_states(key: Key | None, unknown: set[str], pending: dict[str, str], state: State) -> None:
    wanted = {"interval": Wanted("Interval", "60", "defaults")}
    report = Report({} if key is None else {"interval": key}, unknown)
    [found] = compare_configuration(wanted, report, pending=pending)
    assert (found.state, found.can_change) == (state, state in ("change", "not_reported"))
    assert found.needs_reboot == bool(pending and state != "same")


def test_a_reboot_that_was_needed_before_is_foretold() -> None:
    wanted = {"b": Wanted("B", "2", "label north"), "a": Wanted("A", "1", "defaults")}
    report = Report({"a": Key("A", "0", False), "b": Key("b", None, False)})
    assert compare_configuration(wanted, report, reboots=["b"]) == [
        Comparison("A", "0", "1", "defaults", "change"),
        Comparison("b", None, "2", "label north", "change", needs_reboot=True),
    ]
