"""Refused, with a twin, flapping: what an operator is told of how a charge point connects."""

from csmsd.control.problems.charge_points import problems_of_charge_point
from csmsd.profiles.core.link_history import WINDOW_MS
from tests.csmsd.profiles.scene import DAY, HOUR, SECOND, Scene


def kinds(scene: Scene) -> list[str]:
    return [problem.kind for problem in problems_of_charge_point(scene.cp, scene.site, scene.now)]


def offline(scene: Scene) -> None:
    scene.cp.record.last_seen_at, scene.cp.connected_at = scene.now, None


def test_a_refusal_says_why_how_often_and_when_last() -> None:
    scene = Scene()
    offline(scene)
    for _ in range(41):
        scene.now += SECOND
        scene.site.refused.note("CP1", "10.0.0.7", "wrong_password", scene.now, registered=True)
    refused = next(
        one for one in problems_of_charge_point(scene.cp, scene.site, scene.now) if one.kind == "connection_refused"
    )
    assert refused.text == "refused: wrong password, 41 times, from 10.0.0.7"
    assert (refused.severity, refused.last) == ("critical", scene.now)
    assert refused.next.startswith("csmsctl cp set CP1 --generate-password")


def test_what_works_again_and_what_is_long_over_is_no_problem() -> None:
    scene = Scene()
    scene.site.refused.note("CP1", "a", "wrong_password", scene.now, registered=True)
    scene.now += SECOND
    scene.cp.connected_at = scene.cp.record.last_seen_at = scene.now
    assert "connection_refused" not in kinds(scene)
    scene.now += SECOND
    scene.site.refused.note("CP1", "a", "wrong_password", scene.now, registered=True)
    assert "connection_refused" in kinds(scene)
    scene.now += DAY
    assert "connection_refused" not in kinds(scene)


def test_two_devices_with_one_identity() -> None:
    scene = Scene()
    scene.cp.links.note(scene.now, "a", None)
    for address, replaced in (("b", "a"), ("a", "b")):
        scene.cp.links.note(scene.now, address, replaced)
    assert "twins" not in kinds(scene)
    scene.cp.links.note(scene.now, "b", "a")
    twins = next(one for one in problems_of_charge_point(scene.cp, scene.site, scene.now) if one.kind == "twins")
    assert "3 times within 10 min, from a and b" in twins.text
    scene.now += WINDOW_MS
    assert "twins" not in kinds(scene)


def test_a_link_that_does_not_last() -> None:
    scene = Scene()
    for _ in range(4):
        scene.cp.links.note(scene.now, "a", None)
        scene.now += SECOND
    assert "flapping" not in kinds(scene)
    scene.cp.links.note(scene.now, "a", None)
    assert "flapping" in kinds(scene)
    scene.now += HOUR
    assert "flapping" not in kinds(scene)
