"""What is on the circuits now, as `load status` shows it. Pure."""

from typing import Literal

import msgspec

from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.circuits import SUM, UNLIMITED, Lanes, Member
from csmsd.profiles.load_management.holds import NEVER, Hold
from csmsd.profiles.load_management.load import LoadManagement
from csmsd.profiles.load_management.manners import lowest_limit_of
from csmsd.profiles.load_management.observation import currents_of_member, metered_on_member
from csmsd.profiles.load_management.waiting_cars import car_is_plugged_in, running_on_member
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

Arrival = Literal["plugged_in", "expected"]
Standing = Literal["unmanaged", "away", "idle", "waiting", "charging"]
PHASES_AND_POWER = ("L1", "L2", "L3", "W")
_CURRENT = "Current.Import"


class LineLoad(msgspec.Struct, frozen=True, kw_only=True):
    """A phase of a circuit in A, or all of it in W: `given` is the most that its members may draw now."""

    circuit: str
    phase: str
    limit: float
    other: float
    given: float
    drawn: float
    stale: bool  # its reading is too old: `other` is the reserve


class MemberLoad(msgspec.Struct, frozen=True, kw_only=True):
    """A member, in A on each phase; `limit` is None where csmsd knows of none that it goes by."""

    circuit: str
    charge_point: str
    connector: int
    state: Standing
    transaction: int | None
    limit: float | None
    most: float
    drawn: float | None
    fallback: float | None
    lease_until: Milliseconds | None
    arrival: Arrival | None  # why an idle one may begin at once: a car is plugged in, or one is expected


Overview = tuple[list[LineLoad], list[MemberLoad]]


def overview_of_load(site: Site, utc_offset_s: int, now: Milliseconds) -> Overview:
    """Lines in the order of circuits, with the phases that have a limit; members in the order of their names."""
    load, voltage = site.smart_charging.load, site.policies.voltage
    tree = load.tree(voltage)
    outside = load.outside(utc_offset_s, now)
    minute = (now + utc_offset_s * 1000) // 60_000 % 1440
    limits = tree.limits(minute, outside.temporary)
    others, stale = tree.others(outside.readings, now)
    given, drawn = [0] * len(limits), [0.0] * len(limits)
    members = []
    for key, member in sorted(load.members.items()):
        state = site.charge_point(member.charge_point)
        if state is None:
            continue
        lanes = load.ledger.most(key, now)[0][1]
        currents = _as_obeyed(_currents_of_member(state, member), state, load.ledger.of(key), member, lanes)
        for index, lane in tree.paths[key]:
            given[index] += lanes[lane]
            drawn[index] += sum(currents.values()) if lane == SUM else currents.get(lane, 0.0)
        members.append(_member_load(state, member, load, currents, now))
    lines = []
    for index, (name, lane) in enumerate(tree.constraints):
        if limits[index] < UNLIMITED:
            lines.append(
                LineLoad(
                    circuit=tree.circuits[name].name,
                    phase=PHASES_AND_POWER[lane],
                    limit=shown_on_lane(limits[index], lane, voltage),
                    other=shown_on_lane(others[index], lane, voltage),
                    given=shown_on_lane(given[index], lane, voltage),
                    drawn=shown_on_lane(drawn[index], lane, voltage),
                    stale=name in stale,
                )
            )
    return lines, members


def shown_on_lane(ma: float, lane: int, voltage: int) -> float:
    """mA as people read them: tenths of an ampere on a phase, whole watts of all together."""
    return round(ma * (voltage / 1000), 0) if lane == SUM else round(ma * (1 / 1000), 1)


def _currents_of_member(state: ChargePointState, member: Member) -> dict[int, float]:
    """What it draws on each grid phase, in mA, as far as it is measured."""
    found = currents_of_member(state, member)
    wiring = member.wiring
    if set(found) == {0} and member.connector and not _is_by_phase(state, member):
        return dict.fromkeys(wiring, float(found[0]))  # told of all phases together
    return {wiring[number]: float(ma) for number, ma in found.items() if number < len(wiring)}


def _as_obeyed(
    currents: dict[int, float], state: ChargePointState, holds: list[Hold], member: Member, lanes: Lanes
) -> dict[int, float]:
    """What was measured before it accepted its limit says nothing of now: it draws no more than it may."""
    accepted = max((hold.accepted_at or 0 for hold in holds), default=0)
    measured = max((state.samples[number].received_at for number in metered_on_member(state, member)), default=0)
    if measured >= accepted:
        return currents
    return {phase: min(ma, lanes[phase]) for phase, ma in currents.items()}


def _is_by_phase(state: ChargePointState, member: Member) -> bool:
    return any(name.startswith(f"{_CURRENT}.L") for name in state.samples_on(member.connector))


def _member_load(
    state: ChargePointState, member: Member, load: LoadManagement, currents: dict[int, float], now: Milliseconds
) -> MemberLoad:
    key, ledger = member.place, load.ledger
    running = running_on_member(state, member)
    number = None if running is None else running.id
    accepted = [
        hold
        for hold in ledger.of(key)
        if hold.accepted_at is not None
        and hold.slot in ("default", "transaction")
        and hold.transaction in (None, number)
    ]
    leading = max(accepted, key=lambda hold: (hold.slot == "transaction", hold.serial), default=None)
    doubted = ledger.in_doubt(key) or leading is None
    limit = None if doubted or leading is None else leading.at(now) / 1000
    standing: Standing = "charging" if number is not None else "idle"
    if doubted:
        standing = "unmanaged"
    elif not state.connected:
        standing = "away"
    elif number is not None and not limit:
        standing = "waiting"
    return MemberLoad(
        circuit=member.circuit,
        charge_point=member.charge_point,
        connector=member.connector,
        state=standing,
        transaction=number,
        limit=limit,
        most=max(ledger.most(key, now)[0][1][:SUM]) / 1000,
        drawn=round(max(currents.values()) / 1000, 1) if currents else None,
        fallback=None if leading is None else leading.fallback_ma / 1000,
        lease_until=None if leading is None or leading.latest == NEVER else leading.earliest,
        arrival=_arrival(state, member, leading, load, now) if standing == "idle" and leading is not None else None,
    )


def _arrival(
    state: ChargePointState, member: Member, leading: Hold, load: LoadManagement, now: Milliseconds
) -> Arrival | None:
    """Whether it is lent more than nothing, and for whom."""
    floor_ma = lowest_limit_of(load.manner(state.id), load.as_it_turned_out(member))
    if leading.ma <= floor_ma or now >= leading.earliest:
        return None
    return "plugged_in" if car_is_plugged_in(state, member) else "expected"
