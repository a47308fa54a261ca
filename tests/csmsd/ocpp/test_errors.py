"""The codes of a CALLERROR, letter by letter (J 4.2.3; JE 5.1, 5.2)."""

import pytest

from csmsd.ocpp.errors import ERROR_CODES, OcppError, canonical_error_code


def test_the_codes_are_spelled_as_the_specification_spells_them() -> None:
    assert sorted(ERROR_CODES) == [
        "FormationViolation",
        "GenericError",
        "InternalError",
        "NotImplemented",
        "NotSupported",
        "OccurenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "SecurityError",
        "TypeConstraintViolation",
    ]


@pytest.mark.parametrize(
    ("received", "understood"),
    [
        ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
        ("FormatViolation", "FormationViolation"),
        ("RpcFrameworkError", "ProtocolError"),
        ("MessageTypeNotSupported", "ProtocolError"),
        ("OccurenceConstraintViolation", "OccurenceConstraintViolation"),
        ("NotSupported", "NotSupported"),
        ("SomethingElse", "SomethingElse"),
        ("", ""),
    ],
)
def test_well_spelled_codes_are_understood(received: str, understood: str) -> None:
    assert canonical_error_code(received) == understood


def test_an_error_tells_its_code_and_reason() -> None:
    error = OcppError("SecurityError", "boot first")

    assert (error.code, error.description, str(error)) == ("SecurityError", "boot first", "SecurityError: boot first")
