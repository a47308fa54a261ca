"""How limits are sent to each charge point: as it says, as its test has shown, and as its answers have taught. Pure."""

from collections.abc import Collection
from typing import Any, ClassVar, Literal, TypeVar

import msgspec

from csmsd.ocpp.types import ChargingProfilePurpose, ChargingRateUnit
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.circuits import Member, Milliamperes
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.record import Milliseconds, Record

_Way = TypeVar("_Way", bound=tuple[Any, Any])
Pause = Literal["zero", "one_ampere", "minimum"]

_PAUSES: tuple[Pause, ...] = ("zero", "one_ampere", "minimum")
_CLOCKS_DIFFER_MS = 5_000  # less is the time that messages take
ANY_TIME_MS = 1_000_000_000_000  # some thirty years
_PROMPT_MS = 60_000  # a start that comes so long after the connection was made is no old one
_REACTION_SPARE_MS = 2_000
_WHOLE_MA, _TENTH_MA = 1_000, 100
_CAR_OBEYS_MS = 5_000  # so long a car may take (IEC 61851-1), whatever the one did that was tested


class LoadManner(Record, kw_only=True):
    """What an operator has said of one charge point, or its answers have taught; None: as usual, or as tested.

    `pause` is the limit under which no car charges that it takes: 0 A, 1 A, or none at all, so that the minimum is the
    lowest. `purpose` is that of the profile by which a transaction that runs is limited: where a TxProfile is refused,
    the profile for all transactions is raised instead. `offer_first`: no transaction begins on it under 0 A.
    `behind_ms` is how far its clock is behind ours by what its statuses tell; less than 0 is ahead.
    """

    table: ClassVar[str] = "load_manner"
    key: ClassVar[tuple[str, ...]] = ("charge_point",)

    charge_point: str
    unit: ChargingRateUnit | None = None
    pause: Pause | None = None
    schedule: Literal["absolute", "relative"] | None = None
    offer_first: bool | None = None
    purpose: ChargingProfilePurpose | None = None
    decimals: bool | None = None  # whether it takes tenths of an ampere
    behind_ms: Milliseconds = 0
    found_by: str = "answers"
    found_at: Milliseconds = 0


class Takes(msgspec.Struct, frozen=True, kw_only=True):
    """How limits are sent to a member. `whole`: one profile for all of the charge point (ChargePointMaxProfile), for
    one that has no room for two. `single`: that, or a TxDefaultProfile, is also the limit of the transaction that runs.
    `relative_to`: schedules are relative to a transaction, which began then, or is still
    to begin (C 7.14); None: they are absolute. A lease ends up to `early_ms` before and `late_ms` after its time; its
    clock may be `behind_ms` behind ours. `reaction_ms` is how long it took to obey when that was tried.
    """

    unit: ChargingRateUnit = "A"
    floor_ma: Milliamperes = 0
    step_ma: Milliamperes = 1_000
    whole: bool = False
    single: bool = False
    relative_to: Milliseconds | None = None
    early_ms: Milliseconds = 10_000
    late_ms: Milliseconds = 10_000
    behind_ms: Milliseconds = 0
    reaction_ms: Milliseconds | None = None
    offer_first: bool = False
    wired: int = 3  # on so many phases
    rating_ma: Milliamperes = 32_000

    def obey_ms(self, usual_ms: Milliseconds) -> Milliseconds:
        """After which it goes by what it has accepted: `usual_ms`, or as tried, and not sooner than any car has to."""
        if self.reaction_ms is None:
            return usual_ms
        return max(self.reaction_ms + _REACTION_SPARE_MS, min(usual_ms, _CAR_OBEYS_MS))

    def least_for_unknown_car(self, minimum_ma: Milliamperes) -> Milliamperes:
        """What a car whose phases are not known needs: of watts it may make use of a third on each."""
        return min(self.rating_ma, self.wired * minimum_ma) if self.unit == "W" else minimum_ma


def takes_of_member(
    member: Member,
    state: ChargePointState,
    manner: LoadManner,
    habits: LimitHabits | None,
    now: Milliseconds,
    undated: Collection[int] = (),
) -> Takes:
    """`member` is as `habits` have shown it to be; of `undated` transactions nobody knows when they began."""
    skew = member.skew_s * 1000
    whole = is_taken_whole(member, state, manner)
    single = whole or manner.purpose == "TxDefaultProfile"
    off = manner.behind_ms if abs(manner.behind_ms) > skew else 0
    offer_first = manner.offer_first
    if offer_first is None:
        offer_first = habits is not None and habits.begins_at_zero is False
    relative_to = None
    if not single and not offer_first and (manner.schedule == "relative" or (manner.schedule is None and off)):
        relative_to = _beginning(member, state, manner.behind_ms, now, undated)
    if relative_to is not None or manner.schedule == "absolute":
        off = 0
    any_time = ANY_TIME_MS if manner.schedule == "relative" and relative_to is None else 0
    return Takes(
        unit=manner.unit or site_limit_unit(state, habits),
        floor_ma=lowest_limit_of(manner, member),
        step_ma=member.step_ma if manner.decimals is None else _TENTH_MA if manner.decimals else _WHOLE_MA,
        whole=whole,
        single=single,
        relative_to=relative_to,
        early_ms=skew + max(any_time, -off),
        late_ms=skew + max(any_time, off),
        behind_ms=max(0, manner.behind_ms),
        reaction_ms=None if habits is None else habits.reaction_ms,
        offer_first=offer_first,
        wired=len(member.wiring),
        rating_ma=member.rating_ma,
    )


def is_taken_whole(member: Member, state: ChargePointState, manner: LoadManner) -> bool:
    """It is one member with all of its connectors, or has one connector and room for one profile (C 9.4.5)."""
    if member.connector == 0:
        return True
    if manner.purpose == "ChargePointMaxProfile":
        return has_one_connector(state)
    return (
        state.configured_number("MaxChargingProfilesInstalled") == 1
        and state.configured_number("NumberOfConnectors") == 1
    )


def has_one_connector(state: ChargePointState) -> bool:
    """As it says, or as far as its statuses tell."""
    told = state.configured_number("NumberOfConnectors")
    return max(state.connectors, default=1) <= 1 if told is None else told == 1


def _is_free(state: ChargePointState, connector: int) -> bool:
    status = state.connectors.get(connector)
    return status is not None and status.status == "Available"


def _beginning(
    member: Member, state: ChargePointState, behind_ms: Milliseconds, now: Milliseconds, undated: Collection[int]
) -> Milliseconds | None:
    """When what a relative schedule is relative to began, or begins at the earliest; None: nobody knows that.

    Where nothing is known to run, something may all the same, unless its connector is free. An absolute schedule by a
    clock that is behind does no worse then: what idle connectors may not draw yet comes later.
    A start that came soon after the connection was made may have waited for it, unless its own clock says otherwise.
    """
    running = state.transactions.active_on(member.connector)
    if running is None:
        return now if _is_free(state, member.connector) and behind_ms <= 0 else None
    if running.id in undated or running.start_received_at > now:
        return None
    came = running.start_received_at
    prompt = state.connected_at is not None and came - state.connected_at >= _PROMPT_MS
    prompt |= behind_ms != 0 and abs(running.start_time + behind_ms - came) <= _CLOCKS_DIFFER_MS
    return came if prompt else None


def site_limit_unit(state: ChargePointState, habits: LimitHabits | None) -> ChargingRateUnit:
    """What it has been found to take; amperes, unless the charge point says that it takes power only (CE 3.86)."""
    if habits is not None and habits.unit is not None:
        return habits.unit
    allowed = state.configured_words("ChargingScheduleAllowedChargingRateUnit")
    return "W" if allowed is not None and "current" not in allowed and "power" in allowed else "A"


def lowest_limit_of(manner: LoadManner, member: Member) -> Milliamperes:
    """The lowest that is sent."""
    if manner.pause is None:
        return member.floor_ma
    return {"zero": 0, "one_ampere": 1_000, "minimum": member.minimum_ma}[manner.pause]


def next_manner(
    manner: LoadManner, state: ChargePointState, habits: LimitHabits | None, now: Milliseconds
) -> LoadManner:
    """What is tried when it refuses what it is sent: each way to pause, and each unit that it does not exclude."""
    ways = [(unit, pause) for unit in _units(state, habits) for pause in _PAUSES]
    at = (manner.unit or site_limit_unit(state, habits), manner.pause or "zero")
    unit, pause = _after(at, ways)
    return msgspec.structs.replace(manner, unit=unit, pause=pause, found_by="answers", found_at=now)


def next_manner_of_transactions(
    manner: LoadManner, state: ChargePointState, habits: LimitHabits | None, refused_ma: Milliamperes, now: Milliseconds
) -> LoadManner:
    """What is tried when it has limits for all transactions, and refuses one for the transaction that runs.

    Whole amperes, where it was sent others; then each profile by which it may be limited, in each unit.
    """
    if refused_ma % _WHOLE_MA and manner.decimals is not False:
        return msgspec.structs.replace(manner, decimals=False, found_by="answers", found_at=now)
    purposes: list[ChargingProfilePurpose] = ["TxProfile", "TxDefaultProfile"]
    if has_one_connector(state):
        purposes.append("ChargePointMaxProfile")
    ways = [(unit, purpose) for unit in _units(state, habits) for purpose in purposes]
    at = (manner.unit or site_limit_unit(state, habits), manner.purpose or "TxProfile")
    unit, purpose = _after(at, ways)
    return msgspec.structs.replace(manner, unit=unit, purpose=purpose, found_by="answers", found_at=now)


def _units(state: ChargePointState, habits: LimitHabits | None) -> list[ChargingRateUnit]:
    """The usual one, and the other where it is not excluded."""
    usual = site_limit_unit(state, habits)
    allowed = state.configured_words("ChargingScheduleAllowedChargingRateUnit")
    return [usual] if allowed else [usual, "W" if usual == "A" else "A"]


def _after(at: _Way, ways: list[_Way]) -> _Way:
    """The next of them, and after the last the first."""
    return ways[(ways.index(at) + 1) % len(ways)] if at in ways else ways[0]


def manner_in_words(manner: LoadManner, member: Member) -> list[str]:
    """What is unusual of it, in sentences."""
    found = []
    if manner.pause == "one_ampere":
        found.append("It refuses a limit of 0 A, and is paused with 1 A.")
    if manner.pause == "minimum":
        found.append(f"It takes no limit that pauses a car: at least {member.minimum_ma / 1000:g} A count for it.")
    if manner.unit == "W":
        found.append("It takes limits in W.")
    if manner.purpose in ("TxDefaultProfile", "ChargePointMaxProfile"):
        found.append(f"It refuses limits for one transaction: it is limited by a {manner.purpose}.")
    if manner.decimals is False:
        found.append("It takes whole amperes.")
    if manner.offer_first:
        found.append("No transaction begins on it under 0 A: a car that is plugged in is offered its minimum first.")
    if manner.schedule == "relative":
        found.append("It goes by schedules that are relative to its transactions.")
    if abs(manner.behind_ms) > member.skew_s * 1000:
        way = "behind" if manner.behind_ms > 0 else "ahead"
        found.append(f"Its clock is {abs(manner.behind_ms) // 1000} s {way}.")
    return found
