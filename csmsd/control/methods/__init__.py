"""The methods of the control socket, a module a subject; docs/control-protocol.md describes each."""

from typing import Any

from csmsd.control.methods import (
    backups,
    charge_points,
    completion,
    daemon,
    diagnostics,
    effects,
    explanation,
    exports,
    firmware,
    local_lists,
    messages,
    operations,
    orphans,
    profiles,
    pruning,
    reckoning,
    reservations,
    rollouts,
    tags,
    transactions,
    unclaimed,
)
from csmsd.control.rpc import Bound, Method, bound
from csmsd.control.service import Service

# Those that do with what all of them are given, and the others.
_PLAIN = (
    tags,
    transactions,
    exports,
    reckoning,
    orphans,
    unclaimed,
    reservations,
    local_lists,
    profiles,
    operations,
    effects,
    completion,
)
_WITH_MORE = (daemon, charge_points, messages, explanation, firmware, diagnostics, rollouts, pruning, backups)

METHODS: dict[str, Method[Any, Any]] = {
    name: method for module in (*_PLAIN, *_WITH_MORE) for name, method in module.METHODS.items()
}


def methods(
    service: Service,
    *,
    itself: daemon.Itself,
    registrations: charge_points.Registrations,
    feeds: messages.Feeds,
    log: explanation.Explanation,
    intake: firmware.Intake,
    files: diagnostics.Diagnostics,
    plans: rollouts.Rollouts,
    pruner: pruning.Pruning,
    copies: backups.Backups,
) -> dict[str, Bound]:
    """All of them by name, each with what it is given."""
    found: dict[str, Bound] = {}
    for module in _PLAIN:
        found |= bound(module.METHODS, service)
    return (
        found
        | bound(daemon.METHODS, itself)
        | bound(charge_points.METHODS, registrations)
        | bound(messages.METHODS, feeds)
        | bound(explanation.METHODS, log)
        | bound(firmware.METHODS, intake)
        | bound(diagnostics.METHODS, files)
        | bound(rollouts.METHODS, plans)
        | bound(pruning.METHODS, pruner)
        | bound(backups.METHODS, copies)
    )
