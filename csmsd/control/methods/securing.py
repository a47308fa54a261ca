"""New keys for charge points, and higher security profiles: given in one command, and followed."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.methods.operations import (
    Common,
    operation_options,
    operation_reporting,
    operation_results_view,
)
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table
from csmsd.control.service import Service
from csmsd.control.targets import places, resolve_targets
from csmsd.operations.options import Options
from csmsd.operations.parallel import run_in_parallel
from csmsd.operations.result import Report, Result
from csmsd.operations.securing import Securing as Office
from csmsd.profiles.core.charge_points import ChargePointState


class Securing(Service):
    """With what carries it out."""

    office: Office


class Secure(Common, kw_only=True, forbid_unknown_fields=True):
    to: Annotated[int, Meta(ge=1, le=3)]


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


async def rotate_keys(service: Securing, parameters: Common, caller: Caller) -> Json:
    return await _of_each(service, parameters, caller, service.office.rotate_key)


async def secure_charge_points(service: Securing, parameters: Secure, caller: Caller) -> Json:
    return await _of_each(
        service, parameters, caller, lambda state, *how: service.office.secure(state, parameters.to, *how)
    )


async def _of_each(
    service: Securing,
    parameters: Common,
    caller: Caller,
    carry_out: Callable[[ChargePointState, Options, Report], Awaitable[list[Result]]],
) -> Json:
    states = resolve_targets(service.site, parameters.targets)
    options, report = operation_options(service, parameters, caller), operation_reporting(caller, len(states))
    results = await run_in_parallel(states, lambda state: carry_out(state, options, report), options, report)
    return operation_results_view(results)


async def list_security_upgrades(service: Securing, parameters: Listing, caller: Caller) -> Json:
    """The newest of each charge point."""
    chosen = places(service.site, parameters.targets)
    found = [one for one in service.site.security.upgrades if chosen is None or chosen.has(one.charge_point)]
    return {"schema_version": SCHEMA_VERSION, "security_upgrades": [one.described() for one in found]}


METHODS: Table[Securing] = {
    "charge_point.rotate_key": Method(Common, rotate_keys, needs=ALL),
    "charge_point.secure": Method(Secure, secure_charge_points, needs=ALL),
    "security_upgrade.list": Method(Listing, list_security_upgrades, needs=READ),
}
