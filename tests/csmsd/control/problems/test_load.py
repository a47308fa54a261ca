"""What is odd about circuits, and about who is on them."""

from csmsd.control.problems.load import load_problems_of_site
from csmsd.control.problems.problem import Problem
from csmsd.profiles.load_management.circuits import Circuit, Member, Reading
from csmsd.profiles.load_management.holds import Hold
from csmsd.profiles.load_management.overview import overview_of_load
from tests.csmsd.profiles.scene import NOON, SECOND, Scene

A = 1000
KEY = ("cp1", 1)


def garage(limit: int = 32) -> Scene:
    """CP1 behind so many amperes; it has accepted that it may draw nothing."""
    scene = Scene()
    load = scene.site.smart_charging.load
    circuit = Circuit(name="garage", l1_ma=limit * A, l2_ma=limit * A, l3_ma=limit * A)
    load.replace([circuit], [Member(circuit="garage", charge_point="CP1")])
    load.ledger.begin(KEY, 32 * A, (0, 1, 2), NOON)
    serial = load.ledger.new_serial()
    load.ledger.add(KEY, Hold(serial=serial, slot="default", ma=0, fallback_ma=0, phases=(0, 1, 2)))
    load.ledger.accepted(KEY, serial, NOON, 0)
    load.ledger.tidy(NOON)
    return scene


def found(scene: Scene, later: int = 0) -> list[Problem]:
    now = NOON + later * SECOND
    return list(load_problems_of_site(scene.site, overview_of_load(scene.site, 0, now)[0], now))


def kinds(scene: Scene, later: int = 0) -> list[tuple[str, str]]:
    return sorted({(problem.kind, problem.severity) for problem in found(scene, later)})


def test_a_site_without_circuits_and_one_that_is_kept_have_no_problem() -> None:
    assert found(Scene()) == []
    assert found(garage()) == []


def test_a_member_that_goes_by_no_limit_is_told_when_it_has_had_its_time() -> None:
    scene = garage()
    scene.site.smart_charging.load.ledger.begin(KEY, 32 * A, (0, 1, 2), NOON)
    assert kinds(scene, 59) == []
    assert kinds(scene, 60) == [("member_unmanaged", "warning")]
    [problem] = found(scene, 60)
    assert (problem.charge_point, problem.connector, problem.since) == ("CP1", 1, NOON)
    assert problem.text == "it has accepted no limit, and counts with 32 A on circuit garage"


def test_one_that_ignores_its_limits_is_told() -> None:
    scene = garage()
    scene.site.smart_charging.load.ledger.measured(KEY, 20 * A, (0, 1, 2), NOON)
    assert [problem.text for problem in found(scene, 60)] == [
        "it draws more than its limits allow, and counts with 20 A on circuit garage"
    ]


def test_what_may_flow_above_a_limit_is_a_warning() -> None:
    scene = garage(20)
    scene.site.smart_charging.load.ledger.begin(KEY, 32 * A, (0, 1, 2), NOON)
    assert kinds(scene) == [("circuit_may_exceed", "warning")]
    assert found(scene)[0].text == "L1 of garage may have to carry 32 A; its limit is 20 A"


def test_what_flows_above_a_limit_is_critical() -> None:
    scene = garage(20)
    reading = Reading(circuit="garage", l1_ma=12 * A, l2_ma=0, l3_ma=0, at=NOON)
    scene.site.smart_charging.load.readings["garage"] = reading
    scene.started()
    scene.meter({"value": "9", "measurand": "Current.Import", "phase": "L1", "unit": "A"})
    assert [(problem.kind, problem.severity, problem.text) for problem in found(scene)] == [
        ("circuit_over_limit", "critical", "L1 of garage carries 21 A; its limit is 20 A")
    ]


def test_a_reading_that_is_too_old_is_told() -> None:
    scene = garage()
    scene.site.smart_charging.load.readings["garage"] = Reading(circuit="garage", l1_ma=0, l2_ma=0, l3_ma=0, at=NOON)
    assert kinds(scene, 120) == []
    assert kinds(scene, 121) == [("reading_stale", "warning")]
