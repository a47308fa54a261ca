"""What the steps work with: the charge point through csmsd, everything that it says meanwhile, and the operator."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.person import Person
from csmsctl.failure import UNREACHABLE, Failure
from csmsctl.invocation import Invocation
from csmsctl.link.client import Client, Result
from csmsctl.records.addresses import connection_urls
from csmsctl.records.configurations import (
    Key,
    Report,
    ask_configuration,
    operation_on_charge_point,
    remembered_configuration,
)

T = TypeVar("T")
_MOST_FRAMES = 60  # of a step that are kept for the report


@dataclass(frozen=True)
class Message:
    """A CALL of the charge point, and when it came (RFC 3339)."""

    payload: dict[str, Any]
    time: str


class Visit:
    """One test of one charge point. What it creates there is taken away again by `leave`."""

    def __init__(
        self,
        run: Invocation,
        charge_point: str,
        *,
        connector: int,
        tag: str | None,
        charge: float,
        person: Person | None,
    ) -> None:
        self.charge_point = charge_point
        self.connector = connector
        self.charge = charge  # seconds
        self.person = person
        self.timeout = run.options.timeout
        self.seen: list[str] = []
        self.conversation: list[str] = []
        self.left_behind: list[str] = []
        self._run = run
        self._tag = tag
        self._undo: dict[str, Callable[[], object]] = {}
        self._undo_at_the_end: dict[str, Callable[[], object]] = {}
        self._configuration: Report | None = None
        self._client = Client(run.options.socket, run.options.timeout, trace=run.output.detail)
        self._client.call("log.subscribe", {"targets": [charge_point]})
        self._client.call("event.subscribe", {"targets": [charge_point]})

    # --- what csmsd knows

    def call(self, method: str, **params: Any) -> Result:
        """A method of csmsd."""
        return self._client.call(method, params)

    def record(self) -> Result:
        """The charge point, with its configuration and its deviations."""
        return self.call("charge_point.show", id=self.charge_point)

    def url(self) -> str:
        """What to type into the charge point."""
        return connection_urls(self._run, self.charge_point, self.record()["security_profile"])[0]

    def running(self) -> list[int]:
        """The ids of the transactions that run there."""
        return [known["transaction"] for known in self.record()["connectors"] if known["transaction"] is not None]

    def ask_configuration(self) -> int:
        """Asks for all keys; how many it named. Raises Failed."""
        report, failed = ask_configuration(self._client, self.charge_point, None)
        if failed is not None or not report.keys:
            raise Failed(said_on_visit(failed) if failed is not None else "it names no key at all")
        self._configuration = report
        return len(report.keys)

    def configuration(self) -> Mapping[str, Key]:
        """The keys by their folded names; what was reported last where it could not be asked."""
        if self._configuration is None:
            try:
                self.ask_configuration()
            except Failed:
                self._configuration, _ = remembered_configuration(self._client, self.charge_point)
        assert self._configuration is not None
        return self._configuration.keys

    def value(self, key: str) -> str | None:
        """The value of a configuration key; None where it is not reported."""
        found = self.configuration().get(key.casefold())
        return None if found is None else found.value or ""

    def number(self, key: str, default: int) -> int:
        """The value of a configuration key that is a number."""
        try:
            return int(self.value(key) or default)
        except ValueError:
            return default

    def words(self, key: str) -> list[str]:
        """The parts of a configuration key that is a list."""
        return [word.strip() for word in (self.value(key) or "").split(",") if word.strip()]

    def supports(self, profile: str) -> bool:
        """Whether it says that it has a feature profile; one that says nothing of it at all may have any."""
        known = [word.casefold() for word in self.words("SupportedFeatureProfiles")]
        return not known or profile.casefold() in known

    def here(self, payload: dict[str, Any]) -> bool:
        """Whether a message is about the connector of the test. Some write numbers as text; csmsd bears with it."""
        return str(payload.get("connectorId")) == str(self.connector)

    # --- what the charge point is asked

    def operation(self, command: str, **parameters: Any) -> list[Result]:
        """The results of an operation."""
        return operation_on_charge_point(self._client, self.charge_point, command, **parameters)

    def accepted(
        self, command: str, advice: str | None = None, *, creates: str | None = None, **parameters: Any
    ) -> Result:
        """The one result of an operation that must be accepted. Raises Failed.

        With `creates`, what was announced `afterwards` is forgotten when it was refused beyond doubt.
        """
        [result] = self.operation(command, **parameters)
        if result["outcome"] != "accepted":
            if creates is not None and result["outcome"] not in ("timeout", "unknown"):
                self.done(creates)
            raise Failed(said_on_visit(result), advice)
        return result

    # --- what it says

    def forget(self) -> None:
        """What was said up to now does not count."""
        while self._next(0) is not None:
            pass

    def pause(self, seconds: float) -> None:
        """Lets time pass, and listens."""
        deadline = monotonic() + seconds
        while self._next(deadline - monotonic()) is not None:
            pass

    def message(
        self,
        action: str,
        *,
        seconds: float | None = None,
        fits: Callable[[dict[str, Any]], bool] = lambda _: True,
        advice: str | None = None,
    ) -> Message:
        """The next CALL of that action. Raises Failed when none comes in time (the global time limit)."""

        def pick(notification: Result) -> Message | None:
            message = notification["params"]
            if notification["method"] != "message" or message["direction"] != "in":
                return None
            try:
                frame = json.loads(message["text"])
                found = frame[0] == 2 and frame[2] == action and isinstance(frame[3], dict) and fits(frame[3])
            except (ValueError, LookupError, TypeError):
                return None
            return Message(frame[3], message["time"]) if found else None

        return self._wait(pick, action, seconds, advice)

    def event(
        self,
        *types: str,
        seconds: float | None = None,
        fits: Callable[[Result], bool] = lambda _: True,
        advice: str | None = None,
    ) -> Result:
        """The next event of these types whose data fits. Raises Failed when none comes in time."""

        def pick(notification: Result) -> Result | None:
            event: Result = notification["params"]
            found = notification["method"] == "event" and event["type"] in types and fits(event["data"])
            return event if found else None

        return self._wait(pick, " or ".join(types), seconds, advice)

    def _wait(self, pick: Callable[[Result], T | None], what: str, seconds: float | None, advice: str | None) -> T:
        limit = self.timeout if seconds is None else seconds
        deadline = monotonic() + limit
        while (notification := self._next(deadline - monotonic())) is not None:
            picked = pick(notification)
            if picked is not None:
                return picked
        raise Failed(f"no {what} within {limit:g} s", advice)

    def _next(self, seconds: float) -> Result | None:
        notification = self._client.next_notification(max(0.0, seconds))
        if notification is None:
            return None
        if notification["method"] == "lagged":
            raise Failure(UNREACHABLE, "csmsd cut this off: it was not read fast enough.", "Repeat the test.")
        if notification["method"] == "message":
            message = notification["params"]
            arrow = "→" if message["direction"] == "out" else "←"
            self.conversation = [*self.conversation[-_MOST_FRAMES:], f"{message['time']} {arrow} {message['text']}"]
        return notification

    # --- what people are told and asked

    def saw(self, text: str) -> None:
        """Something for the report."""
        self.seen.append(text)

    def tell(self, text: str) -> None:
        """Something that people should know while they wait."""
        self._run.output.note(text)

    def do(self, text: str) -> None:
        """Something that a person has to do first. Raises Skipped where there is none."""
        if self.person is None:
            raise Skipped("it needs a person at the charge point: leave out --suite")
        self.person.do(text)

    def id_tag(self) -> str:
        """The idTag to start and to reserve with; a new one for this test when the operator named none."""
        if self._tag is None:
            self._tag = f"TEST-{secrets.token_hex(4).upper()}"
            self.call("tag.add", id=self._tag, note=f"for the test of {self.charge_point}")
            self.afterwards(f"idTag {self._tag}", lambda: self.call("tag.remove", id=self._tag), at_the_end=True)
        return self._tag

    # --- leaving nothing behind

    def afterwards(self, what: str, undo: Callable[[], object], *, at_the_end: bool = False) -> None:
        """Something that was created, and how to take it away: after the step, or at the end of the visit."""
        (self._undo_at_the_end if at_the_end else self._undo)[what] = undo

    def done(self, what: str) -> None:
        """It is gone."""
        self._undo.pop(what, None)

    def undo(self, what: str) -> None:
        """Takes it away now. Raises Failed when that does not work; it is tried again after the step."""
        self._undo[what]()
        self.done(what)

    def tidy(self) -> None:
        """Takes away what a step left, the newest first; `left_behind` names what could not be."""
        self._tidy(self._undo)

    def leave(self) -> None:
        """The end of the visit."""
        try:
            self._tidy(self._undo)
            self._tidy(self._undo_at_the_end)
        finally:
            self._client.close()

    def _tidy(self, undo: dict[str, Callable[[], object]]) -> None:
        while undo:
            what, take_away = next(reversed(undo.items()))
            try:
                take_away()
            except (Failed, Failure) as error:
                self.left_behind.append(f"{what}: {error}")
            undo.pop(what, None)  # only now: Ctrl-C meanwhile leaves it for the end of the visit


def said_on_visit(result: Result) -> str:
    """An answer, or why there was none, in a few words: `Reset: Rejected`."""
    word = result.get("status") if result["outcome"] == "rejected" else str(result["outcome"]).replace("_", " ")
    parts = [str(part) for part in (word, result.get("error")) if part]
    return f"{result.get('action') or 'not sent'}: {', '.join(parts)}"
