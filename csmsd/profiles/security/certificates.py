"""Certificates that were issued here, and requests for them: what is looked up at every connection (W A00.FR.702, 704).

One that a charge point was sent is not in use yet: the one before it stays good until the new one has connected.
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from csmsd.ocpp.identity import fold
from csmsd.ocpp.timestamps import format_timestamp, optional_timestamp
from csmsd.profiles.own_ids import OwnIds
from csmsd.profiles.record import Change, Data, Event, Milliseconds, Record

CertificateKind = Literal["ca", "server", "charge_point"]
# requested: waits for an operator; issued: signed, and has never connected; used: has connected; replaced: another one
# has connected since.
CertificateState = Literal["requested", "refused", "issued", "used", "replaced", "revoked"]

_DAY_MS = 86_400_000
MOST_A_DAY = 10  # certificates of a charge point


class Certificate(Record, kw_only=True):
    """One that was asked for: what belongs to the certificate itself is empty until it is issued.

    `pem` is the chain as it is sent, leaf first; `csr_hash` the SHA-256 of the request's DER; `task` the number of the
    SignCertificate that is answered with it, where there is one.
    """

    table: ClassVar[str] = "certificate"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    charge_point: str = ""
    kind: CertificateKind
    state: CertificateState
    organization: str
    common_name: str
    issuer: str = ""  # as RFC 4514 writes it
    serial: str = ""  # hexadecimal digits, lower case, without leading zeros
    fingerprint: str = ""  # SHA-256 of the DER, hexadecimal digits, lower case
    key_hash: str = ""  # SHA-256 of the public key (SubjectPublicKeyInfo): no two charge points share one
    not_before: Milliseconds | None = None
    not_after: Milliseconds | None = None
    pem: str = ""
    csr: str = ""
    csr_hash: str = ""
    task: int | None = None
    created_at: Milliseconds
    changed_at: Milliseconds
    reason: str | None = None
    taken_at: Milliseconds | None = None  # when the charge point said that it has taken it

    def described(self) -> Data:
        """As events and listings show it."""
        return {
            "id": self.id,
            "charge_point": self.charge_point or None,
            "kind": self.kind,
            "state": self.state,
            "organization": self.organization,
            "common_name": self.common_name,
            "issuer": self.issuer or None,
            "serial": self.serial or None,
            "fingerprint": self.fingerprint or None,
            "not_before": optional_timestamp(self.not_before),
            "not_after": optional_timestamp(self.not_after),
            "task": self.task,
            "created_at": optional_timestamp(self.created_at),
            "changed_at": optional_timestamp(self.changed_at),
            "taken_at": optional_timestamp(self.taken_at),
            "reason": self.reason,
        }

    def news(self) -> Event:
        return Event("certificate.changed", self.charge_point or None, self.described())


class Certificates(OwnIds):
    """Those that may still be good, and what was refused or revoked, by what they are looked up by."""

    def __init__(self) -> None:
        super().__init__()
        self._by_id: dict[int, Certificate] = {}
        self._by_fingerprint: dict[str, Certificate] = {}
        self._of: dict[str, list[Certificate]] = {}
        self._own_issuers: set[str] = set()

    def put(self, certificate: Certificate) -> None:
        """One that is new, or has changed: a request that was issued has a fingerprint from then on."""
        if certificate.id not in self._by_id:
            self._by_id[certificate.id] = certificate
            self._of.setdefault(fold(certificate.charge_point), []).append(certificate)
        self.begin_ids_after(certificate.id)
        if certificate.fingerprint:
            self._by_fingerprint[certificate.fingerprint] = certificate
        if certificate.kind == "ca":
            self._own_issuers.add(certificate.issuer)  # a root: its own

    def forget(self, certificate: Certificate) -> None:
        """Another record of the same number takes its place."""
        self._by_id.pop(certificate.id, None)
        self._of[fold(certificate.charge_point)].remove(certificate)

    def __iter__(self) -> Iterator[Certificate]:
        return iter(list(self._by_id.values()))

    def get(self, number: int) -> Certificate | None:
        return self._by_id.get(number)

    def find(self, fingerprint: str) -> Certificate | None:
        """By the SHA-256 of its DER, in hexadecimal digits."""
        return self._by_fingerprint.get(fingerprint.lower())

    def of(self, charge_point: str) -> list[Certificate]:
        """Those of a charge point, the oldest first; of an empty name those of the site."""
        return list(self._of.get(fold(charge_point), ()))

    def of_request(self, charge_point: str, csr_hash: str) -> Certificate | None:
        """What became of a request that was made before: charge points repeat theirs."""
        found = [known for known in self.of(charge_point) if known.csr_hash == csr_hash]
        return found[-1] if found else None

    def holder_of_key(self, key_hash: str) -> str | None:
        """The charge point that has a certificate for this very key."""
        return next((known.charge_point for known in self if known.key_hash == key_hash and known.charge_point), None)

    def asked_within_a_day(self, charge_point: str, now: Milliseconds) -> int:
        """How many a charge point was given, or asked for, within a day."""
        return sum(now - known.created_at < _DAY_MS for known in self.of(charge_point))

    def why_refused(self, fingerprint: str, issuer: str, charge_point: str) -> str | None:
        """What speaks against a certificate that TLS has found good; None: nothing.

        One of another CA is none of ours: its O, its CN and that CA's list of revoked ones decide.
        """
        known = self.find(fingerprint)
        if known is None:
            return "its certificate is none that was issued here" if issuer in self._own_issuers else None
        if fold(known.charge_point) != fold(charge_point):
            return f"its certificate was issued to {known.charge_point or 'csmsd itself'}"
        if known.state in ("revoked", "replaced"):
            when = format_timestamp(known.changed_at)
            return f"its certificate was {known.state} at {when}" + (f": {known.reason}" if known.reason else "")
        return None

    def taken(self, charge_point: str, chain: str, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        """A charge point has taken what it was sent, the chain or the certificate alone. In use it is not yet."""
        known = next((one for one in reversed(self.of(charge_point)) if chain and one.pem.startswith(chain)), None)
        if known is None or known.taken_at is not None:
            return [], []
        known.taken_at = now
        return [known], [known.news()]

    def connected_with(self, fingerprint: str, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        """A charge point was let in with it: it is in use from then on, and those before it are not any more."""
        known = self.find(fingerprint)
        if known is None or known.state != "issued":
            return [], []
        moved = [known]
        known.state, known.changed_at = "used", now
        for other in self.of(known.charge_point):
            if other.id < known.id and other.state in ("issued", "used"):
                other.state, other.changed_at, other.reason = "replaced", now, f"by {known.serial}"
                moved.append(other)
        return [*moved], [one.news() for one in moved]

    def revoke(self, certificate: Certificate, reason: str, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        """It is good no more, from the next connection on."""
        certificate.state, certificate.changed_at, certificate.reason = "revoked", now, reason
        return [certificate], [certificate.news()]

    def removed(self, charge_point: str, now: Milliseconds) -> tuple[list[Change], list[Event]]:
        """The charge point is none of the site any more (W 2.6.3, note 2)."""
        changes: list[Change] = []
        events: list[Event] = []
        for known in self.of(charge_point):
            if known.state in ("issued", "used"):
                changed, told = self.revoke(known, "the charge point was removed", now)
                changes += changed
                events += told
            elif known.state == "requested":
                known.state, known.changed_at, known.reason = "refused", now, "the charge point was removed"
                changes.append(known)
                events.append(known.news())
        return changes, events

    def expiring(self, until: Milliseconds) -> Iterable[Certificate]:
        """Those in use, or to be, that are not good any more at that time."""
        return [
            known
            for known in self
            if known.state in ("issued", "used") and known.not_after is not None and known.not_after <= until
        ]

    def current(self, charge_point: str) -> Certificate | None:
        """The newest that is in use, or to be."""
        found = [known for known in self.of(charge_point) if known.state in ("issued", "used")]
        return found[-1] if found else None
