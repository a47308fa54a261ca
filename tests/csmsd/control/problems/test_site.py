"""What wants attention and concerns no single charge point."""

import pytest

from csmsd.control.problems.site import problems_of_site
from csmsd.profiles.firmware_management.rollouts import Rollout
from csmsd.profiles.milestone import Milestone
from tests.csmsd.profiles.scene import DAY, NOON, SECOND, Scene


def test_problems_of_the_site() -> None:
    site = Scene().site
    assert problems_of_site(site, None, NOON) == []
    site.refused.note("CP9", "a", "unknown", NOON, registered=False)
    site.refused.note(None, "b", "no_identity", NOON, registered=False, detail="/ocpp")
    site.firmware.rollouts.add(Rollout(id=4, created_at=NOON, file="f", state="paused", reason="2 failed"))
    problems = problems_of_site(site, "disk full", NOON + SECOND)
    assert [(problem.kind, problem.severity) for problem in problems] == [
        ("store_failing", "critical"),
        ("unknown_charge_points", "warning"),
        ("connection_refused", "warning"),
        ("rollout_paused", "warning"),
    ]
    assert "disk full" in problems[0].text
    assert problems[1].text == "1 charge point knocked without being registered"
    assert problems[2].text == "refused: no identity in its URL (/ocpp), 1 time, from b"
    assert [one.kind for one in problems_of_site(site, None, NOON + DAY)][1:] == ["rollout_paused"]


@pytest.mark.parametrize(
    ("by", "text"),
    [(730 * 86_400_000, "forward by 730 days"), (-7_200_000, "back by 2 h"), (61_000, "forward by 1 min")],
)
def test_a_clock_that_jumped_is_a_problem_for_a_day(by: int, text: str) -> None:
    site = Scene().site
    site.milestones["clock_jump"] = Milestone(name="clock_jump", at=NOON, number=by)
    (found,) = problems_of_site(site, None, NOON + 86_399_999)
    assert (found.kind, found.severity, found.since) == ("clock_jumped", "warning", NOON)
    assert f"the clock jumped {text}; is it right?" in found.text
    assert problems_of_site(site, None, NOON + 86_400_000) == []


def test_a_copy_off_the_box_that_is_behind() -> None:
    class Behind:
        problem: str | None = "the copy is 6 minutes behind"

    replica = Behind()
    (found,) = problems_of_site(Scene().site, None, NOON, replica)
    assert (found.kind, found.severity, found.next) == ("replica_behind", "warning", "csmsctl daemon info")
    assert found.text.startswith("the copy is 6 minutes behind: ")
    replica.problem = None
    assert problems_of_site(Scene().site, None, NOON, replica) == []
