"""What problems are worded with."""

import pytest

from csmsd.control.problems.problem import counted, problem, seconds
from csmsd.profiles.core.charge_points import ConfigurationKey
from tests.csmsd.profiles.scene import NOON, Scene


def test_one_of_a_charge_point_bears_its_identity() -> None:
    found = problem(Scene().cp, "offline", "offline", "csmsctl log CP1", since=NOON, connector=2)
    assert (found.charge_point, found.connector, found.severity, found.last) == ("CP1", 2, "warning", None)


@pytest.mark.parametrize(("value", "found"), [("60", 60), ("x", None), ("", None), (None, None)])
def test_an_interval_that_is_none_is_not_known(value: str | None, found: int | None) -> None:
    scene = Scene()
    assert seconds(scene.cp, "HeartbeatInterval") is None
    scene.cp.configuration["heartbeatinterval"] = ConfigurationKey(
        charge_point="CP1", name="HeartbeatInterval", value=value, reported_at=NOON
    )
    assert seconds(scene.cp, "HeartbeatInterval") == found


def test_one_is_one() -> None:
    assert (counted(1, "transaction"), counted(2, "transaction")) == ("1 transaction", "2 transactions")
