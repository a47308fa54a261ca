"""What a slice is made of: one action of OCPP, with its messages, its rules and its operator command.

A slice is a module in one of the rooms. It declares `INCOMING` when charge points send the action, `OUTGOING` when
we send it, and a subclass of `Operation` for the command that operators type. Nothing else has to be told of it:
the registry (`csmsd/profiles/__init__.py`) finds the modules, the daemon dispatches by them, and `csmsctl` builds its
command, options and help from the operation's fields.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from csmsd.ocpp.errors import ErrorCode
from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.types import Message
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.firmware_management.hosting import Protocol
from csmsd.profiles.record import Change, Data, Event, EventType, Milliseconds, Record
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.site import Site

Req = TypeVar("Req", bound=Message)
Conf = TypeVar("Conf", bound=Message)


class Reply(msgspec.Struct, Generic[Conf]):
    """A handler's answer: the confirmation, what must be on disk before it leaves, and what to tell watchers.

    With `later` an executable is asked first, and the reply that its output makes is given instead of this one.
    """

    confirmation: Conf
    changes: list[Change] = []
    events: list[Event] = []
    later: "Ask[Conf] | None" = None


class Ask(msgspec.Struct, Generic[Conf]):
    """A question that an executable answers; `conclude` is given its output, or a text that says why there is none."""

    executable: str
    question: bytes
    conclude: Callable[[bytes | str], Reply[Conf]]


class Prepared(msgspec.Struct, frozen=True):
    """What was worked out of a long request in turns, so that handling it takes no longer than others.

    Where there is no `message`, `unreadable` says why. `worked_out` is the slice's own: it uses it where all that it
    came from is as it was.
    """

    message: Message | None
    deviations: list[Deviation] = []
    worked_out: object = None
    unreadable: tuple[ErrorCode, str] | None = None  # no exception, which would hold on to all that was read


class Context(msgspec.Struct):
    """What a handler is given besides the request: the site's state, who asks, and when (ms since 1970 UTC)."""

    site: Site
    charge_point: ChargePointState
    now: Milliseconds
    deviations: list[Deviation] = []
    prepared: Prepared | None = None

    def note(self, field: str, kind: str) -> None:
        """Counts a deviation that only the handler can see."""
        self.deviations.append(Deviation(field, kind, "PropertyConstraintViolation"))


class Incoming(msgspec.Struct, Generic[Req, Conf]):
    """An action that charge points initiate.

    `unreadable`, where given, confirms a request that cannot be read and keeps it (C 4.7, 4.10: a sanity check never
    suppresses the confirmation); without it such a request gets a CALLERROR. `kept_when_refused` has what got a
    CALLERROR kept for the operator: the charge point drops it after some attempts. One with `prepare` may be not only
    as long as others (`answering.LONGEST`), but as long as any message: it works out of the message what takes long,
    changes nothing, and yields now and then, so that others have their turns; what it yields is stored at once,
    whatever comes of the rest. `before_accepted` marks what is taken from a charge point that was never accepted
    (JE 3.8): its boot, and security events (A04.FR.03).
    """

    request: type[Req]
    confirmation: type[Conf]
    handle: Callable[[Req, Context], Reply[Conf]]
    unreadable: Callable[[object, Context], Reply[Conf]] | None = None
    kept_when_refused: bool = False
    before_accepted: bool = False
    writes: bool = True
    prepare: Callable[[Req, Context], Generator[Sequence[Change], None, object]] | None = None

    @property
    def action(self) -> str:
        return action_of(self.request)


class Consequence(msgspec.Struct, frozen=True):
    """A rule that follows from what another slice tells: `CONSEQUENCES` of a module holds them.

    It sees an event, whoever brought it about (a charge point, an operator, a clock), and adds what is kept in the same
    commit, and what is told. So a room can build on another one without that one knowing. Memory has what the event
    tells already: the charge point of `charge_point.removed` is not there any more.
    """

    event: EventType
    follow: Callable[[Event, Site, Milliseconds], tuple[list[Change], list[Event]]]


class Target(msgspec.Struct):
    """What an operation may look at: the site, the charge point it is for, and the time (ms since 1970 UTC).

    `task` is the number under which the request is sent; None before that is decided. `rollout` is the number of the
    rollout that it is a part of.
    """

    site: Site
    charge_point: ChargePointState
    now: Milliseconds
    task: int | None = None
    rollout: int | None = None


class Outgoing(msgspec.Struct, Generic[Req, Conf]):
    """An action that we initiate.

    `accepted` holds the statuses that mean yes (empty: any confirmation does). `check` says why the specification
    or what is known of the charge point speaks against sending it, or raises CannotSend (no charge point takes
    that) or NotThere (it is not known here); operators override it with `--force`. `forbids` says of a payload, raw
    or not, why it never leaves, whatever is forced, but in a command that keeps both ends alike. `settle` turns a
    confirmation into what is to be kept and told; `intend` does so before the request is sent, in the commit of its
    task, and `unconfirmed` when there is no confirmation, given the task's outcome. What is intended never leaves
    unrecorded: that is all requests, or those of which `intends` says it, raw ones too where they can be read. `why`
    says what is known here that explains a confirmation: why it was refused, with what helps, or why what was
    accepted has no effect yet.
    `needs` names the file host of ours that the request sends the charge point to. `numbered` names the field that
    is the number of the task where it is 0: the charge point reports under it. `restart_seconds` is for how long,
    at most, a charge point that accepted it is away: no queued command is sent before it is back.
    """

    request: type[Req]
    confirmation: type[Conf]
    accepted: frozenset[str] = frozenset({"Accepted"})
    check: Callable[[Req, Target], str | None] | None = None
    forbids: Callable[[Data, Target], str | None] | None = None
    settle: Callable[[Req, Conf, Target], tuple[list[Change], list[Event]]] | None = None
    intend: Callable[[Req, Target], tuple[list[Change], list[Event]]] | None = None
    intends: Callable[[Req, Target], bool] | None = None
    unconfirmed: Callable[[Req, str, Target], tuple[list[Change], list[Event]]] | None = None
    why: Callable[[Req, Conf, Target], str | None] | None = None
    needs: Callable[[Req, Target], Protocol | None] | None = None
    restart_seconds: int = 0
    also_accepted: frozenset[str] = frozenset()  # what the text says where its enumeration says otherwise
    numbered: str | None = None

    @property
    def action(self) -> str:
        return action_of(self.request)


def action_of(request: type[Message]) -> str:
    """The action's name on the wire: the class name of its request without `Req`."""
    return request.__name__.removesuffix("Req")


class Sent(msgspec.Struct, Generic[Req]):
    """A request that was sent to a charge point: when (ms since 1970 UTC), and what it answered, if it has a status."""

    request: Req
    at: Milliseconds
    status: str | None
    target: Target


class Observation(msgspec.Struct):
    """What is seen of an effect: `state` is a word for what is so now.

    `failed` says why it will not come to it any more; `silent`: nobody can know, for nothing was heard for too long.
    `open_ended`: it may take as long as it takes, what it waits for is known. `facts` and `record` tell more.
    """

    state: str
    reached: bool = False
    failed: str | None = None
    silent: bool = False
    open_ended: bool = False
    facts: Data = {}
    record: Record | None = None


class Effect(msgspec.Struct, frozen=True):
    """What can be observed after a command was answered, so that an operator can wait for it (`--wait=STATE`).

    `look` sees in the site's state whether it is so; `events` are when to look again. It is waited for `patience`
    seconds unless the operator says otherwise; None: until it has ended in one way or the other.
    """

    state: str
    look: Callable[[Sent[Any]], Observation]
    events: tuple[EventType, ...]
    patience: int | None = 60


# An operation is a generator: it yields requests and is sent each one's confirmation (None: there was none).
Steps = Generator[Message, Any, None]


class Operation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An operator command. Its fields are the parameters, their `Meta` the limits and the help.

    The docstring is the command's help, its first line the summary. `Meta(extra={"metavar": …})` names the value in
    the help, `Meta(examples=[…])` feeds completion.
    """

    command: ClassVar[str]
    example: ClassVar[str]
    # What to ask before several charge points are told to do it; {targets} are they.
    question: ClassVar[str | None] = None
    # What of it nobody in between may read or change: asked before, where a charge point is connected without TLS.
    exposed: ClassVar[str | None] = None
    target_optional: ClassVar[bool] = False
    reception: ClassVar[bool] = False  # whether a reception may give it; the others are for those who may do everything
    effects: ClassVar[tuple[Effect, ...]] = ()  # what can be waited for after the answer, the usual one first

    def steps(self, target: Target) -> Steps:
        """Yields what to send to the charge point. Raises CannotSend or NotThere before anything is sent."""
        raise CannotSend(f"{self.command} sends nothing")

    def effect(self, state: str | None) -> Effect:
        """The effect of that name, or the usual one. Raises CannotSend when there is none such."""
        found = [effect for effect in self.effects if state in (None, effect.state)]
        if not found:
            offered = " or ".join(effect.state for effect in self.effects)
            raise CannotSend(f"{self.command} can wait for {offered or 'nothing'}, not for {state}.")
        return found[0]

    @classmethod
    def asks(cls, given: Mapping[str, object]) -> str | None:
        """The question, for these parameters (or this payload, whose names may be others)."""
        return cls.question

    def implied_target(self, site: Site) -> str:
        """The identity meant when no target is given (only for `target_optional`)."""
        raise CannotSend("Name the charge point.")
