"""All steps in the order in which they are done; each is one function in one of these modules."""

from csmsctl.commissioning.step import Step
from csmsctl.commissioning.steps import charging, clock, configuration, files, introduction, limits, messages, restart


def all_steps() -> list[Step]:
    """From what everything else rests on, to what is rarely needed."""
    return [
        *introduction.STEPS,
        *clock.STEPS,
        *configuration.STEPS,
        *messages.STEPS,
        *charging.STEPS,
        *restart.STEPS,
        *limits.STEPS,
        *files.STEPS,
    ]
