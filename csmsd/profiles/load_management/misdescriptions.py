"""What speaks against circuits as they are described, although they can be: also what charge points say. Pure."""

from collections.abc import Iterator

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.core.connectors import missing_connector
from csmsd.profiles.load_management.allocation import Asker, fallbacks_fit
from csmsd.profiles.load_management.circuits import SUM, Circuit, CircuitError, Member, Tree, amperes, phases_of_wiring
from csmsd.profiles.load_management.manners import LoadManner, is_taken_whole
from csmsd.profiles.site import Site

_LANES = ("L1", "L2", "L3")
_STRAIGHT = (0, 1, 2)


class Misdescription(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence about a circuit, or about a connector on one."""

    circuit: str
    text: str
    charge_point: str | None = None
    connector: int | None = None


def misdescriptions_of_site(site: Site) -> Iterator[Misdescription]:
    load = site.smart_charging.load
    tree = load.tree(site.policies.voltage)
    for circuit in tree.circuits.values():
        yield from _of_circuit(circuit, tree)
    yield from _of_fallbacks(tree)
    by_charge_point: dict[str, list[Member]] = {}
    for (identity, _), member in sorted(tree.members.items()):
        by_charge_point.setdefault(identity, []).append(member)
    for members in by_charge_point.values():
        state = site.charge_point(members[0].charge_point)
        if state is not None:
            yield from _of_charge_point(members, state, load.manner(state.id))


def _of_charge_point(members: list[Member], state: ChargePointState, manner: LoadManner) -> Iterator[Misdescription]:
    for member in members:
        texts = [
            *_of_member(member, state, manner),
            *(_of_room(members, state, manner) if member is members[0] else ()),
        ]
        for text in texts:
            yield Misdescription(circuit=member.circuit, text=text, charge_point=state.id, connector=member.connector)


def _of_circuit(circuit: Circuit, tree: Tree) -> Iterator[Misdescription]:
    above = None if circuit.parent is None else tree.circuits.get(fold(circuit.parent))
    if above is None:
        return
    for lane, (own, its) in enumerate(zip(circuit.phases_ma, above.phases_ma, strict=True)):
        if own is not None and its is not None and own > its:
            yield Misdescription(
                circuit=circuit.name,
                text=f"its limit of {amperes(own)} on {_LANES[lane]} is more than {amperes(its)} of {above.name}, "
                "on which it hangs",
            )
            return


def _of_fallbacks(tree: Tree) -> Iterator[Misdescription]:
    """Those that were told; what is shared out evenly fits."""
    told = {key: max(one.fallback_ma or 0, one.floor_ma) for key, one in tree.members.items()}
    askers = [Asker(key=key, demand_ma=one.rating_ma, uses=tree.uses(key)) for key, one in tree.members.items()]
    lowest = [limit - reserve for limit, reserve in zip(tree.limits(None, {}), tree.reserves(), strict=True)]
    seen = set()
    for index in fallbacks_fit(lowest, askers, told):
        name, lane = tree.constraints[index]
        if name not in seen:
            seen.add(name)
            where = "in all" if lane == SUM else f"on {_LANES[lane]}"
            yield Misdescription(
                circuit=tree.circuits[name].name,
                text=f"the fallbacks that were told, and the lowest limits that its members take, are more than it "
                f"carries {where} beside its reserve",
            )


def _of_member(member: Member, state: ChargePointState, manner: LoadManner) -> Iterator[str]:
    missing = missing_connector(state, member.connector)
    if missing is not None:
        yield missing
    features = state.configured_words("SupportedFeatureProfiles")
    if features is not None and "smartcharging" not in features:
        yield "it does not support Smart Charging (C 9.1.29), and takes no limits"
    if state.configured_number("MaxChargingProfilesInstalled") == 1 and not is_taken_whole(member, state, manner):
        yield "it has room for one charging profile (C 9.4.5): it can only be a member as a whole, as connector 0"
    told = wiring_told(state, member.connector)
    if told is not None and phases_of_wiring(told)[: len(member.wiring)] != member.wiring:
        yield f"its ConnectorPhaseRotation says {told}, the circuit {member.phases}"


def _of_room(members: list[Member], state: ChargePointState, manner: LoadManner) -> Iterator[str]:
    """Two profiles for each connector, or one where it takes none for a transaction."""
    room = state.configured_number("MaxChargingProfilesInstalled")
    each = 1 if manner.purpose == "TxDefaultProfile" else 2
    needed = each * sum(not is_taken_whole(member, state, manner) for member in members)
    if room is not None and 1 < room < needed:
        yield (
            f"it has room for {room} charging profiles (C 9.4.5), and its connectors need {needed}: "
            "make it a member as a whole, as connector 0"
        )


def wiring_told(state: ChargePointState, connector: int) -> str | None:
    """The wiring to the grid that it says itself, as 0.RST,1.RTS (C 9.1.7); None where it says none.

    A connector's is to its meter, that of 0 from the meter to the grid: only where that turns nothing, they are one.
    """
    said = {}
    for part in (state.configured("ConnectorPhaseRotation") or "").split(","):
        number, _, phases = part.strip().partition(".")
        try:
            said[number] = phases_of_wiring(phases)
        except CircuitError:  # Unknown, NotApplicable
            continue
    wiring = said.get(str(connector)) if said.get("0", _STRAIGHT) == _STRAIGHT else None
    return None if wiring is None else "".join(_LANES[phase] for phase in wiring)
