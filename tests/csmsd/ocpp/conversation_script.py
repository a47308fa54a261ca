"""One connection's rules (J 4.1), as scripts of what goes in and what comes out.

A script has a line per step:

    < TEXT              the charge point sends TEXT            = REQUEST …    what `receive`, `expire` or `close` said
    > TEXT              TEXT is the next thing we send         wait SECONDS   time passes
    ask ACTION PAYLOAD  the operator wants a CALL              answer ID PAYLOAD, refuse ID CODE [again]: our handlers
    hold, release, close

Whatever is sent or said must stand in the script, at its place.
"""

import json

from csmsd.ocpp.conversation import (
    Answered,
    Conversation,
    Event,
    OutgoingCall,
    QueueFull,
    Refused,
    Requested,
)
from csmsd.ocpp.errors import ErrorCode, OcppError

TIMEOUT = 30_000


class Play:
    """A conversation and what it has done so far that the script has not mentioned yet."""

    def __init__(self, *, max_queue: int = 32, holding: bool = False) -> None:
        self.conversation = Conversation(max_queue=max_queue, holding=holding)
        self.now = 1_000_000.0
        self.sent: list[str] = []
        self.said: list[str] = []

    def perform(self, script: str) -> None:
        for line in filter(None, map(str.strip, script.splitlines())):
            verb, _, rest = line.partition(" ")
            rest = rest.strip()
            if verb == ">":
                assert self.sent, f"nothing was sent, but the script says: {line}"
                assert self.sent.pop(0) == rest
            elif verb == "=":
                assert self.said, f"nothing was said, but the script says: {line}"
                assert self.said.pop(0) == rest
            else:
                self.nothing_is_left(line)
                self.do(verb, rest)
                self.sent += [text.decode() for text in self.conversation.data_to_send()]
        self.nothing_is_left("the end")

    def nothing_is_left(self, place: str) -> None:
        assert (self.sent, self.said) == ([], []), f"before: {place}"

    def do(self, verb: str, rest: str) -> None:
        first, _, second = rest.partition(" ")
        if verb == "<":
            self.said.append(told(self.conversation.receive(rest, self.now)))
            while (further := self.conversation.receive_rest(self.now)) is not None:
                self.said.append(told(further))
        elif verb == "ask":
            try:
                self.conversation.call(first, second.encode(), first, timeout=TIMEOUT, now=self.now)
            except QueueFull:
                self.said.append("queue full")
        elif verb == "answer":
            payload, _, forget = second.partition(" ")
            self.conversation.answer(json.loads(first), payload.encode(), remember=not forget)
        elif verb == "refuse":
            code, _, again = second.partition(" ")
            self.conversation.refuse(json.loads(first), refusal(code), remember=not again)
        elif verb == "wait":
            self.now += float(rest) * 1000
            self.said += [ended(call) for call in self.conversation.expire(self.now)]
        elif verb == "close":
            self.said += [ended(call) for call in self.conversation.close()]
        elif verb == "hold":
            self.conversation.hold()
        elif verb == "release":
            self.conversation.release(self.now)
        else:
            raise ValueError(verb)


def refusal(code: str) -> OcppError:
    known: dict[str, ErrorCode] = {"InternalError": "InternalError", "NotSupported": "NotSupported"}
    return OcppError(known[code], "no")


def told(event: Event) -> str:
    if isinstance(event, Requested):
        reused = " reused" if event.reused_unique_id else ""
        mends = f" with {', '.join(event.damage.mends)}" if event.damage is not None else ""
        return f"request {json.dumps(event.unique_id)} {event.action} {bytes(event.payload).decode()}{reused}{mends}"
    if isinstance(event, Answered):
        return f"answered {event.call.token} {bytes(event.payload).decode()}"
    if isinstance(event, Refused):
        return f"refused {event.call.token} {event.code} {event.description}".strip()
    return f"odd {event.oddity}" + (" hopeless" if event.hopeless else "")


def ended(call: OutgoingCall) -> str:
    return f"{call.token} {'was sent' if call.sent_at is not None else 'was never sent'}"
