"""All steps in the order in which they are done; each is one function in one of these modules."""

from csmsctl.commissioning.step import Step
from csmsctl.commissioning.steps import (
    charging,
    clock,
    configuration,
    diagnostics,
    limit_habits,
    limits,
    link_and_boot,
    triggers_and_local_list,
    unlock_and_reset,
)


def all_steps() -> list[Step]:
    """From what everything else rests on, to what is rarely needed."""
    return [
        *link_and_boot.STEPS,
        *clock.STEPS,
        *configuration.STEPS,
        *triggers_and_local_list.STEPS,
        *charging.STEPS,
        *unlock_and_reset.STEPS,
        *limits.STEPS,
        *limit_habits.STEPS,
        *diagnostics.STEPS,
    ]
