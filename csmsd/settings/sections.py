"""The sections of csmsd.toml, typed, and what may be wrong with one beyond the types."""

from fnmatch import fnmatchcase
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from csmsd.profiles.policies import DataTransfer, LoadPolicies, Policies, Seconds, Section, Security
from csmsd.profiles.record import FLEETING, EventType
from csmsd.settings.places import default_socket, default_state_directory
from csmsd.settings.setting import parse_address_setting, problem_of_executable_setting


class ListenerAt(Section, kw_only=True):
    """A listener for charge points of its own kind.

    What comes over a `proxy` listener is believed to be what the proxy says of it (X-Forwarded-For, X-Forwarded-Proto,
    Client-Cert); `peers` are the addresses and networks that proxies have.
    """

    address: str
    transport: Literal["any", "plain", "tls", "proxy"] = "any"  # any: told apart by the first byte
    client_certificate: Literal["optional", "none", "required"] = "optional"
    peers: list[str] = []

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        try:
            parse_address_setting(self.address)
        except ValueError as error:
            return f"address: {error}"
        for peer in self.peers:
            try:
                ip_network(peer)
            except ValueError:
                return f"peers: {peer!r} is no address and no network"
        if (self.transport == "proxy") != bool(self.peers):
            return 'peers: a listener with transport = "proxy" names its proxies, and no other has any'
        if self.transport == "plain" and self.client_certificate == "required":
            return "client_certificate: there is none without TLS"
        return None


class Server(Section, kw_only=True):
    """The listeners for charge points: those of `listen` take whatever comes, plain or TLS."""

    listen: Annotated[list[str], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["0.0.0.0:9000"])
    listeners: list[ListenerAt] = []
    handshake_timeout: Seconds = 10.0
    ping_interval: Annotated[float, Meta(ge=0, le=3600)] = 30.0  # 0: no pings
    ping_timeout: Seconds = 30.0
    max_message_bytes: Annotated[int, Meta(ge=1024, le=64 * 1024 * 1024)] = 1024 * 1024
    max_connections: Annotated[int, Meta(ge=1)] = 10_000
    max_connections_per_address: Annotated[int, Meta(ge=1)] = 5_000
    idle_heartbeats: Annotated[float, Meta(ge=2)] = 3.0  # silence of that many heartbeat intervals is a dead link

    @property
    def all_listeners(self) -> list[ListenerAt]:
        """Those that are named by their address alone come first."""
        return [*(ListenerAt(address=address) for address in self.listen), *self.listeners]

    @property
    def addresses(self) -> list[str]:
        return [listener.address for listener in self.all_listeners]

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        for listener in self.listeners:
            if wrong := listener.problem():
                return f"server.listeners: {listener.address}: {wrong}"
        return None


class CertificateFiles(Section, kw_only=True):
    """A certificate of ours, in PEM: itself, then its issuing CAs; and its key, where that is not in the same file."""

    certificate: str
    key: str | None = None


class Tls(Section, kw_only=True):
    """TLS for charge points; off unless there is a certificate."""

    certificates: list[CertificateFiles] = []  # one of RSA and one of ECDSA suit every charge point
    client_ca: list[str] = []  # root and issuing CAs of certificates of charge points, in PEM
    client_crl: list[str] = []  # of CAs that are not ours
    max_handshakes: Annotated[int, Meta(ge=1, le=100_000)] = 2048  # under way at once
    max_handshakes_per_address: Annotated[int, Meta(ge=1, le=100_000)] = 1024

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        pairs = [path for pair in self.certificates for path in (pair.certificate, pair.key) if path is not None]
        for key, paths in (("certificates", pairs), ("client_ca", self.client_ca), ("client_crl", self.client_crl)):
            for path in paths:
                if not Path(path).is_absolute():
                    return f"tls.{key}: {path!r} is not an absolute path"
        return None


class Ca(Section, kw_only=True):
    """Who signs the certificates of charge points, and for how long."""

    signer: str = "local"  # our own CA; off: nobody; or an executable of the site
    signer_timeout: Seconds = 30.0
    auto_sign: bool = True  # off: requests wait for an operator
    client_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    server_days: Annotated[int, Meta(ge=2, le=825)] = 90

    @property
    def executable(self) -> str | None:
        """The external signer; None: there is none."""
        return None if self.signer in ("local", "off") else self.signer

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        if self.executable is not None and (wrong := problem_of_executable_setting(self.executable)):
            return f'ca.signer: neither "local" nor "off": {wrong}'
        return None


class Store(Section, kw_only=True):
    """The files."""

    directory: str | None = None
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    message_log: bool = True
    message_log_megabytes: Annotated[int, Meta(ge=1)] = 256
    message_log_days: Annotated[int, Meta(ge=1)] = 30
    replica: str | None = None  # where the copy off this box can be seen: see docs/taking-over.md


class Files(Section, kw_only=True):
    """Hosting firmware and diagnostics for charge points; off unless a listener is named, or needed."""

    http_listen: str | None = None
    ftp_listen: str | None = None
    on_demand: bool = True  # a listener that is not named is opened when a command needs it
    on_demand_http_port: Annotated[int, Meta(ge=1, le=65_535)] = 9080
    on_demand_ftp_port: Annotated[int, Meta(ge=1, le=65_535)] = 2121
    public_host: str | None = None  # name or address under which charge points reach this machine
    ftp_passive_ports: Annotated[str, Meta(pattern=r"^\d{1,5}-\d{1,5}$")] | None = None
    ftp_passive_address: str | None = None  # behind NAT: the address to tell in answers to PASV
    max_firmware_megabytes: Annotated[int, Meta(ge=1, le=1024 * 1024)] = 1024
    max_upload_megabytes: Annotated[int, Meta(ge=1, le=1024 * 1024)] = 100
    quota_megabytes: Annotated[int, Meta(ge=1, le=1024 * 1024)] = 2048  # all diagnostics together
    transfer_timeout: Seconds = 3600.0
    idle_timeout: Seconds = 60.0
    max_transfers: Annotated[int, Meta(ge=1, le=10_000)] = 64
    max_transfers_per_address: Annotated[int, Meta(ge=1, le=10_000)] = 32

    @property
    def passive_ports(self) -> range | None:
        if self.ftp_passive_ports is None:
            return None
        first, _, last = self.ftp_passive_ports.partition("-")
        return range(int(first), int(last) + 1)

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        for key, text in (("http_listen", self.http_listen), ("ftp_listen", self.ftp_listen)):
            if text is None:
                continue
            try:
                parse_address_setting(text)
            except ValueError as error:
                return f"files.{key}: {error}"
        ports = self.passive_ports
        if ports is not None and not (0 < ports.start < ports.stop <= 65_536):
            return f"files.ftp_passive_ports: {self.ftp_passive_ports!r} is not FIRST-LAST"
        return None


class EventHook(Section, kw_only=True):
    """An executable that is told events: of one type, or of those that a glob such as `transaction.*` means."""

    event: str
    command: str

    def wants(self, kind: EventType) -> bool:
        """What comes in great numbers must be named in full."""
        return kind == self.event or (kind not in FLEETING and fnmatchcase(kind, self.event))


class Events(Section, kw_only=True):
    """Hooks for events."""

    timeout: Seconds = 10.0
    max_running: Annotated[int, Meta(ge=1, le=100)] = 4  # at once
    max_waiting: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    hooks: list[EventHook] = []

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        for hook in self.hooks:
            if not any(hook.wants(kind) for kind in get_args(EventType)):
                return f"events.hooks: no event is called {hook.event!r}; csmsd.toml(5) lists them"
            if wrong := problem_of_executable_setting(hook.command):
                return f"events.hooks: {wrong}"
        return None


Days = Annotated[int, Meta(ge=0, le=36_500)]  # 0: for ever


class Retention(Section, kw_only=True):
    """How long records are kept after they came to their end; csmsd prunes every night what is older."""

    transactions_days: Days = 0
    meter_values_days: Days = 0
    tasks_days: Days = 0
    reservations_days: Days = 0
    firmware_updates_days: Days = 0
    diagnostics_days: Days = 0
    quarantine_days: Days = 0
    audit_days: Days = 0
    security_events_days: Days = 0
    security_upgrades_days: Days = 0
    keep_unexported: bool = True  # transactions that `export transactions` has not delivered
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "03:30"  # local time


class Metrics(Section, kw_only=True):
    """Prometheus metrics and `/healthz`; off unless a listener is named."""

    listen: str | None = None
    charge_points: Annotated[int, Meta(ge=0, le=2000)] = 100  # that many get metrics of their own

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        try:
            parse_address_setting(self.listen or "0")
        except ValueError as error:
            return f"metrics.listen: {error}"
        return None


Mode = Annotated[str, Meta(pattern=r"^0?[0-7]{3}$")]  # of a file, as chmod has it


class Door(msgspec.Struct, frozen=True):
    """A socket for operators: what whoever may open it may do, and who may open it."""

    right: Literal["read", "reception", "all"]
    path: Path
    group: str
    mode: int
    named: bool  # in the settings; otherwise it is there for the sake of its group


class Control(Section, kw_only=True):
    """The socket for operators."""

    socket: str | None = None
    group: str = "csms"
    mode: Mode = "0660"
    reception_socket: str | None = None  # where its group exists: beside `socket`; "": there is none
    reception_group: str = "csms-reception"
    reception_mode: Mode = "0660"
    read_socket: str | None = None  # likewise
    read_group: str = "csms-read"
    read_mode: Mode = "0660"

    def problem(self) -> str | None:
        """What is wrong beyond the types: "key: reason"."""
        for key, mode in (("mode", self.mode), ("reception_mode", self.reception_mode)):
            if int(mode, 8) & 0o007:
                return f"control.{key}: {mode} lets everybody on this machine in; only read_mode may"
        paths = [path for path in (self.socket, self.reception_socket, self.read_socket) if path]
        if len(set(paths)) < len(paths):
            return "control: two sockets have one path"
        return None


class Log(Section, kw_only=True):
    """What csmsd itself says on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section, kw_only=True):
    """The whole file; every key is described in csmsd.toml(5)."""

    server: Server = msgspec.field(default_factory=Server)
    tls: Tls = msgspec.field(default_factory=Tls)
    security: Security = msgspec.field(default_factory=Security)
    ca: Ca = msgspec.field(default_factory=Ca)
    ocpp: Policies = msgspec.field(default_factory=Policies)
    store: Store = msgspec.field(default_factory=Store)
    files: Files = msgspec.field(default_factory=Files)
    data_transfer: DataTransfer = msgspec.field(default_factory=DataTransfer)
    events: Events = msgspec.field(default_factory=Events)
    load_management: LoadPolicies = msgspec.field(default_factory=LoadPolicies)
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    retention: Retention = msgspec.field(default_factory=Retention)
    control: Control = msgspec.field(default_factory=Control)
    log: Log = msgspec.field(default_factory=Log)

    @property
    def state_directory(self) -> Path:
        return Path(self.store.directory) if self.store.directory else default_state_directory()

    @property
    def socket_path(self) -> Path:
        return Path(self.control.socket) if self.control.socket else default_socket(self.state_directory)

    @property
    def doors(self) -> list[Door]:
        """The sockets for operators, the narrowest first; of those that only a group wants, its group may not exist."""
        control, widest = self.control, self.socket_path

        def narrower(right: Literal["read", "reception"], path: str | None, group: str, mode: str) -> list[Door]:
            if path == "":
                return []
            place = Path(path) if path else widest.with_stem(f"{widest.stem}-{right}")
            return [Door(right, place, group, int(mode, 8), named=path is not None)]

        return [
            *narrower("read", control.read_socket, control.read_group, control.read_mode),
            *narrower("reception", control.reception_socket, control.reception_group, control.reception_mode),
            Door("all", widest, control.group, int(control.mode, 8), named=True),
        ]
