"""Rollouts of firmware: ordered, looked at, halted and let go on. `operations/rollouts.py` carries them out."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from csmsd.control.firmware_views import rollout_member_view, rollout_view
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, RowId, Table, forbidden, not_there, usage
from csmsd.control.service import Service
from csmsd.control.targets import places, resolve_targets
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember, parse_rollout_window, rollout_event
from csmsd.profiles.security.signed_update_firmware import Signature, SigningCertificate


class Rollouts(Service):
    """With why nothing happens in a rollout."""

    waits_for: Callable[[int], str | None]


class Start(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    targets: list[str]
    file: str
    parallel: Annotated[int, Meta(ge=1, le=1000)] = 1
    canary: Annotated[int, Meta(ge=0)] = 0
    only_idle: bool = False
    window: str | None = None
    max_failures: Annotated[int, Meta(ge=0)] = 0
    retries: Annotated[int, Meta(ge=0, le=1000)] | None = None
    protocol: Literal["http", "ftp"] | None = None
    signing_certificate: SigningCertificate | None = None
    signature: Signature | None = None


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


class Number(msgspec.Struct, forbid_unknown_fields=True):
    id: RowId


async def start_rollout(service: Rollouts, parameters: Start, caller: Caller) -> Json:
    site = service.site
    firmware = site.firmware
    states = resolve_targets(site, parameters.targets)
    if parameters.file not in firmware.images:
        raise not_there(
            f"No firmware {parameters.file}.", "See csmsctl firmware list, or add it: csmsctl firmware add FILE"
        )
    hosting = firmware.hosting
    if hosting is None or (parameters.protocol is not None and parameters.protocol not in hosting.hosts):
        key = f"files.{parameters.protocol or 'http'}_listen"
        raise usage("csmsd does not host files that way.", f"Set {key} in csmsd.toml and restart it.")
    if parameters.window is not None and parse_rollout_window(parameters.window) is None:
        raise usage(f"{parameters.window!r} is no window.", "Write it as 01:00-05:00, in the local time of csmsd.")
    if parameters.canary > len(states):
        raise usage(f"There are {len(states)} charge points, but {parameters.canary} canaries.")
    if (parameters.signature is None) != (parameters.signing_certificate is None):
        raise usage("Signed firmware has both a signature and the certificate that it was signed with.")
    for state in states:
        busy = firmware.rollouts.busy(state.id)
        if busy is not None:
            raise forbidden(f"{state.id} takes part in rollout {busy.id}.", f"See: csmsctl rollout show {busy.id}")
    rollout = Rollout(
        id=firmware.rollouts.new_id(),
        created_at=service.now(),
        uid=caller.uid,
        user=caller.user,
        file=parameters.file,
        parallel=parameters.parallel,
        canary=parameters.canary,
        only_idle=parameters.only_idle,
        window=parameters.window,
        max_failures=parameters.max_failures,
        retries=parameters.retries,
        protocol=parameters.protocol,
        signing_certificate=parameters.signing_certificate,
        signature=parameters.signature,
    )
    members = [
        RolloutMember(rollout=rollout.id, charge_point=state.id, position=position)
        for position, state in enumerate(states)
    ]
    service.live.require()
    # Begun only when it is on disk: whoever begins it keeps that first, and after this.
    firmware.rollouts.add(rollout)
    for member in members:
        firmware.rollouts.add_member(member)
    return await _keep_rollout(service, rollout, members)


async def list_rollouts(service: Rollouts, parameters: Listing, caller: Caller) -> Json:
    """The newest first; with targets those that any of them is part of."""
    rollouts, chosen = service.site.firmware.rollouts, places(service.site, parameters.targets)
    views = []
    for rollout in rollouts:
        members = rollouts.members(rollout.id)
        if chosen is None or any(chosen.has(member.charge_point) for member in members):
            views.append(rollout_view(rollout, members, service.waits_for(rollout.id)))
    return {"schema_version": SCHEMA_VERSION, "rollouts": views[::-1]}


def _known_rollout(service: Rollouts, number: int) -> Rollout:
    rollout = service.site.firmware.rollouts.get(number)
    if rollout is None:
        raise not_there(f"No rollout {number}.", "See: csmsctl rollout list")
    return rollout


def _rollout_as_it_stands(service: Rollouts, rollout: Rollout) -> Json:
    members = service.site.firmware.rollouts.members(rollout.id)
    return rollout_view(rollout, members, service.waits_for(rollout.id))


async def show_rollout(service: Rollouts, parameters: Number, caller: Caller) -> Json:
    rollout = _known_rollout(service, parameters.id)
    firmware = service.site.firmware
    members = [
        rollout_member_view(member, firmware.updates.get(member.update_id), canary=member.position < rollout.canary)
        for member in firmware.rollouts.members(rollout.id)
    ]
    return {"schema_version": SCHEMA_VERSION} | _rollout_as_it_stands(service, rollout) | {"members": members}


async def _keep_rollout(service: Rollouts, rollout: Rollout, members: list[RolloutMember]) -> Json:
    await service.live.keep([rollout, *members], [rollout_event(rollout)])
    return {"changed": True, "rollout": _rollout_as_it_stands(service, rollout)}


async def _set_rollout_state(
    service: Rollouts, rollout: Rollout, state: str, reason: str | None, resumed_at: int
) -> Json:
    service.live.require()
    rollout.state, rollout.reason, rollout.resumed_at = state, reason, resumed_at
    return await _keep_rollout(service, rollout, [])


async def pause_rollout(service: Rollouts, parameters: Number, caller: Caller) -> Json:
    """What is under way goes on; nothing new is begun."""
    rollout = _known_rollout(service, parameters.id)
    if rollout.over:
        raise forbidden(f"Rollout {rollout.id} is over: {rollout.state}.")
    if rollout.state == "paused":
        return {"changed": False, "rollout": _rollout_as_it_stands(service, rollout)}
    return await _set_rollout_state(
        service, rollout, "paused", f"paused by {caller.user or 'an operator'}", rollout.resumed_at
    )


async def resume_rollout(service: Rollouts, parameters: Number, caller: Caller) -> Json:
    """What failed so far was seen, and counts no more against the limit."""
    rollout = _known_rollout(service, parameters.id)
    if rollout.over:
        raise forbidden(f"Rollout {rollout.id} is over: {rollout.state}.")
    if rollout.state == "running":
        return {"changed": False, "rollout": _rollout_as_it_stands(service, rollout)}
    return await _set_rollout_state(service, rollout, "running", None, service.now())


async def cancel_rollout(service: Rollouts, parameters: Number, caller: Caller) -> Json:
    """What waits is not begun any more; what is under way cannot be taken back."""
    rollout = _known_rollout(service, parameters.id)
    if rollout.over:
        return {"changed": False, "rollout": _rollout_as_it_stands(service, rollout)}
    now = service.now()
    waiting = [m for m in service.site.firmware.rollouts.members(rollout.id) if m.state == "waiting"]
    service.live.require()
    rollout.state, rollout.reason, rollout.ended_at = "cancelled", None, now
    for member in waiting:
        member.state, member.ended_at = "cancelled", now
    return await _keep_rollout(service, rollout, waiting)


METHODS: Table[Rollouts] = {
    "rollout.start": Method(Start, start_rollout, ALL),
    "rollout.list": Method(Listing, list_rollouts, READ),
    "rollout.show": Method(Number, show_rollout, READ),
    "rollout.pause": Method(Number, pause_rollout, ALL),
    "rollout.resume": Method(Number, resume_rollout, ALL),
    "rollout.cancel": Method(Number, cancel_rollout, ALL),
}
