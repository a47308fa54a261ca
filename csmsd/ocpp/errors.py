"""The error codes of a CALLERROR (J 4.2.3; JE 5.1 and 5.2 for their spelling)."""

from typing import Literal, get_args

ErrorCode = Literal[
    "NotImplemented",  # the action is unknown
    "NotSupported",  # the action is known, but not supported
    "InternalError",
    "ProtocolError",
    "SecurityError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
    "GenericError",
]

ERROR_CODES: frozenset[str] = frozenset(get_args(ErrorCode))

# JE 5.1, 5.2: the specification's own spellings stand; peers that spell them well are understood on receipt.
_WELL_SPELLED = {
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "FormatViolation": "FormationViolation",
    "RpcFrameworkError": "ProtocolError",
    "MessageTypeNotSupported": "ProtocolError",
}


def canonical_error_code(received: str) -> str:
    """The code as OCPP-J 1.6 spells it; a code it does not know is returned unchanged."""
    return _WELL_SPELLED.get(received, received)


class OcppError(Exception):
    """A CALL that is answered with a CALLERROR: one of the codes above and a sentence for the other side."""

    def __init__(self, code: ErrorCode, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code: ErrorCode = code
        self.description = description
