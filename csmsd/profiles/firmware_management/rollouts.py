"""Rollouts: one image for many charge points, in stages; and the decision what comes next, as a pure function."""

import re
from collections.abc import Iterator
from typing import ClassVar

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.firmware_management.updates import FAILED, FirmwareUpdate
from csmsd.profiles.own_ids import OwnIds
from csmsd.profiles.record import Event, Milliseconds, Record

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)\Z")


class Rollout(Record, kw_only=True):
    """What was ordered, and where it stands."""

    table: ClassVar[str] = "rollout"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    created_at: Milliseconds
    uid: int | None = None
    user: str | None = None
    file: str
    parallel: int = 1
    canary: int = 0
    only_idle: bool = False
    window: str | None = None  # 01:00-05:00 in the local time of the daemon
    max_failures: int = 0
    retries: int | None = None
    protocol: str | None = None
    signing_certificate: str | None = None  # PEM; with `signature` (base64) what is sent is SignedUpdateFirmware
    signature: str | None = None
    state: str = "running"  # running, paused, done, cancelled
    reason: str | None = None
    resumed_at: Milliseconds = 0  # what failed before was seen and accepted
    ended_at: Milliseconds | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "cancelled")


class RolloutMember(Record, kw_only=True):
    """One charge point of a rollout, in the order in which they were named."""

    table: ClassVar[str] = "rollout_member"
    key: ClassVar[tuple[str, ...]] = ("rollout", "charge_point")

    rollout: int
    charge_point: str
    position: int
    state: str = "waiting"  # waiting, updating, done, failed, cancelled
    update_id: int | None = None
    note: str | None = None
    begun_at: Milliseconds | None = None
    ended_at: Milliseconds | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    def take_in(self, update: FirmwareUpdate, now: Milliseconds) -> bool:
        """What came of its update; whether that is news. `Installed` or a boot with the new version is success."""
        if self.state != "updating":
            return False
        if update.state == "installed" or update.confirmed_at is not None:
            self.state, self.note = "done", None
        elif update.state in FAILED or update.state in ("unknown", "superseded"):
            self.state, self.note = "failed", update.error or update.state.replace("_", " ")
        else:
            return False
        self.ended_at = now
        return True


class Rollouts(OwnIds):
    """All that there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self._rollouts: dict[int, Rollout] = {}
        self._members: dict[int, dict[str, RolloutMember]] = {}

    def add(self, rollout: Rollout) -> None:
        self.begin_ids_after(rollout.id)
        self._rollouts[rollout.id] = rollout
        self._members.setdefault(rollout.id, {})

    def add_member(self, member: RolloutMember) -> None:
        self._members.setdefault(member.rollout, {})[fold(member.charge_point)] = member

    def get(self, number: int) -> Rollout | None:
        return self._rollouts.get(number)

    def members(self, number: int) -> list[RolloutMember]:
        return sorted(self._members.get(number, {}).values(), key=lambda member: member.position)

    def end_for(self, identity: str, reason: str, now: Milliseconds) -> list[RolloutMember]:
        """Takes a charge point out of all rollouts that are not over for it; what changed."""
        found = [members[fold(identity)] for members in self._members.values() if fold(identity) in members]
        left = [member for member in found if not member.over]
        for member in left:
            member.state, member.note, member.ended_at = "cancelled", reason, now
        return left

    def busy(self, identity: str) -> Rollout | None:
        """The rollout that a charge point takes part in and that is not over for it."""
        for rollout in self:
            member = self._members[rollout.id].get(fold(identity))
            if not rollout.over and member is not None and not member.over:
                return rollout
        return None

    def __iter__(self) -> Iterator[Rollout]:
        return iter([self._rollouts[number] for number in sorted(self._rollouts)])


def parse_rollout_window(text: str) -> tuple[int, int] | None:
    """`01:00-05:00` as minutes of the day; None when it is none."""
    match = _WINDOW.match(text)
    if match is None:
        return None
    begin_hour, begin_minute, end_hour, end_minute = map(int, match.groups())
    begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    return None if begin == end else (begin, end)


def in_rollout_window(text: str | None, minute: int) -> bool:
    """Whether a minute of the day lies in a window, which may go over midnight."""
    window = parse_rollout_window(text) if text is not None else None
    if window is None:
        return True
    begin, end = window
    return begin <= minute < end if begin < end else minute >= begin or minute < end


class Standing(msgspec.Struct, frozen=True):
    """A member, and what its charge point does now."""

    member: RolloutMember
    connected: bool = True
    idle: bool = True  # no transaction runs
    free: bool = True  # no update of somebody else is under way


class Decision(msgspec.Struct, frozen=True):
    """What comes next: whom to begin with, or what becomes of the rollout; `waits_for` says why nothing happens."""

    begin: tuple[str, ...] = ()
    state: str | None = None
    reason: str | None = None
    waits_for: str | None = None


def decide_rollout(rollout: Rollout, standings: list[Standing], minute: int) -> Decision:
    """Canaries first, and all of them well, before anybody else; never more at once than allowed."""
    if rollout.state != "running":
        return Decision()
    members = [standing.member for standing in standings]
    canaries = members[: rollout.canary]
    failures = [
        member for member in members if member.state == "failed" and (member.ended_at or 0) > rollout.resumed_at
    ]
    # A canary that was removed proves as little as one that failed.
    lost = [member for member in canaries if member.state in ("failed", "cancelled")]
    lost = [member for member in lost if (member.ended_at or 0) > rollout.resumed_at]
    if lost:
        return Decision(state="paused", reason="canary " + ", ".join(f"{m.charge_point} {m.state}" for m in lost))
    if len(failures) > rollout.max_failures:
        return Decision(state="paused", reason=f"{len(failures)} failed, at most {rollout.max_failures} may")
    if all(member.over for member in members):
        return Decision(state="done")
    in_canary_stage = not all(member.over for member in canaries)
    stage = standings[: rollout.canary] if in_canary_stage else standings
    waiting = [standing for standing in stage if standing.member.state == "waiting"]
    if not waiting:
        return Decision(waits_for="the canaries" if in_canary_stage else None)
    if not in_rollout_window(rollout.window, minute):
        return Decision(waits_for=f"the window {rollout.window}")
    slots = rollout.parallel - sum(member.state == "updating" for member in members)
    if slots <= 0:
        return Decision()
    ready = [standing for standing in waiting if _ready_for_rollout(standing, rollout)]
    begin = tuple(standing.member.charge_point for standing in ready[:slots])
    return Decision(begin=begin, waits_for=None if begin else _rollout_obstacle(waiting))


def _ready_for_rollout(standing: Standing, rollout: Rollout) -> bool:
    return standing.connected and standing.free and (standing.idle or not rollout.only_idle)


def _rollout_obstacle(waiting: list[Standing]) -> str:
    offline = sum(not standing.connected for standing in waiting)
    if offline == len(waiting):
        return f"{offline} offline"
    return f"{len(waiting) - offline} busy" + (f", {offline} offline" if offline else "")


def rollout_event(rollout: Rollout, member: RolloutMember | None = None) -> Event:
    data: dict[str, object] = {"rollout": rollout.id, "state": rollout.state, "reason": rollout.reason}
    if member is not None:
        data["member"] = member.state
        data["note"] = member.note
    return Event("rollout.changed", member.charge_point if member is not None else None, data)
