"""The methods of the control socket, a module a subject; docs/control-protocol.md describes each."""

from typing import Any

from csmsd.control.methods import (
    access,
    audit,
    backups,
    certificates,
    charge_points,
    charging_profiles,
    circuit_members,
    circuits,
    completion_values,
    composite_schedules,
    daemon_and_site,
    diagnostics,
    effects,
    energy_reckoning,
    explanation,
    exports,
    firmware,
    load,
    local_lists,
    messages_and_events,
    operations,
    orphans,
    pruning,
    reservations,
    rollouts,
    securing,
    security_events,
    tags,
    tasks,
    transactions,
    unclaimed_energy,
)
from csmsd.control.registrations import Registrations
from csmsd.control.rpc import Bound, Method, bound
from csmsd.control.service import Service

# Those that do with what all of them are given, and the others.
_PLAIN = (
    tags,
    exports,
    energy_reckoning,
    orphans,
    unclaimed_energy,
    security_events,
    reservations,
    local_lists,
    charging_profiles,
    circuits,
    circuit_members,
    load,
    composite_schedules,
    operations,
    tasks,
    effects,
    completion_values,
    audit,
)
_WITH_MORE = (
    access,
    daemon_and_site,
    charge_points,
    transactions,
    messages_and_events,
    explanation,
    firmware,
    diagnostics,
    rollouts,
    pruning,
    backups,
    certificates,
    securing,
)

METHODS: dict[str, Method[Any, Any]] = {
    name: method for module in (*_PLAIN, *_WITH_MORE) for name, method in module.METHODS.items()
}


def methods(
    service: Service,
    *,
    itself: daemon_and_site.Itself,
    rights: access.Checking,
    registrations: Registrations,
    books: transactions.Transactions,
    feeds: messages_and_events.Feeds,
    log: explanation.Explanation,
    intake: firmware.Intake,
    files: diagnostics.Diagnostics,
    plans: rollouts.Rollouts,
    pruner: pruning.Pruning,
    copies: backups.Backups,
    papers: certificates.Certificates,
    securer: securing.Securing,
) -> dict[str, Bound]:
    """All of them by name, each with what it is given."""
    found: dict[str, Bound] = {}
    for module in _PLAIN:
        found |= bound(module.METHODS, service)
    return (
        found
        | bound(daemon_and_site.METHODS, itself)
        | bound(access.METHODS, rights)
        | bound(charge_points.METHODS, registrations)
        | bound(transactions.METHODS, books)
        | bound(messages_and_events.METHODS, feeds)
        | bound(explanation.METHODS, log)
        | bound(firmware.METHODS, intake)
        | bound(diagnostics.METHODS, files)
        | bound(rollouts.METHODS, plans)
        | bound(pruning.METHODS, pruner)
        | bound(backups.METHODS, copies)
        | bound(certificates.METHODS, papers)
        | bound(securing.METHODS, securer)
    )
