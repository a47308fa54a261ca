"""What every slice has in common."""

from typing import ClassVar

import pytest

from csmsd.profiles.action import Context, Effect, Observation, Operation, action_of
from csmsd.profiles.core.reset import ResetReq
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.scene import Scene


def effect(state: str) -> Effect:
    return Effect(state, lambda sent: Observation(state), ())


class Nothing(Operation):
    """An operation that says nothing of itself."""

    command: ClassVar[str] = "nothing"


class Awaited(Nothing):
    """One whose effects can be waited for."""

    effects: ClassVar[tuple[Effect, ...]] = (effect("usual"), effect("other"))


def test_an_action_is_called_as_its_request_is() -> None:
    assert action_of(ResetReq) == "Reset"


def test_the_usual_effect_or_the_one_that_is_named() -> None:
    assert [Awaited().effect(state).state for state in (None, "usual", "other")] == ["usual", "usual", "other"]


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (Awaited(), r"nothing can wait for usual or other, not for flying\."),
        (Nothing(), r"nothing can wait for nothing, not for flying\."),
    ],
)
def test_what_is_no_effect_is_refused_with_those_there_are(operation: Operation, says: str) -> None:
    with pytest.raises(CannotSend, match=says):
        operation.effect("flying")


def test_without_an_effect_there_is_nothing_to_wait_for() -> None:
    with pytest.raises(CannotSend):
        Nothing().effect(None)


def test_one_that_says_nothing_sends_nothing_and_wants_a_target() -> None:
    scene = Scene()
    with pytest.raises(CannotSend, match="sends nothing"):
        Nothing().steps(scene.target())
    with pytest.raises(CannotSend, match=r"Name the charge point\."):
        Nothing().implied_target(scene.site)


def test_a_handler_counts_what_only_it_can_see() -> None:
    scene = Scene()
    one, other = (Context(scene.site, scene.cp, scene.now) for _ in range(2))
    one.note("status", "unknown_value")
    assert [(found.field, found.kind) for found in one.deviations] == [("status", "unknown_value")]
    assert other.deviations == [], "each request has its own"
