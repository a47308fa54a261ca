"""The cases of the public test-case document: section 3, and those of the security extension."""

from csmsctl.conformance.case import Case
from csmsctl.conformance.cases import (
    core_charging,
    core_configuration,
    core_offline,
    core_remote_control,
    firmware_management,
    local_auth_list,
    remote_trigger,
    reservation,
    security,
    smart_charging,
)


def all_cases() -> list[Case]:
    """Every case; the functionalities in the order of the certificate."""
    return [
        *core_charging.CASES,
        *core_remote_control.CASES,
        *core_configuration.CASES,
        *core_offline.CASES,
        *firmware_management.CASES,
        *smart_charging.CASES,
        *reservation.CASES,
        *local_auth_list.CASES,
        *remote_trigger.CASES,
        *security.CASES,
    ]
