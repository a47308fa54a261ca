"""The 62 cases that do not need the security extension, in the order of the test-case document (section 3)."""

from csmsctl.conformance.case import Case
from csmsctl.conformance.cases import (
    core_charging,
    core_configuration,
    core_offline,
    core_remote_control,
)


def all_cases() -> list[Case]:
    """Every case; the functionalities in the order of the certificate."""
    return [
        *core_charging.CASES,
        *core_remote_control.CASES,
        *core_configuration.CASES,
        *core_offline.CASES,
    ]
