"""What is on the circuits of load management: connectors of charge points, put on one and taken off."""

import msgspec

from csmsd.control.methods.circuits import (
    circuit_member_view,
    known_circuit,
    load_of,
    replace_circuits,
    require_charge_point_of_member,
)
from csmsd.control.rights import ALL
from csmsd.control.rpc import Caller, Json, Method, RpcError, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold
from csmsd.profiles.core.connectors import connector_numbers
from csmsd.profiles.load_management.circuits import CircuitError, Member
from csmsd.profiles.load_management.description import MemberForm, member_of_form
from csmsd.profiles.load_management.misdescriptions import wiring_told


class Membership(MemberForm, kw_only=True, forbid_unknown_fields=True):
    circuit: str


class Place(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    charge_point: str
    connector: int = 1


class Removal(Place, kw_only=True, forbid_unknown_fields=True):
    circuit: str | None = None  # where it is thought to be; None: wherever it is


async def add_circuit_member(service: Service, parameters: Membership, caller: Caller) -> Json:
    circuit, load = known_circuit(service, parameters.circuit), load_of(service)
    if parameters.phases is None:
        state = service.site.charge_point(parameters.charge_point)
        parameters.phases = None if state is None else wiring_told(state, parameters.connector)
    try:
        member = member_of_form(circuit.name, parameters)
    except CircuitError as error:
        raise usage(f"{error}.") from None
    require_charge_point_of_member(service, member)
    before = load.members.get(member.place)
    if before is not None and fold(before.circuit) != fold(circuit.name):
        raise usage(
            f"Connector {member.connector} of {member.charge_point} is on {before.circuit}.",
            f"Remove it there first: csmsctl circuit member remove {before.circuit} {member.charge_point} "
            f"--connector {member.connector}",
        )
    others = [other for place, other in load.members.items() if place != member.place]
    changed = await replace_circuits(service, list(load.circuits.values()), [*others, member])
    return {
        "changed": changed > 0,
        "member": circuit_member_view(member),
        "beside": _connectors_beside(service, member),
    }


def _connectors_beside(service: Service, member: Member) -> list[int]:
    """The other connectors of its charge point that are on no circuit: what they draw counts nowhere."""
    state = service.site.charge_point(member.charge_point)
    if state is None or member.connector == 0:
        return []
    on = {one.connector for one in load_of(service).members_of(state.id)}
    return [number for number in connector_numbers(state) or () if number not in on]


async def remove_circuit_member(service: Service, parameters: Removal, caller: Caller) -> Json:
    """It keeps the limits that it has; they end in its fallback."""
    load = load_of(service)
    place = (fold(parameters.charge_point), parameters.connector)
    if parameters.circuit is not None:
        known_circuit(service, parameters.circuit)
    if place not in load.members:
        raise on_no_circuit(service, parameters)
    member = load.members[place]
    if parameters.circuit is not None and fold(member.circuit) != fold(parameters.circuit):
        raise usage(
            f"Connector {member.connector} of {member.charge_point} is on {member.circuit}, "
            f"not on {parameters.circuit}.",
            f"To take it off there: csmsctl circuit member remove {member.circuit} {member.charge_point} "
            f"--connector {member.connector}",
        )
    others = [other for other_place, other in load.members.items() if other_place != place]
    await replace_circuits(service, list(load.circuits.values()), others)
    return {"changed": True}


def on_no_circuit(service: Service, place: Place) -> RpcError:
    members = load_of(service).members_of(place.charge_point)
    known = members[0] if members else None
    return not_there(
        f"Connector {place.connector} of {place.charge_point} is on no circuit.",
        "See: csmsctl load status"
        if known is None
        else f"On one is {'all of it' if known.connector == 0 else f'connector {known.connector}'}: "
        f"--connector {known.connector}",
    )


METHODS: Table[Service] = {
    "circuit.add_member": Method(Membership, add_circuit_member, ALL),
    "circuit.remove_member": Method(Removal, remove_circuit_member, ALL),
}
