"""What the edges ask of each other, without knowing each other; `daemon.py` joins them."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import msgspec

from csmsd.ocpp.types import Message
from csmsd.profiles.action import Outgoing
from csmsd.profiles.core.metering import Taken
from csmsd.profiles.core.transactions import History, Transaction, Wanted
from csmsd.profiles.record import Change, Event, Milliseconds, Record
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.security.certificates import Certificate


class NoRoom(Exception):
    """A file, or all files together, would be larger than allowed; the text says which limit it is."""

    def __init__(self, text: str, *, too_large: bool = False) -> None:
        super().__init__(text)
        self.too_large = too_large  # this very file


class StoredFile:
    """A file that is kept: its name on disk, its size and its SHA-256."""

    __slots__ = ("sha256", "size", "stored")

    def __init__(self, stored: str, size: int, sha256: str) -> None:
        self.stored = stored
        self.size = size
        self.sha256 = sha256


class FileIntake(Protocol):
    """A file on its way in; all of it may block."""

    size: int

    def write(self, data: bytes) -> None: ...
    def finish(self) -> StoredFile: ...
    def abort(self) -> None: ...


class FileStore(Protocol):
    """The files of firmware and diagnostics, as the edges see them; all of it may block."""

    def begin(self, kind: Literal["firmware", "diagnostics"], limit: int) -> FileIntake: ...
    def read(self, kind: Literal["firmware", "diagnostics"], stored: str, offset: int, length: int) -> bytes: ...
    def remove(self, kind: Literal["firmware", "diagnostics"], stored: str) -> None: ...


class DatabaseCopy(Protocol):
    """A copy of the database as it was in one moment; what is not cancelling it may block."""

    progress: float
    size: int
    sha256: str

    def make(self) -> None: ...
    def write_into(self, target: int) -> None: ...
    def cancel(self) -> None: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def remove(self) -> None: ...


class Removal(NamedTuple):
    """Rows of a kind that are to go: those with one of the values in a column."""

    kind: type[Record]
    column: str
    values: Sequence[int]


PruneKind = Literal[
    "transactions",
    "meter_values",
    "tasks",
    "reservations",
    "firmware_updates",
    "diagnostics",
    "quarantine",
    "audit",
    "security_events",
    "security_upgrades",
]


class PruneCount(NamedTuple):
    """Rows that may go, and those that are old enough but which no export has delivered."""

    rows: int
    kept_unexported: int = 0


class PruneBatch(NamedTuple):
    """Rows that may go in one commit, perhaps none, and the id after which to go on looking."""

    kind: type[Record]
    ids: list[int]
    last: int


class Prunable(Protocol):
    """Finds what is old enough to be pruned and may go."""

    async def count(self, kind: PruneKind, before: Milliseconds, exported: int, now: Milliseconds) -> PruneCount: ...
    async def first_booking_within(self, since: Milliseconds, until: Milliseconds) -> int | None: ...
    async def next(
        self, kind: PruneKind, before: Milliseconds, exported: int, after: int, now: Milliseconds
    ) -> PruneBatch | None: ...
    async def readings_of(self, transactions: Sequence[int]) -> list[int]: ...
    async def reservations(self, before: Milliseconds) -> list[Reservation]: ...
    async def free_pages(self) -> tuple[int, int]: ...


class Shrinker(Protocol):
    """The writer, as pruning needs it besides the way of all changes."""

    async def shrink(self, pages: int) -> None: ...


class NotStored(Exception):
    """The changes are not on disk; the text says why."""


class Disk(Protocol):
    """How the store does."""

    @property
    def failure(self) -> str | None: ...
    @property
    def slow_ms(self) -> int | None: ...


class RecordWriter(Disk, Protocol):
    """The writer, as `LiveSite` sees it. An error that `done` is given, or that is raised, is NotStored."""

    @property
    def accepting(self) -> bool: ...
    def submit(self, changes: Sequence[Change], done: Callable[[NotStored | None], None]) -> None: ...
    def submit_along(self, changes: Sequence[Change], done: Callable[[NotStored | None], None]) -> None: ...
    def no_longer_along(self) -> None: ...
    async def commit(self, changes: Sequence[Change]) -> None: ...
    async def remove(self, removals: Sequence[Removal]) -> None: ...
    def renew(self) -> None: ...


class Places(msgspec.Struct):
    """Whose records are meant: those of these identities, and of those that match a glob."""

    identities: list[str] = []
    globs: list[str] = []

    def has(self, identity: str) -> bool:
        """Whether its records are among them."""
        folded = identity.casefold()
        return folded in {known.casefold() for known in self.identities} or any(
            fnmatchcase(folded, glob.casefold()) for glob in self.globs
        )


T = TypeVar("T")


class Rows(list[T]):
    """What a listing found; with `more` the rest was left out, since these have become long."""

    more = False


class TransactionFilter(msgspec.Struct, kw_only=True):
    """Which transactions are meant; `since` and `until` are about the start. None does not count, limit 0 is all."""

    charge_point: str | None = None
    tag: str | None = None
    state: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    stopped_since: Milliseconds | None = None
    stopped_until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100


class TaskFilter(msgspec.Struct, kw_only=True):
    """Which tasks are meant. None does not count, limit 0 is all; with `most_text` characters no more are read."""

    charge_point: str | None = None
    action: str | None = None
    outcome: str | None = None
    state: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


class AuditFilter(msgspec.Struct, kw_only=True):
    """What of the audit is meant. None does not count, limit 0 is all; with `most_text` characters no more are read."""

    user: str | None = None
    refused: bool | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


class ReservationFilter(msgspec.Struct, kw_only=True):
    """Which reservations are meant. None does not count, limit 0 is all."""

    charge_point: str | None = None
    tag: str | None = None
    state: str | None = None
    number: int | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    limit: int = 100
    offset: int = 0


class OrphanFilter(msgspec.Struct, kw_only=True):
    """Which messages that could not be booked are meant, by when they came. None does not count, limit 0 is all;
    with `most_text` characters no more are read.
    """

    numbers: Sequence[int] | None = None
    charge_point: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    settled: bool = True  # those that are settled as well
    places: Places | None = None
    before_id: int | None = None
    limit: int = 0
    most_text: int = 0


class CertificateFilter(msgspec.Struct, kw_only=True):
    """Which certificates are meant, by when they were asked for. None does not count, limit 0 is all."""

    kind: str | None = None
    state: str | None = None
    number: int | None = None
    fingerprint: str | None = None
    serial: str | None = None
    expiring: Milliseconds | None = None  # those in use, or to be, that are good until then at the most
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


class SecurityEventFilter(msgspec.Struct, kw_only=True):
    """Which security events are meant, by when they came last. None does not count, limit 0 is all."""

    types: Sequence[str] | None = None
    source: str | None = None
    since: Milliseconds | None = None
    until: Milliseconds | None = None
    places: Places | None = None
    before_id: int | None = None
    limit: int = 100
    most_text: int = 0


PastTransaction = tuple[Transaction, list[Taken]]


class PastTransactions(Protocol):
    """What was committed of transactions that memory does not hold, with what was measured of those not over.

    Raises NotStored when the disk cannot be read.
    """

    async def history(self, charge_point: str) -> History: ...
    async def find(self, charge_point: str, wanted: Wanted) -> list[PastTransaction]: ...


class Publisher(Protocol):
    """The event bus, as `LiveSite` sees it: it takes events once what they tell is certain."""

    def publish(self, event: Event) -> None: ...


class Teller(Protocol):
    """`LiveSite`, for those who have news and change nothing."""

    def tell(self, *events: Event) -> None: ...


class Hooks(Protocol):
    """Executables that answer for us."""

    def ask(self, executable: str, question: bytes, then: Callable[[bytes | str], None]) -> None: ...


class MessageTap(Protocol):
    """Sees every OCPP message."""

    def __call__(self, charge_point: str, direction: Literal["in", "out"], text: bytes | str) -> None: ...


class CallEnd:
    """How a CALL of ours ended."""

    __slots__ = ("confirmation", "duration_ms", "error", "outcome", "payload", "sent_at")

    def __init__(
        self,
        outcome: Literal["confirmed", "call_error", "timeout", "not_connected", "unknown", "withdrawn"],
        *,
        confirmation: Message | None = None,
        payload: bytes | None = None,
        error: str | None = None,
        duration_ms: int | None = None,
    ) -> None:
        self.outcome = outcome
        self.confirmation = confirmation
        self.payload = payload
        self.error = error
        self.duration_ms = duration_ms
        self.sent_at: Milliseconds | None = None

    @property
    def never_sent(self) -> bool:
        """Whether it is certain that the charge point has not seen the CALL."""
        waited_in_vain = self.outcome == "timeout" and self.duration_ms is None
        return waited_in_vain or self.outcome in ("not_connected", "withdrawn")


class CallTicket:
    """Lets the one who asked for a CALL withdraw it while it waits in the queue."""

    __slots__ = ("cancelled", "withdraw")

    def __init__(self) -> None:
        self.cancelled = False  # by an operator, for good
        self.withdraw: Callable[[], bool] = lambda: False  # True: it had not been sent and will not be


class Links(Protocol):
    """The connections, as operators' commands need them."""

    def is_connected(self, identity: str) -> bool: ...
    def is_ready(self, identity: str) -> bool: ...
    async def call(
        self,
        identity: str,
        action: str,
        payload: bytes,
        outgoing: Outgoing[Message, Message] | None,
        *,
        timeout: float,
        ticket: "CallTicket",
    ) -> CallEnd: ...
    def disconnect(self, identity: str, reason: str) -> bool: ...


class TlsProblem(Exception):
    """Certificates, keys or lists that cannot be used: the file, what is wrong, and what to do."""


class SignedChain(NamedTuple):
    """A certificate for a charge point: its chain as it is sent (PEM, leaf first), and its number in the books."""

    chain: str
    certificate: int


class NotSigned(NamedTuple):
    """Why there is no certificate; `waiting`: an operator has to sign the request."""

    reason: str
    waiting: bool = False


class CertificateSigner(Protocol):
    """What signs the requests of charge points, here or elsewhere. `max_length` is of the chain, in characters: where
    it is longer, the certificate goes alone.

    The same request is answered with the same certificate. Nothing is tried again by itself.
    """

    async def sign(
        self, csr: str, charge_point: str, *, task: int | None = None, max_length: int = 10_000
    ) -> SignedChain | NotSigned: ...


class HashData(NamedTuple):
    """CertificateHashData (W 6.3): hexadecimal digits, lower case; the serial number without leading zeros."""

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


class RootCertificate(NamedTuple):
    """A root to be installed on charge points, or to be deleted there, under each name that it may be reported by."""

    pem: str
    subject: str  # as RFC 4514 writes it
    serial: str
    fingerprint: str
    not_after: Milliseconds
    names: tuple[HashData, ...]


class CertificateOffice(CertificateSigner, Protocol):
    """The site's certificate authority, as operators know it. All of it raises TlsProblem or NotStored."""

    async def init(self, organization: str, names: Sequence[str]) -> bool: ...
    async def sign_waiting(self, charge_point: str, *, max_length: int = 10_000) -> SignedChain | NotSigned: ...
    async def sign_approved(self, csr: str, charge_point: str) -> SignedChain | NotSigned: ...
    async def renew_servers(self) -> None: ...
    async def revoke(self, number: int, reason: str) -> Certificate | None: ...
    async def export_ca(self, user: str | None) -> str: ...


class TlsState(NamedTuple):
    """`problem`: why the files that there are now are not in use; `ends`: what is in use, until when it is good; of it
    `lists` are those of revoked certificates.
    """

    on: bool
    problem: str | None
    ends: Sequence[tuple[str, Milliseconds]]
    lists: frozenset[str] = frozenset()


class TlsEnd(Protocol):
    """Our end of TLS, as operators know it."""

    @property
    def state(self) -> TlsState: ...

    async def reload(self) -> None:
        """Raises TlsProblem."""
        ...

    async def check(self, host: str, port: int, names: Sequence[str], timeout: float) -> dict[str, Any]:
        """What a charge point would see of a server. Raises TlsProblem for who speaks no TLS."""
        ...

    async def check_own(self, names: Sequence[str]) -> dict[str, Any]:
        """What a charge point would see of our own listeners. Raises TlsProblem while there is no TLS."""
        ...


class Roots(Protocol):
    """Reads root certificates. Both may block."""

    def own_root(self) -> RootCertificate | None:
        """That of our own CA."""
        ...

    def read_root(self, text: str) -> RootCertificate:
        """Of a text in PEM. Raises TlsProblem for what is no self-signed CA."""
        ...


Clock = Callable[[], Milliseconds]
