"""Commands by name and parameters: what is asked for now, and what was queued and is made anew later."""

import json
from enum import Enum
from typing import Any

import msgspec

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import read_payload_value
from csmsd.operations.call import RawRequest, Request, Start, Steps
from csmsd.profiles import operations, outgoing
from csmsd.profiles.action import Operation, Target

CALL = "call"  # the command that is any action, raw


class Misfit(Enum):
    """What of a command is not as it should be."""

    NAME = "name"
    PARAMETERS = "parameters"
    ACTION = "action"
    PAYLOAD = "payload"


class NotACommand(Exception):
    """Nothing can be made from what was given; the text says why."""

    def __init__(self, misfit: Misfit, text: str) -> None:
        super().__init__(text)
        self.misfit = misfit


class Command(msgspec.Struct, frozen=True):
    """A command as it is kept: of an operation, or `call` with `action` and `payload`."""

    name: str
    parameters: dict[str, Any]
    force: bool = False

    def start(self) -> Start:
        """What it sends to a charge point. Raises NotACommand."""
        if self.name != CALL:
            return read_operation_command(self.name, self.parameters).steps
        request = _read_call_command(self.parameters["action"], self.parameters["payload"], force=self.force)

        def once(target: Target) -> Steps:
            yield request

        return once


def read_operation_command(name: str, parameters: dict[str, Any]) -> Operation:
    """An operation by its command's name. Raises NotACommand."""
    declared = operations().get(name)
    if declared is None:
        raise NotACommand(Misfit.NAME, f"No command {name}.")
    try:
        return msgspec.convert(parameters, declared)
    except msgspec.ValidationError as error:
        raise NotACommand(Misfit.PARAMETERS, f"{name}: {error}") from None


def _read_call_command(action: str, payload: dict[str, Any], *, force: bool) -> Request:
    if force:
        return RawRequest(action, json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode())
    declared = outgoing().get(action)
    if declared is None:
        raise NotACommand(Misfit.ACTION, f"No action {action} known here.")
    try:
        request, _ = read_payload_value(declared.request, payload, strict=True)
    except OcppError as error:
        raise NotACommand(Misfit.PAYLOAD, f"{action}: {error.description}.") from None
    return request
