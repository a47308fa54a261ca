"""A step of a test: what it does, when it may be done, and how it went."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from csmsctl.commissioning.visit import Visit

Suite = Literal["guided", "full", "quick"]
Result = Literal["pass", "fail", "skipped"]
Play = Callable[[Visit], None]


@dataclass(frozen=True)
class Step:
    """A step. `quick`: harmless and without a person. `disturbs`: what it does that people must expect."""

    name: str
    title: str
    play: Play
    quick: bool = False
    profile: str | None = None  # as SupportedFeatureProfiles has it (C 9.1.29)
    disturbs: str | None = None
    needs_person: bool = False


class Steps(list[Step]):
    """The steps of a module, in the order in which they are done."""

    def step(
        self,
        name: str,
        title: str,
        *,
        quick: bool = False,
        profile: str | None = None,
        disturbs: str | None = None,
        needs_person: bool = False,
    ) -> Callable[[Play], Play]:
        """Declares the function that does the step."""

        def declare(play: Play) -> Play:
            self.append(Step(name, title, play, quick, profile, disturbs, needs_person))
            return play

        return declare


@dataclass(frozen=True)
class Outcome:
    """How a step went: what was seen, and unless it passed why, and what to do."""

    step: Step
    result: Result
    seconds: float = 0.0
    seen: list[str] = field(default_factory=list)
    reason: str | None = None
    advice: str | None = None
    conversation: list[str] = field(default_factory=list)  # the frames of a step that failed
