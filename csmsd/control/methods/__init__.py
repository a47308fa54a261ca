"""The methods of the control socket, a module a subject; docs/control-protocol.md describes each."""

from typing import Any

from csmsd.control.methods import (
    backups,
    bookings,
    charge_points,
    completion,
    daemon,
    diagnostics,
    effects,
    firmware,
    local_lists,
    messages,
    operations,
    profiles,
    pruning,
    reservations,
    rollouts,
    tags,
    transactions,
)
from csmsd.control.rpc import Method
from csmsd.control.service import Service

_FIRMWARE = (firmware, diagnostics, rollouts)

METHODS: dict[str, Method[Service, Any]] = {
    name: method
    for module in (
        daemon,
        charge_points,
        tags,
        transactions,
        bookings,
        backups,
        pruning,
        reservations,
        local_lists,
        profiles,
        operations,
        effects,
        messages,
        completion,
        *_FIRMWARE,
    )
    for name, method in module.METHODS.items()
}
