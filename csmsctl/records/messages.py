"""OCPP messages of the log: which of them are meant, and how people read them."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from csmsctl.display.table import Record
from csmsctl.display.value_texts import plain_text

_MOST_OPEN = 10_000  # CALLs whose answers are waited for
_MOST_CALLED = 50_000  # CALLs after one whose answer may still come


class _Frame(NamedTuple):
    """What a message is: type (2 CALL, 3 CALLRESULT, 4 CALLERROR; J 4.1.3), unique id, and the rest."""

    kind: int
    unique_id: str
    rest: list[Any]


def _message_frame(message: Record) -> _Frame | None:
    try:
        kind, unique_id, *rest = json.loads(message.get("text") or "")
    except (ValueError, TypeError, RecursionError):
        return None
    if (
        kind not in (2, 3, 4)
        or not isinstance(unique_id, str)
        or (kind == 2 and not (rest and isinstance(rest[0], str)))
    ):
        return None
    return _Frame(kind, unique_id, rest)


def _call_of_message(message: Record, frame: _Frame) -> tuple[str, bool, str]:
    """The key of the CALL that it is, or answers: its charge point, whether it came from there, its unique id."""
    inward = message.get("direction") == "in"
    return str(message.get("charge_point")), inward == (frame.kind == 2), frame.unique_id


class Sieve:
    """Lets pass what is wanted: CALLs of an action with their answers, a direction, a text that matches."""

    def __init__(self, *, action: str | None, grep: re.Pattern[str] | None, direction: str | None) -> None:
        self._action = action.casefold() if action else None
        self._grep = grep
        self._direction = direction
        self._open: dict[tuple[str, bool, str], None] = {}
        self._answers: dict[tuple[str, bool, str], Record] = {}
        self._unanswered: dict[tuple[str, bool, str], None] = {}  # on all pages so far
        self._called: set[tuple[str, bool, str]] = set()

    @property
    def lets_all_pass(self) -> bool:
        return self._action is None and self._grep is None and self._direction is None

    def passes(self, message: Record) -> bool:
        """Whether it is wanted; messages come in the order of time."""
        wanted = True
        if self._action is not None:
            frame = _message_frame(message)
            wanted = frame is not None and self._is_of_the_action(message, frame)
        return wanted and self._is_wanted(message)

    def older(self, page: list[Record]) -> list[Record]:
        """Those of a page that are wanted, with answers to them that came on a page before: pages get older."""
        called: set[tuple[str, bool, str]] = set()
        unknown: dict[tuple[str, bool, str], Record] = {}
        found = []
        for message in page:
            frame = _message_frame(message) if self._action is not None else None
            if frame is not None:
                key = _call_of_message(message, frame)
                if frame.kind == 2:
                    called.add(key)
                elif key not in called:
                    unknown.setdefault(key, message)
            if self.passes(message):
                found.append(message)
        answers = {key: self._answers.pop(key) for key in called if key in self._answers}
        late = [answers[key] for key in self._open if key in answers]
        if len(self._called) < _MOST_CALLED:  # a log may have millions
            still = [key for key in self._open if key not in answers and key not in self._called]
            self._unanswered = dict.fromkeys(still) | self._unanswered
            self._called |= called
        self._open = {}
        self._answers = dict(list((self._answers | unknown).items())[-_MOST_OPEN:])
        return found + [message for message in late if self._is_wanted(message)]

    def go_on(self) -> None:
        """What passes from here on came after the newest page."""
        self._open = self._unanswered | self._open

    def _is_of_the_action(self, message: Record, frame: _Frame) -> bool:
        key = _call_of_message(message, frame)
        if frame.kind != 2:
            return key in self._open and self._open.pop(key) is None
        if frame.rest[0].casefold() != self._action:
            self._open.pop(key, None)
            return False
        self._open[key] = None
        if len(self._open) > _MOST_OPEN:
            self._open.pop(next(iter(self._open)))
        return True

    def _is_wanted(self, message: Record) -> bool:
        if self._direction is not None and message.get("direction") != self._direction:
            return False
        return self._grep is None or self._grep.search(str(message.get("text"))) is not None


class Reader:
    """Messages for people, in the order of time: an answer is told with the action that it answers.

    That of one whose CALL was not among them is `only`, where all are of one action; else its id is told.
    """

    def __init__(self, only: str | None = None) -> None:
        self._only = only
        self._actions: dict[tuple[str, bool, str], str] = {}

    def text(self, message: Record) -> str:
        """Action and fields; what is no message of OCPP is as it came."""
        frame = _message_frame(message)
        if frame is None:
            return str(message.get("text"))
        key = _call_of_message(message, frame)
        if frame.kind == 2:
            self._actions[key] = frame.rest[0]
            if len(self._actions) > _MOST_OPEN:
                self._actions.pop(next(iter(self._actions)))
            return _joined_message(frame.rest[0], frame.rest[1:2])
        answered = f"({self._actions.pop(key, self._only or frame.unique_id)})"
        return _joined_message(answered, ["CALLERROR", *frame.rest] if frame.kind == 4 else frame.rest[:1])


def _joined_message(first: str, rest: Iterable[Any]) -> str:
    return "  ".join(part for part in (first, " ".join(map(_payload_in_words, rest)).strip()) if part)


def _payload_in_words(part: Any) -> str:
    if not isinstance(part, dict):
        return plain_text(part)
    return " ".join(f"{key}={_message_value(key, value)}" for key, value in part.items())


def _message_value(key: str, value: Any) -> str:
    """What stands in objects is told in brackets, readings and configuration keys as people write them."""
    match value:
        case [dict(), *_] if all(isinstance(part, dict) for part in value):
            told: Callable[[Record], str] = _MEMBERS.get(key, _payload_in_words)
            return f"[{'; '.join(map(told, value))}]"
        case dict():
            return f"[{_payload_in_words(value)}]"
        case _:
            return plain_text(value)


def _sampled_value(sample: Record) -> str:
    """`Current.Import L1 0.00 A`; what is as the specification has it unless said is not said (C 7.43)."""
    said = {key: sample[key] for key in sample if _UNLESS_SAID.get(key) != sample[key]}
    words = [said.pop("measurand", _UNLESS_SAID["measurand"]), *(said.pop(key, None) for key in _READING)]
    return " ".join([*(plain_text(word) for word in words if word is not None), *_rest_of_message_part(said)])


def _configuration_key(entry: Record) -> str:
    said = dict(entry)
    told = f"{plain_text(said.pop('key', None))}={plain_text(said.pop('value', None))}"
    readonly = ["(read-only)"] if said.pop("readonly", None) is True else []
    return " ".join([told, *readonly, *_rest_of_message_part(said)])


def _rest_of_message_part(said: Record) -> list[str]:
    text = _payload_in_words(said)
    return [text] if text else []


_READING = ("phase", "value", "unit")
_UNLESS_SAID = {
    "measurand": "Energy.Active.Import.Register",
    "context": "Sample.Periodic",
    "format": "Raw",
    "location": "Outlet",
}
_MEMBERS: dict[str, Callable[[Record], str]] = {
    "sampledValue": _sampled_value,
    "configurationKey": _configuration_key,
}
