"""A test that does not come to its end: nothing that was seen goes untold."""

from pathlib import Path
from typing import Any

import pytest

from csmsctl.commissioning.ends import Failed, Skipped, Stopped
from csmsctl.commissioning.runner import Runner
from csmsctl.commissioning.step import Outcome, Step
from csmsctl.failure import INTERRUPTED, OK, OTHER, UNREACHABLE, Failure
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, ScriptedDaemon


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_csmsd_that_goes_away(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    def end(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies |= {
        "charge_point.show": samples.charge_point(connected=True, deviations=[]),
        "log.subscribe": {},
        "event.subscribe": {},
        "operation.run": end,
    }
    ended = csmsctl("--json", "cp", "test", "CP1", "--suite", "quick")
    assert ended.code == UNREACHABLE
    report = ended.document
    assert (report["passed"], report["failed"], report["skipped"]) == (0, 1, 6)
    assert "closed the connection" in report["steps"][0]["reason"]
    assert {step["reason"] for step in report["steps"][1:]} == {"csmsd went away"}

    # Nor does a full disk take it away.
    (tmp_path / "full.md").symlink_to("/dev/full")
    ended = csmsctl("--json", "cp", "test", "CP1", "--suite", "quick", "--report", str(tmp_path / "full.md"))
    assert (ended.code, ended.document["failed"]) == (1, 1)
    assert "No space left" in ended.err


class Visit:
    """A visit to nobody: what a step is given, and what the runner asks of it."""

    charge_point = "CP1"

    def __init__(self, *, person: bool = False) -> None:
        self.person = object() if person else None
        self.seen: list[str] = []
        self.conversation: list[str] = []
        self.charging: list[int] = []
        self.told: list[str] = []
        self.tidied = 0

    def forget(self) -> None:
        self.conversation = [*self.conversation, "[2]"]

    def tidy(self) -> None:
        self.tidied += 1

    def supports(self, profile: str) -> bool:
        return profile == "Core"

    def running(self) -> list[int]:
        return self.charging

    def do(self, text: str) -> None:
        self.told.append(text)


def played(*steps: Step, person: bool = False) -> tuple[Runner, Visit, list[Outcome]]:
    told: list[Outcome] = []
    visit: Any = Visit(person=person)
    runner = Runner(visit, told.append)
    runner.run(steps)
    assert told == runner.outcomes
    return runner, visit, told


def step(name: str, ends: BaseException | None = None, **more: Any) -> Step:
    def play(visit: Any) -> None:
        visit.seen.append(f"saw {name}")
        if ends is not None:
            raise ends

    return Step(name, f"Does {name}", play, **more)


@pytest.mark.parametrize(
    ("ends", "result", "reason", "after", "code"),
    [
        (None, "pass", None, None, OK),
        (Skipped("no need"), "skipped", "no need", None, OK),
        (Failed("it is late", "Set it."), "fail", "it is late", None, OK),
        (Failure(OTHER, "csmsd says no"), "fail", "csmsd says no", None, OK),
        (Failure(UNREACHABLE, "gone"), "fail", "gone", "csmsd went away", UNREACHABLE),
        (Stopped(), "skipped", "stopped by the operator", "stopped by the operator", INTERRUPTED),
        (KeyboardInterrupt(), "skipped", "interrupted", "interrupted before", INTERRUPTED),
    ],
)
def test_how_a_step_ends_and_what_becomes_of_those_after_it(
    ends: BaseException | None, result: str, reason: str | None, after: str | None, code: int
) -> None:
    runner, visit, (first, second) = played(step("clock", ends), step("limit"))
    assert (first.result, first.reason, first.seen) == (result, reason, ["saw clock"])
    assert runner.code == code
    if after is None:
        assert (second.result, second.seen) == ("pass", ["saw limit"])
    else:
        assert (second.result, second.reason, second.seen) == ("skipped", after, [])
    assert visit.tidied == (2 if after is None else 1), "what a step created is taken away after it"


def test_without_a_link_nothing_else_is_tried() -> None:
    runner, _, (first, second) = played(step("link", Failed("not connected")), step("clock"))
    assert (first.result, second.result, second.reason) == ("fail", "skipped", "the link has to work first")
    assert runner.code == OK


def test_what_to_do_and_the_frames_belong_to_what_failed() -> None:
    _, _, (known, unknown, from_csmsd, passed) = played(
        step("a", Failed("late", "Set it.")),
        step("b", Failed("late")),
        step("c", Failure(OTHER, "no", "Look.")),
        step("d"),
    )
    assert (known.advice, from_csmsd.advice, passed.advice) == ("Set it.", "Look.", None)
    assert "csmsctl log CP1" in (unknown.advice or "")
    assert (known.conversation, passed.conversation) == (["[2]"], [])


@pytest.mark.parametrize(
    ("person", "more", "reason"),
    [
        (False, {}, None),
        (False, {"needs_person": True}, "it needs a person at the charge point: leave out --suite"),
        (True, {"needs_person": True}, None),
        (False, {"profile": "Core"}, None),
        (False, {"profile": "Reservation"}, "its SupportedFeatureProfiles do not have Reservation"),
    ],
)
def test_what_makes_no_sense_here_is_skipped(person: bool, more: dict[str, Any], reason: str | None) -> None:
    _, _, (outcome,) = played(step("limit", **more), person=person)
    assert (outcome.result, outcome.reason) == ("pass" if reason is None else "skipped", reason)


@pytest.mark.parametrize(
    ("person", "more", "told"),
    [
        (True, {"disturbs": "It restarts."}, ["Next: Does reset. It restarts."]),
        (True, {"disturbs": "It restarts.", "needs_person": True}, []),  # the step itself says what to do
        (True, {}, []),
        (False, {"disturbs": "It restarts."}, []),
    ],
)
def test_a_person_is_told_what_to_expect(person: bool, more: dict[str, Any], told: list[str]) -> None:
    _, visit, (outcome,) = played(step("reset", **more), person=person)
    assert (outcome.result, visit.told) == ("pass", told)


def test_whoever_charges_is_not_disturbed() -> None:
    visit: Any = Visit()
    visit.charging = [7]
    runner = Runner(visit, lambda outcome: None)
    runner.run([step("reset", disturbs="It restarts."), step("clock")])
    disturbing, harmless = runner.outcomes
    assert (disturbing.result, disturbing.reason) == ("skipped", "transaction 7 is running, and is not disturbed")
    assert harmless.result == "pass"
