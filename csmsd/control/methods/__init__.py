"""The methods of the control socket, a module a subject; docs/control-protocol.md describes each."""

from typing import Any

from csmsd.control.methods import (
    charge_points,
    completion,
    daemon,
    local_lists,
    messages,
    operations,
    profiles,
    reservations,
    tags,
    transactions,
)
from csmsd.control.service import Method

METHODS: dict[str, Method[Any]] = {
    name: method
    for module in (
        daemon,
        charge_points,
        tags,
        transactions,
        reservations,
        local_lists,
        profiles,
        operations,
        messages,
        completion,
    )
    for name, method in module.METHODS.items()
}
