"""Commands by name and parameters: what an operator asks for now, and what was queued and is made anew later."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from csmsd.control.rpc import usage
from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.reading import read_value
from csmsd.operations.runner import RawRequest, Request, Steps
from csmsd.profiles import operations, outgoing
from csmsd.profiles.slice import Operation, Target

CALL = "call"  # the command that is any action, raw


class Command(msgspec.Struct, frozen=True):
    """A command as it is kept: of an operation, or `call` with `action` and `payload`."""

    name: str
    parameters: dict[str, Any]
    force: bool = False

    def start(self) -> Callable[[Target], Steps]:
        """What it sends to a charge point. Raises RpcError for what makes no sense as given."""
        if self.name != CALL:
            return read_operation(self.name, self.parameters).steps
        request = _read_call(self.parameters["action"], self.parameters["payload"], force=self.force)

        def once(target: Target) -> Steps:
            yield request

        return once


def read_operation(name: str, parameters: dict[str, Any]) -> Operation:
    """An operation by its command's name. Raises RpcError."""
    declared = operations().get(name)
    if declared is None:
        raise usage(f"No command {name}.", "See: csmsctl --help")
    try:
        return msgspec.convert(parameters, declared)
    except msgspec.ValidationError as error:
        raise usage(f"{name}: {error}") from None


def _read_call(action: str, payload: dict[str, Any], *, force: bool) -> Request:
    if force:
        return RawRequest(action, json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode())
    slice_ = outgoing().get(action)
    if slice_ is None:
        known = ", ".join(sorted(outgoing()))
        raise usage(f"No action {action} known here.", f"Known: {known}. Or send it with --force.")
    try:
        request, _ = read_value(slice_.request, payload, strict=True)
    except OcppError as error:
        raise usage(f"{action}: {error.description}.", "Correct it, or send it with --force.") from None
    return request
