"""The sections of the settings that slices go by. A reload changes them in place; intervals are in seconds."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class Section(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A table of csmsd.toml."""


class Policies(Section, kw_only=True):
    """`[ocpp]`: how charge points are treated."""

    unknown_charge_points: Literal["reject", "accept", "pending"] = "reject"
    unknown_id_tags: Literal["Invalid", "Accepted"] = "Invalid"
    heartbeat_interval: Annotated[int, Meta(ge=1, le=86_400)] = 300
    boot_retry_interval: Annotated[int, Meta(ge=1, le=86_400)] = 60
    call_timeout: Seconds = 30.0
    # Silence that long and nobody knows what came of it; a charge point may wait for a transaction to end (C 5.19).
    firmware_timeout: Annotated[int, Meta(ge=1, le=2_592_000)] = 21_600
    diagnostics_timeout: Annotated[int, Meta(ge=1, le=2_592_000)] = 3600
    call_queue: Annotated[int, Meta(ge=1, le=1000)] = 32
    hold_after_reconnect: Annotated[float, Meta(ge=0, le=300)] = 10.0
    reassert_charging_profiles: bool = False  # send what should be installed again after each reconnect
    voltage: Annotated[int, Meta(ge=50, le=1000)] = 230  # of a phase, where amperes are turned into watts (C 7.12)


class Security(Section, kw_only=True):
    """`[security]`: who is let in, and how charge points are secured (W)."""

    minimum_profile: Annotated[int, Meta(ge=0, le=3)] = 0  # none is registered with less
    failure_delay: Annotated[float, Meta(gt=0, le=10)] = 1.0  # after which a refusal leaves, whatever it took
    organizations: list[str] = []  # O of certificates of charge points (W A00.FR.404); none: that of our own CA
    legacy_passwords: bool = False  # passwords of 8 to 64 bytes may be set, for charge points that have one
    upgrade_window: Annotated[int, Meta(ge=30, le=86_400)] = 300  # seconds in which it is to come back


class CircuitMeter(Section, kw_only=True):
    """An executable whose lines say what else draws on a circuit."""

    circuit: Annotated[str, Meta(min_length=1, max_length=64)]
    command: str


class LoadPolicies(Section, kw_only=True):
    """`[load_management]`: how limits are lent to charge points behind one fuse."""

    lease: Annotated[int, Meta(ge=120, le=3600)] = 900  # a share ends by itself after so long
    margin: Annotated[int, Meta(ge=60, le=1800)] = 300  # what is idle waits so much longer for its fallback
    obey: Annotated[float, Meta(ge=1, le=120)] = 10.0  # a charge point does what it has accepted within that
    turn: Annotated[int, Meta(ge=60, le=86_400)] = 900  # where not all fit
    min_switch: Annotated[int, Meta(ge=0, le=7200)] = 300  # nobody is switched on again before
    raise_step: Annotated[float, Meta(ge=0, le=1000)] = 16.0  # A; a share rises by no more at once; 0: by all
    arrival_reserve: Annotated[int, Meta(ge=0, le=100)] = 1  # idle connectors of a circuit that may begin at once
    arrival_hold: Annotated[int, Meta(ge=0, le=600)] = 60  # seconds in which others make room for a plugged-in car
    meters: list[CircuitMeter] = []

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        if self.min_switch > self.turn:
            return "load_management.min_switch: longer than a turn"
        twice = {meter.circuit.casefold() for meter in self.meters}
        if len(twice) < len(self.meters):
            return "load_management.meters: two for one circuit"
        return None


class DataTransferHook(Section, kw_only=True):
    """An executable that answers a vendor's DataTransfer; without a messageId all of it."""

    vendor_id: Annotated[str, Meta(min_length=1, max_length=255)]
    message_id: Annotated[str, Meta(max_length=50)] | None = None
    command: str


class DataTransfer(Section, kw_only=True):
    """`[data_transfer]`: hooks for DataTransfer of charge points."""

    timeout: Seconds = 10.0
    max_output_bytes: Annotated[int, Meta(ge=64, le=1024 * 1024)] = 64 * 1024
    max_running: Annotated[int, Meta(ge=1, le=100)] = 4  # at once
    hooks: list[DataTransferHook] = []
