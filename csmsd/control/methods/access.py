"""What somebody may do through the socket that they came by, before they try."""

from collections.abc import Mapping
from typing import Any

import msgspec

from csmsd.control.methods.operations import right_to_give
from csmsd.control.rights import ALL, READ, Right, is_enough
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table, usage
from csmsd.control.service import Service


class Checking(Service):
    """All methods are known here."""

    methods: Mapping[str, Method[Any, Any]]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """All of these methods, and commands of OCPP; `what` is what they are together, for people."""

    methods: list[str] = []
    commands: list[str] = []
    what: str = "This"


async def check_access(service: Checking, parameters: Wanted, caller: Caller) -> Json:
    needs: Right = READ
    for right in [_right_to_call(service, name) for name in parameters.methods] + [
        right_to_give(name) for name in parameters.commands
    ]:
        needs = needs if is_enough(needs, right) else right
    access = caller.access
    allowed = access.allows(needs)
    return {
        "schema_version": SCHEMA_VERSION,
        "allowed": allowed,
        "needs": needs,
        "reason": None if allowed else access.refusal(parameters.what, needs),
        "next": None if allowed else access.help(needs),
        "peer": {"uid": caller.uid, "user": caller.user} | access.view(),
    }


def _right_to_call(service: Checking, name: str) -> Right:
    """Where that depends on the parameters, the most that it can be."""
    method = service.methods.get(name)
    if method is None:
        raise usage(f"There is no method {name}.", "See docs/control-protocol.md.")
    return ALL if callable(method.needs) else method.needs


METHODS: Table[Checking] = {"access.check": Method(Wanted, check_access, READ)}
