"""A problem: something that wants an operator's attention, in words."""

from typing import Literal

import msgspec

from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Milliseconds

SHORTEST_SILENCE_S = 60

Severity = Literal["critical", "warning"]  # critical: somebody cannot charge, or nothing can be billed
Kind = Literal[
    "store_failing",
    "store_damaged",
    "replica_behind",
    "unknown_charge_points",
    "rollout_paused",
    "clock_jumped",
    "tls_failing",
    "certificate_expiring",
    "certificate_requested",
    "upgrade_fell_back",
    "upgrade_hangs",
    "upgrade_interrupted",
    "key_undecided",
    "below_minimum_profile",
    "ca_not_exported",
    "circuit_over_limit",
    "circuit_may_exceed",
    "reading_stale",
    "member_unmanaged",
    "load_paused",
    "circuit_misdescribed",
    "offline",
    "never_connected",
    "connection_refused",
    "twins",
    "flapping",
    "registration_pending",
    "not_booted",
    "silent",
    "no_answer",
    "reboot_required",
    "suspect_clock",
    "message_too_long",
    "firmware_failed",
    "transactions_abandoned",
    "messages_not_booked",
    "quarantine_full",
    "charging_without_transaction",
    "running_on_free_connector",
    "two_starts",
    "reservation_of_another",
    "limit_exceeded",
    "profile_off_clock",
    "faulted",
    "error_reported",
    "id_tag_refused",
    "energy_suspect",
    "meter_values_missing",
]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that wants attention, in words, with the command that tells more or mends it; the site's have no
    charge point."""

    kind: Kind
    severity: Severity
    text: str
    next: str
    charge_point: str | None = None
    connector: int | None = None
    since: Milliseconds | None = None
    last: Milliseconds | None = None  # of something that comes again and again


def problem(
    state: ChargePointState,
    kind: Kind,
    text: str,
    next: str,
    *,
    since: Milliseconds | None,
    last: Milliseconds | None = None,
    connector: int | None = None,
    severity: Severity = "warning",
) -> Problem:
    return Problem(
        kind=kind,
        severity=severity,
        text=text,
        next=next,
        charge_point=state.id,
        connector=connector,
        since=since,
        last=last,
    )


def seconds(state: ChargePointState, key: str) -> int | None:
    """An interval that the charge point has reported, or None."""
    try:
        return int(state.configured(key) or "")
    except ValueError:
        return None


def counted(number: int, noun: str) -> str:
    """`1 transaction`, `2 transactions`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
