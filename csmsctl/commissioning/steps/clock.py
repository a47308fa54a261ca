"""Its clock: judged by messages that carry the present, never by what may be old."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Message, Visit
from csmsd.ocpp.timestamps import parse_timestamp

STEPS = Steps()

_TOLERANCE_S = 10
_LOOKED_THROUGH = 500  # messages in the log, for a status that had just changed
_SPAN_S = 60  # of a composite schedule


class Told(NamedTuple):
    """A time of the charge point, ours when it came, and what it stood in. `present`: it can only mean now."""

    text: str
    came_at: str
    source: str
    present: bool

    @property
    def skew_s(self) -> float | None:
        """How far it is ahead, in seconds; None where it is no time."""
        time, received = parse_timestamp(self.text), parse_timestamp(self.came_at)
        return None if time is None or received is None else (time - received) / 1000


@STEPS.step("clock", "Has the right time", quick=True)
def clock_step(visit: Visit) -> None:
    """C 4.2, 4.6: the charge point takes the time from us, so it is given it first. Transactions are booked with it.

    One time that is right will do: what else it sends may be from a backlog, or since when a status has been so.
    """
    _synchronise_clock(visit)
    wrong: list[tuple[float, Told]] = []
    for told in _times_of_clock(visit):
        skew = told.skew_s
        if skew is None:
            raise Failed(
                f"{told.text!r} is no time (C 3.14)", "Tell its vendor; csms books such messages when they come."
            )
        if abs(skew) <= _TOLERANCE_S:
            visit.saw(f"its clock is within {max(1, round(abs(skew)))} s of ours, by {told.source}")
            return
        if told.present or skew > 0:  # nothing comes from the future
            wrong.append((skew, told))
    if not wrong:
        raise Skipped("no message has told what time it is there")
    skew, told = min(wrong, key=lambda found: abs(found[0]))
    raise Failed(
        f"its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}: "
        f"it says {told.text} at {told.came_at}, in {told.source}",
        "It should set its clock by BootNotification and Heartbeat (C 4.2, 4.6). A whole number of hours is a time "
        f"zone; where its times name none: csmsctl cp set {visit.charge_point} --time-zone ZONE",
    )


def _synchronise_clock(visit: Visit) -> None:
    """A Heartbeat brings our time along (C 4.6); one that cannot be asked for it has it from its boot."""
    if not visit.supports("RemoteTrigger"):
        return
    [result] = visit.operation("trigger-message", message="Heartbeat")
    if result["outcome"] == "accepted":
        try:
            visit.message("Heartbeat")
        except Failed:
            return  # the step on triggers tells of it


def _times_of_clock(visit: Visit) -> Iterator[Told]:
    """The best evidence first; nothing is asked for that is not needed."""
    status = _status_for_clock_step(visit)
    for action in ("MeterValues", "StatusNotification") if visit.supports("RemoteTrigger") else ():
        visit.forget()
        [result] = visit.operation("trigger-message", message=action, connector=visit.connector)
        if result["outcome"] == "accepted":
            try:
                message = visit.message(action, fits=visit.here)
            except Failed:
                continue
            changed = message.payload.get("status") != status
            yield from _clock_told_in(message, f"a {action} that was asked for", action == "MeterValues" or changed)
    if visit.supports("SmartCharging"):
        [result] = visit.operation("get-composite-schedule", connector=visit.connector, duration=_SPAN_S)
        start = (result["response"] or {}).get("scheduleStart") if result["outcome"] == "accepted" else None
        if isinstance(start, str):
            answered_at = visit.call("task.show", id=result["task"])["settled_at"]
            yield Told(start, answered_at, "its composite schedule", True)
    yield from _clock_changes_in_the_log(visit)


def _status_for_clock_step(visit: Visit) -> str | None:
    """What its connector is known to be; what it says anew about that is since when it has been so."""
    known = visit.record()["connectors"]
    return next((one["status"] for one in known if one["connector"] == visit.connector), None)


def _clock_told_in(message: Message, source: str, present: bool) -> Iterator[Told]:
    """The newest time in a message: a list of meter values may bring older ones along."""
    values: Any = message.payload.get("meterValue")
    holders = values if isinstance(values, list) else [message.payload]
    texts = [holder["timestamp"] for holder in holders if isinstance(holder, dict) and "timestamp" in holder]
    texts = [text for text in texts if isinstance(text, str)]
    if texts:
        yield Told(max(texts, key=lambda text: parse_timestamp(text) or 0), message.time, source, present)


def _clock_changes_in_the_log(visit: Visit) -> Iterator[Told]:
    """The newest status that was another than the one before: it is told when it happens."""
    import json

    messages = visit.call("log.list", targets=[visit.charge_point], limit=_LOOKED_THROUGH)["messages"]
    before: dict[object, object] = {}
    changed: Message | None = None
    for message in messages:
        try:
            frame = json.loads(message["text"])
            if message["direction"] != "in" or frame[0] != 2:
                continue
            if frame[2] == "BootNotification":
                before, changed = {}, None  # what its clock was before is of no interest
            elif frame[2] == "StatusNotification":
                connector, status = frame[3].get("connectorId"), frame[3].get("status")
                if before.get(connector, status) != status:
                    changed = Message(frame[3], message["time"])
                before[connector] = status
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    if changed is not None:
        yield from _clock_told_in(changed, "a status that had just changed", True)
