"""What happens at a simulated charge point, told to whoever watches: one notice, one line.

Events and their details:
link          connected · disconnected · reconnects (seconds, problem) · backlog (queue)
registration  registered (status, interval) · heartbeat · reboots (reason)
people        plugged · unplugged · presented (id_tag) · authorized (id_tag, status, source) · waits_for_cable (id_tag)
              refused (id_tag, status)
connector     status (status, error, info) · meter_values (energy_wh, power_w, soc) · register_reset
transaction   transaction_begins (id_tag, meter_start) · transaction_started (transaction, id_tag, status; its start is
              confirmed) · transaction_ends (transaction, reason, meter_stop) · transaction_stopped (transaction; its
              stop is confirmed) · queued (action, queue) · retries_later (action, seconds, reason) · given_up
limits        charging_profile (profile, purpose, stack_level) · charging_profiles_cleared (profiles) · limit (limit_w,
              phases)
lists         reserved (reservation, id_tag) · reservation_expired (reservation) · local_list (version, entries)
files         firmware (status) · diagnostics (status) · transferred (bytes) · transfer_failed (reason)
their CALLs   answered (action, status) · refused_call (action, code, description) · ignored (action)
our CALLs     call_error (action, code, description) · no_answer (action) · loses_answer · unreadable_answer
neither       odd_message (oddity, detail)
circuits      breaker_tripped (phase, current_a, rated_a, over_s) · breaker_closed · circuit_carried (most_l1_a, …,
              rated_l1_a, …, over_s, trips; at the end)
"""

from datetime import datetime

import msgspec

from csmsd.ocpp.timestamps import format_timestamp

Detail = str | int | float | bool | None


class Notice(msgspec.Struct, frozen=True):
    """One thing that happened, at `time` (ms since 1970 UTC)."""

    time: int
    charge_point: str | None  # None: it happened to a circuit
    event: str
    connector: int | None = None
    details: dict[str, Detail] = {}
    circuit: str | None = None

    def as_record(self) -> dict[str, Detail]:
        """As a line of JSON has it."""
        place = {"circuit": self.circuit} if self.circuit is not None else {"charge_point": self.charge_point}
        record: dict[str, Detail] = {"time": format_timestamp(self.time), **place, "event": self.event}
        if self.connector is not None:
            record["connector"] = self.connector
        return record | self.details

    def as_text(self) -> str:
        """As people like to read it, in their own time zone."""
        clock = datetime.fromtimestamp(self.time / 1000).strftime("%H:%M:%S")
        name = self.circuit or self.charge_point
        place = name if self.connector is None else f"{name}/{self.connector}"
        details = " ".join(
            f"{name}={_shown_in_notice(value)}" for name, value in self.details.items() if value is not None
        )
        return f"{clock} {place:<10} {self.event.replace('_', ' '):<20} {details}".rstrip()


def _shown_in_notice(value: Detail) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text and " " not in text else f'"{text}"'
