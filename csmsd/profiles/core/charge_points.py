"""Charge points and their connectors: the records that are kept, and the live state around them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from csmsd.ocpp.leniency import Deviation
from csmsd.ocpp.measurands import state_of_charge
from csmsd.ocpp.types import RegistrationStatus
from csmsd.profiles.core.energy.plain import MOST_W
from csmsd.profiles.core.energy.verdict import Verdict
from csmsd.profiles.core.lateness import Lateness
from csmsd.profiles.core.link_history import LinkHistory
from csmsd.profiles.core.metering import Taken
from csmsd.profiles.core.moments import TOLD_WITHIN
from csmsd.profiles.core.orphans import Orphans
from csmsd.profiles.core.outside_transactions import Outside
from csmsd.profiles.core.power import imported_power
from csmsd.profiles.core.sample import Sample
from csmsd.profiles.core.told_readings import Arrivals
from csmsd.profiles.core.transaction_book import TransactionBook
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Change, Milliseconds, Record
from csmsd.profiles.security.upgrades import SecurityUpgrade

# A message that was longer than any may be; what it was nobody knows.
MESSAGE_TOO_LONG = Deviation("frame", "too_long_for_all", "FormationViolation")
MESSAGE_TOO_LONG_PLACE = ("message", MESSAGE_TOO_LONG.field, MESSAGE_TOO_LONG.kind)
_PLACE = re.compile(r"\[\d+\]")  # in a list

MAX_CONNECTORS = 256  # growth is capped: no charge point has more
MAX_CONFIGURATION_KEYS = 1000
MAX_DEVIATION_KINDS = 200
_CLOCK_SET_BACK_MS = 300_000  # when only older readings have come for that long, they are of now
MAX_SAMPLES = 100  # newest readings per connector; 22 measurands on up to ten phases, few of which exist


class ChargePoint(Record, kw_only=True):
    """A registered charge point, with what its last BootNotification said."""

    table: ClassVar[str] = "charge_point"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    registration: RegistrationStatus = "Accepted"  # what its next BootNotification is answered with
    boot_status: RegistrationStatus | None = None  # what its last one was answered with; None: it never booted
    security_profile: int = 0
    password_hash: str | None = None
    password_hash_next: str | None = None  # of a key that it was sent, and may use by now (W A01): both are good
    certificate_name: str | None = None  # CN of its certificates (W A00.FR.405): pinned, whatever it says of itself
    labels: list[str] = []
    note: str | None = None
    vendor: str | None = None
    model: str | None = None
    serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None
    time_zone: str | None = None  # of timestamps that name none; default UTC
    strict: bool = False  # no tolerance: the first deviation is answered with a CALLERROR
    subprotocol_optional: bool = False  # accept a connection without Sec-WebSocket-Protocol
    origin_allowed: bool = False  # accept an Origin header without a password
    ping: bool = True
    reassert: bool | None = None  # send its charging profiles again after a reconnect; None: as the setting says
    reboot_required: bool = False
    registered_at: Milliseconds
    booted_at: Milliseconds | None = None
    last_seen_at: Milliseconds | None = None
    offline_since: Milliseconds | None = None  # when its connection ended, if csmsd saw that; see the state's


class Connector(Record, kw_only=True):
    """A connector's last StatusNotification (C 4.9); connector 0 is the charge point itself."""

    table: ClassVar[str] = "connector"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "connector")

    charge_point: str
    connector: int
    status: str
    error_code: str = "NoError"
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    status_at: Milliseconds
    received_at: Milliseconds


class ConfigurationKey(Record, kw_only=True):
    """A configuration key as the charge point last reported it (C 5.8); secrets are masked before they get here."""

    table: ClassVar[str] = "configuration_key"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "name")

    charge_point: str
    name: str
    value: str | None = None
    readonly: bool = False
    reported_at: Milliseconds


class DeviationCount(Record, kw_only=True):
    """How often a charge point departed from the specification in one way."""

    table: ClassVar[str] = "deviation"
    key: ClassVar[tuple[str, ...]] = ("charge_point", "action", "field", "kind")

    charge_point: str
    action: str
    field: str
    kind: str
    count: int = 0
    last_at: Milliseconds = 0


class QuarantinedMessage(Record, kw_only=True):
    """A message that could not be booked, confirmed or refused; nothing of it is lost.

    It stays on the operator's list until it is settled: by what came later, or by the operator.
    """

    table: ClassVar[str] = "quarantine"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    charge_point: str
    received_at: Milliseconds
    action: str
    reason: str
    payload: str
    settled_at: Milliseconds | None = None
    settlement: str | None = None  # what it came to


@lru_cache(1024)
def _without_places(field: str) -> str:
    return _PLACE.sub("", field)


Link = Literal["connected", "offline"]


class LatestSamples(Mapping[str, Sample]):
    """The newest reading of each measurand and phase on a connector, worked out when somebody looks.

    All are of one transaction, or of none.
    """

    _MOST_UNSETTLED = 8

    def __init__(self) -> None:
        self.transaction: int | None = None
        self.received_at: Milliseconds = 0  # when the last ones came, whatever their own clock says
        self._settled: dict[str, Sample] = {}
        self._unsettled: dict[int, Taken] = {}
        self._time: Milliseconds = 0  # of the newest ones, by their own clock
        self._newest_at: Milliseconds = 0  # when those came

    def take(
        self, transaction: int | None, takings: Iterable[Taken], now: Milliseconds, since: Milliseconds = 0
    ) -> None:
        """Takes what was measured of that transaction and came now; what was measured of another one counts no more.

        Newer ones replace unseen ones of the same kind, except 0, which may have other names in it; older ones, out of
        a backlog, replace nothing that is newer, and those from before `since` are of another
        transaction, unless the clock has lost the time.
        """
        self.received_at = now
        if transaction != self.transaction:
            self.transaction = transaction
            self._settled.clear()
            self._unsettled.clear()
            self._time = 0
        for taken in takings:
            time = taken.row.time
            if time > now:  # a clock that is ahead must not hide what comes after it is set right
                time = now
            elif time < since and time >= since - TOLD_WITHIN:
                continue
            if time < self._time and now - self._newest_at < _CLOCK_SET_BACK_MS:
                self._add_older(taken.samples())
                continue
            self._time, self._newest_at = time, now
            unsettled, kind = self._unsettled, taken.kind
            if kind in unsettled:
                del unsettled[kind]  # it goes to the end
            unsettled[kind] = taken
            if kind == 0 or len(unsettled) > self._MOST_UNSETTLED:
                self._settle()

    def _add_older(self, samples: dict[str, Sample]) -> None:
        settled = self._settle()
        for name, sample in samples.items():
            known = settled.get(name)
            if (known is None and len(settled) < MAX_SAMPLES) or (known is not None and known.time <= sample.time):
                settled[name] = sample

    def _settle(self) -> dict[str, Sample]:
        settled = self._settled
        for taken in self._unsettled.values():
            for name, sample in taken.samples().items():
                if name in settled or len(settled) < MAX_SAMPLES:
                    settled[name] = sample
        self._unsettled.clear()
        return settled

    def __getitem__(self, name: str) -> Sample:
        return self._settle()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settle())

    def __len__(self) -> int:
        return len(self._settle())


class Secured(msgspec.Struct, frozen=True):
    """How a connection is secured: the profile that it was let in with (W 2), and what TLS it has.

    One of profile 1 may have TLS as well. `tls` is its version and suite, or `proxy` where a proxy of ours has it.
    `possible` are the profiles that can be used where it connects: it keeps host and port when its profile is raised.
    """

    profile: int
    tls: str | None = None
    certificate: str | None = None  # SHA-256 of the one that it has shown, in hexadecimal digits
    with_next_key: bool = False  # it has used the key that it was sent last
    possible: frozenset[int] = frozenset({0, 1, 2, 3})


class ChargePointState:
    """A charge point as the running daemon knows it."""

    def __init__(self, record: ChargePoint) -> None:
        self.record = record
        self.connectors: dict[int, Connector] = {}
        self.configuration: dict[str, ConfigurationKey] = {}
        self.transactions = TransactionBook()
        self.orphans = Orphans()
        self.deviations: dict[tuple[str, str, str], DeviationCount] = {}
        self.samples: dict[int, LatestSamples] = {}
        self.outside: dict[int, Outside] = {}
        self.arrivals: dict[int, Arrivals] = {}
        self.connected_at: Milliseconds | None = None
        self.away_since: Milliseconds | None = None  # heard last on the connection before; None: this is its first
        self.address: str | None = None
        self.origin: str | None = None  # the address, or the network that stands for it
        self.secured: Secured | None = None  # its newest connection
        self.upgrade: SecurityUpgrade | None = None  # the newest, to a higher security profile
        self.reached_at: str | None = None  # where its newest connection has reached this machine
        self.triggered: set[str] = set()  # what TriggerMessage asked for, and the charge point agreed to send
        self.unanswered_since: Milliseconds | None = None  # it did not answer a CALL then, and none since
        self.heard: dict[str, Milliseconds] = {}  # when each action came last
        self.lateness = Lateness()
        self.links = LinkHistory()
        self.hidden_by_fault: dict[int, Connector] = {}  # what stood there before a fault that may be an old one
        self.before_going_back: dict[int, Connector] = {}  # on its first connection: before times that contradict it
        self.exceeds_since: dict[int, tuple[int, Milliseconds]] = {}  # the transaction that a limit was exceeded in
        self.unsaved = False  # last_seen_at or a deviation moved since the record was last written
        self._zone: tuple[str | None, tzinfo] = (None, UTC)

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def connected(self) -> bool:
        return self.connected_at is not None

    @property
    def offline_since(self) -> Milliseconds | None:
        """When its connection ended; where nobody saw that (csmsd was killed), when it was certainly there last.

        None while it is connected, and where it never was.
        """
        record = self.record
        if self.connected or record.last_seen_at is None:
            return None
        heard = [connector.received_at for connector in self.connectors.values()]
        heard += [running.start_received_at for running in self.transactions.active()]
        return max(record.last_seen_at, record.offline_since or 0, *heard)

    @property
    def zone(self) -> tzinfo:
        """The zone of timestamps that name none."""
        name = self.record.time_zone
        if self._zone[0] != name:
            try:
                self._zone = (name, ZoneInfo(name) if name else UTC)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                self._zone = (name, UTC)
        return self._zone[1]

    def samples_on(self, connector: int) -> Mapping[str, Sample]:
        """The newest readings by measurand and phase: of what runs there, or of the connector while nothing does."""
        samples = self.samples.get(connector)
        running = self.transactions.active_on(connector)
        if samples is None or samples.transaction != (running.id if running is not None else None):
            return {}
        return samples

    def samples_of(self, transaction: Transaction) -> Mapping[str, Sample]:
        """The newest readings of a transaction that runs."""
        samples = self.samples.get(transaction.connector)
        own = samples is not None and samples.transaction == transaction.id
        return self.samples_on(transaction.connector) if own else {}

    def status_of(self, connector: int) -> str:
        """What a connector said last, in a word; that of one that is not there is no news."""
        if not self.connected:
            return "offline"
        known = self.connectors.get(connector)
        return known.status if known is not None else "connected"

    def power_w(self, connector: int) -> float | None:
        """Imported active power over all phases as last measured, as far as a connector can deliver it.

        None flows from a connector that is Available.
        """
        known = self.connectors.get(connector)
        if known is not None and known.status == "Available":
            return None
        power = imported_power(self.samples_on(connector))
        return None if power is None or power > MOST_W else round(power, 1)

    def soc_percent(self, connector: int) -> float | None:
        """The state of charge of what is charged there, as last measured."""
        soc = self.samples_on(connector).get("SoC")
        return None if soc is None else state_of_charge(soc.value, soc.unit)

    def energy_wh(self, transaction: Transaction) -> int:
        """Wh so far of a running transaction, the booked figure of an ended one."""
        verdict = self.running_verdict(transaction)
        return verdict.energy_wh if verdict is not None else transaction.energy_wh

    def running_verdict(self, transaction: Transaction) -> Verdict | None:
        """What a transaction comes to so far; None of one that is over."""
        gathered = self.transactions.gathered(transaction.id) if transaction.state == "active" else None
        return gathered.verdict(transaction.boots) if gathered is not None else None

    def configured(self, name: str) -> str | None:
        """The value of a configuration key as last reported, or None."""
        key = self.configuration.get(name.casefold())
        return key.value if key else None

    def configured_number(self, name: str) -> int | None:
        """The same as an integer (C 9.1); None where it is none, or was not reported."""
        try:
            return int(self.configured(name) or "")
        except ValueError:
            return None

    def configured_words(self, name: str) -> frozenset[str] | None:
        """The same as a list (CSL, C 9.1), in lower case; None where it names nothing, or was not reported."""
        words = (word.strip().casefold() for word in (self.configured(name) or "").split(","))
        return frozenset(filter(None, words)) or None

    def count_deviations(self, action: str, deviations: list[Deviation], now: Milliseconds) -> None:
        """Adds to the counters that `cp show` prints; they are written with the next housekeeping."""
        for deviation in deviations:
            field = _without_places(deviation.field)
            place = (action, field, deviation.kind)
            counter = self.deviations.get(place)
            if counter is None:
                if len(self.deviations) >= MAX_DEVIATION_KINDS:
                    continue
                counter = DeviationCount(charge_point=self.id, action=action, field=field, kind=deviation.kind)
                self.deviations[place] = counter
            counter.count += 1
            counter.last_at = now
            self.unsaved = True

    def carry_over(self, old: "ChargePointState") -> None:
        """Takes what no file knows from the state that this one replaces."""
        self.connected_at, self.address, self.reached_at = old.connected_at, old.address, old.reached_at
        self.origin, self.secured = old.origin, old.secured
        self.samples, self.triggered, self.heard = old.samples, old.triggered, old.heard
        self.arrivals, self.outside = old.arrivals, old.outside
        self.before_going_back, self.exceeds_since = old.before_going_back, old.exceeds_since
        self.unanswered_since = old.unanswered_since
        self.away_since, self.lateness, self.hidden_by_fault = old.away_since, old.lateness, old.hidden_by_fault
        self.links = old.links

    def housekeeping(self) -> list[Change]:
        """What moved without being worth a commit of its own."""
        if not self.unsaved:
            return []
        self.unsaved = False
        return [self.record, *self.deviations.values()]
