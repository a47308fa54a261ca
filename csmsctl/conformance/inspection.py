"""Every frame that csmsd sends is looked at, whatever the case is about (J 4.1, 4.2)."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from csmsctl.conformance.conditions import is_time_by_condition
from csmsd.ocpp.errors import ERROR_CODES

Frame = list[Any]
# What is wrong with the payload of an action (True: of its confirmation); tests put the JSON schemas here.
Oracle = Callable[[str, object, bool], list[str]]

_TIMES = frozenset(
    {
        "currentTime",
        "expiryDate",
        "retrieveDate",
        "startSchedule",
        "startTime",
        "stopTime",
        "timestamp",
        "validFrom",
        "validTo",
    }
)


@dataclass
class Observations:
    """What was seen of csmsd in a case: on all connections of all its charge points."""

    violations: list[str] = field(default_factory=list)
    conversation: list[str] = field(default_factory=list)
    response_times: list[tuple[str, float]] = field(default_factory=list)  # action, seconds
    timestamps: int = 0
    bad_timestamps: int = 0


class Inspection:
    """The frames of one connection."""

    def __init__(self, identity: str, observations: Observations, oracle: Oracle | None) -> None:
        self._identity = identity
        self._seen = observations
        self._oracle = oracle
        self._asked: dict[str, str] = {}  # our CALLs without an answer
        self._their_ids: set[str] = set()
        self._their_open: str | None = None

    def sent(self, text: str) -> None:
        """Takes note of what the charge point sends."""
        self._seen.conversation.append(f"{self._identity} > {text}")
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return
        match frame:
            case [2, str() as unique_id, str() as action, *_]:
                self._asked[unique_id] = action
            case [3 | 4, str() as unique_id, *_] if unique_id == self._their_open:
                self._their_open = None

    def received(self, text: str | bytes) -> Frame | None:
        """The frame, when it can be worked with; what is wrong with it is in the observations."""
        if isinstance(text, bytes):
            self._object("a binary frame: OCPP-J is text (J 4.1)")
            text = text.decode(errors="replace")
        self._seen.conversation.append(f"{self._identity} < {text}")
        try:
            frame = json.loads(text)
        except ValueError:
            self._object(f"not JSON: {text[:200]}")
            return None
        match frame:
            case [2, str() as unique_id, str() as action, dict() as payload]:
                self._check_call(unique_id, action, payload)
            case [3, str() as unique_id, dict() as payload]:
                if (asked := self._close(unique_id, text)) is not None:
                    self._check_payload(asked, payload, confirmation=True)
            case [4, str() as unique_id, code, description, details]:
                self._close(unique_id, text)
                self._check_error(code, description, details)
            case [4, *_]:
                self._object(f"a CALLERROR has five elements (J 4.2.3): {text[:200]}")
                return None
            case _:
                self._object(f"no frame of OCPP-J (J 4.2): {text[:200]}")
                return None
        return list(frame)

    def _check_call(self, unique_id: str, action: str, payload: dict[str, Any]) -> None:
        if not 0 < len(unique_id) <= 36:
            self._object(f"{action}: a unique id of {len(unique_id)} characters (J 4.1.4)")
        if unique_id in self._their_ids:
            self._object(f"{action}: the unique id {unique_id} for the second time (J 4.1.4)")
        if self._their_open is not None:
            self._object(f"{action} was sent while a CALL had no answer yet (J 4.1.1)")
        self._their_ids.add(unique_id)
        self._their_open = unique_id
        self._check_payload(action, payload, confirmation=False)

    def _close(self, unique_id: str, text: str) -> str | None:
        asked = self._asked.pop(unique_id, None)
        if asked is None:
            self._object(f"an answer to what was not asked: {text[:200]}")
        return asked

    def _check_error(self, code: object, description: object, details: object) -> None:
        if code not in ERROR_CODES:
            self._object(f"{code!r} is no error code of the specification (J 4.2.3)")
        if not isinstance(description, str) or len(description) > 255:
            self._object(f"errorDescription must be a text of at most 255 characters, not {description!r}")
        if not isinstance(details, dict):
            self._object(f"errorDetails must be an object, not {details!r}")

    def _check_payload(self, action: str, payload: dict[str, Any], *, confirmation: bool) -> None:
        name = f"{action}.{'conf' if confirmation else 'req'}"
        for field_name, value in _times_to_inspect(payload):
            self._seen.timestamps += 1
            if not is_time_by_condition(value):
                self._seen.bad_timestamps += 1
                self._object(f"{name}: {field_name} {value!r} is not UTC with milliseconds and Z (C 3.14)")
        if self._oracle is not None:
            self._seen.violations += self._oracle(action, payload, confirmation)

    def _object(self, text: str) -> None:
        self._seen.violations.append(text)


def _times_to_inspect(payload: object) -> list[tuple[str, object]]:
    match payload:
        case dict():
            own = [(name, value) for name, value in payload.items() if name in _TIMES]
            return own + [found for value in payload.values() for found in _times_to_inspect(value)]
        case list():
            return [found for part in payload for found in _times_to_inspect(part)]
    return []
