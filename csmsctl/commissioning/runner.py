"""Does the steps one after the other, and tells how each went."""

import contextlib
from collections.abc import Callable, Sequence
from time import monotonic

from csmsctl.commissioning.ends import Failed, Skipped, Stopped
from csmsctl.commissioning.step import Outcome, Result, Step
from csmsctl.commissioning.visit import Visit
from csmsctl.failure import INTERRUPTED, OK, UNREACHABLE, Failure


class Runner:
    """One run. `code` is the exit code when the operator, or csmsd, did not stay to the end of it."""

    def __init__(self, visit: Visit, tell: Callable[[Outcome], None]) -> None:
        self.code: int = OK
        self.outcomes: list[Outcome] = []
        self._visit = visit
        self._tell = tell
        self._over: str | None = None  # why nothing more is done

    def run(self, steps: Sequence[Step]) -> None:
        """All of them; those after the end are skipped."""
        for step in steps:
            outcome = Outcome(step, "skipped", reason=self._over) if self._over is not None else self._one(step)
            self.outcomes.append(outcome)
            self._tell(outcome)

    def _one(self, step: Step) -> Outcome:
        visit = self._visit
        visit.seen = []
        begun = monotonic()
        result: Result = "skipped"
        reason: str | None = None
        advice: str | None = None
        try:
            self._play(step)
            result = "pass"
        except Skipped as skipped:
            reason = str(skipped)
        except (Failed, Failure) as failed:
            result, reason = "fail", str(failed)
            advice = (failed.advice if isinstance(failed, Failed) else failed.next_step) or self._see()
            if isinstance(failed, Failure) and failed.code == UNREACHABLE:
                self._over, self.code = "csmsd went away", UNREACHABLE
            elif step.name == "link":
                self._over = "the link has to work first"
        except Stopped:
            reason, self._over, self.code = "stopped by the operator", "stopped by the operator", INTERRUPTED
        except KeyboardInterrupt:
            reason, self._over, self.code = "interrupted", "interrupted before", INTERRUPTED
        seconds = monotonic() - begun
        with contextlib.suppress(Failure):
            visit.forget()  # which gathers the frames that came last
        conversation = visit.conversation if result == "fail" else []
        visit.tidy()
        return Outcome(step, result, seconds, visit.seen, reason, advice, conversation)

    def _see(self) -> str:
        """What to do where the step knows nothing better."""
        return (
            "The specification wants it so; tell its vendor, with the frames of this step: they are in the report "
            f"(--report FILE), and in: csmsctl log {self._visit.charge_point}"
        )

    def _play(self, step: Step) -> None:
        visit = self._visit
        visit.forget()
        visit.conversation = []
        if step.needs_person and visit.person is None:
            raise Skipped("it needs a person at the charge point: leave out --suite")
        if step.profile is not None and not visit.supports(step.profile):
            raise Skipped(f"its SupportedFeatureProfiles do not have {step.profile}")
        if step.disturbs is not None:
            running = visit.running()
            if running:
                raise Skipped(f"transaction {running[0]} is running, and is not disturbed")
            if visit.person is not None and not step.needs_person:
                visit.do(f"Next: {step.title}. {step.disturbs}")
        step.play(visit)
