"""Certificates in the books: requests of charge points are signed, our own made and renewed, all of them kept.

What is sent or used was committed before: a certificate that is in no book is refused when somebody connects with it.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from weakref import WeakValueDictionary

from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.certificates import NotSigned, RootCertificate, SignedChain
from csmsd.ports.store import NotStored
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.security.certificates import MOST_A_DAY, Certificate, CertificateKind
from csmsd.settings.sections import Settings

if TYPE_CHECKING:
    from cryptography import x509

    from csmsd.pki.authority import Authority
    from csmsd.pki.requests import Request

log = logging.getLogger(__name__)

_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


class _Refused(Exception):
    """Why a request is not signed."""

    def __init__(self, reason: str, *, waiting: bool = False) -> None:
        super().__init__(reason)
        self.waiting = waiting


class Certification:
    """The certificate authority of the site, as operators and charge points know it."""

    def __init__(self, live: LiveSite, settings: Settings, own: OwnFiles, contexts: ServerContexts) -> None:
        self._live = live
        self._settings = settings
        self._own = own
        self._contexts = contexts
        self._changing = asyncio.Lock()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by charge point

    async def open(self) -> None:
        """For the start: what stands in our files is in the books from then on. Whatever is wrong is only told."""
        if self._own.ca_key.exists() or self._own.servers_exist():
            try:
                await self.take_into_books()
            except (TlsProblem, NotStored) as error:
                log.error("csmsd's own certificates: %s", error)

    # --- requests of charge points

    async def sign(
        self,
        csr: str,
        charge_point: str,
        *,
        task: int | None = None,
        max_length: int = 10_000,
        approved: bool = False,
    ) -> SignedChain | NotSigned:
        """Checks a request and has it signed; `approved`: an operator has looked at it. Raises NotStored."""
        lock = self._locks.setdefault(fold(charge_point), asyncio.Lock())
        try:
            async with lock:
                return await self._sign(csr, charge_point, task, max_length, approved=approved)
        except (_Refused, TlsProblem) as refused:
            waiting = isinstance(refused, _Refused) and refused.waiting
            if not waiting:
                log.warning("%s: its request for a certificate is refused: %s", charge_point, refused)
                self._live.tell(Event("certificate.refused", charge_point, {"reason": str(refused)}))
            return NotSigned(str(refused), waiting)

    async def sign_waiting(self, charge_point: str, *, max_length: int = 10_000) -> SignedChain | NotSigned:
        """Signs the newest request of a charge point that waits for an operator. Raises NotStored."""
        waiting = [one for one in self._live.site.security.certificates.of(charge_point) if one.state == "requested"]
        if not waiting:
            return NotSigned("no request of it waits")
        return await self.sign(
            waiting[-1].csr, charge_point, task=waiting[-1].task, max_length=max_length, approved=True
        )

    async def sign_approved(self, csr: str, charge_point: str) -> SignedChain | NotSigned:
        """Signs what an operator brings for a charge point. Raises NotStored."""
        return await self.sign(csr, charge_point, approved=True)

    async def _sign(
        self, csr: str, charge_point: str, task: int | None, max_length: int, *, approved: bool
    ) -> SignedChain:
        request = await asyncio.to_thread(_read, csr)
        known = self._known(request, charge_point, approved=approved)
        if known is not None and known.pem:
            return SignedChain(_fitting(known.pem, max_length), known.id)
        authority = await asyncio.to_thread(self._authority)
        name = self._require_names(request, charge_point, authority)
        ca = self._settings.ca
        if ca.signer == "off":
            raise _Refused("nobody signs requests here (ca.signer is off)")
        if not (ca.auto_sign or approved):
            if known is None:
                await self._keep_waiting(request, charge_point, task)
            raise _Refused("an operator has to sign it (ca.auto_sign is off)", waiting=True)
        if ca.executable is not None:
            chain = await self._signed_outside(ca.executable, request)
        elif authority is not None:
            chain = [await asyncio.to_thread(_issued, authority, request, self._live.now(), ca.client_days)]
        else:
            raise _Refused("there is no CA here to sign it; make one: csmsctl cert init")
        return await self._keep_issued(request, charge_point, task, chain, max_length, name)

    def _known(self, request: "Request", charge_point: str, *, approved: bool) -> Certificate | None:
        """What became of it before; raises where nothing may come of it."""
        certificates, now = self._live.site.security.certificates, self._live.now()
        known = certificates.of_request(charge_point, request.hash)
        if known is not None and known.state in ("revoked", "replaced"):
            raise _Refused(f"the certificate for this very request was {known.state}; it must make a new key")
        if known is not None and known.state == "refused":
            known = None
        if known is not None and known.pem and (known.not_after or 0) <= now:
            known = None
        holder = certificates.holder_of_key(request.key_hash)
        if holder is not None and fold(holder) != fold(charge_point):
            raise _Refused(f"its key is that of {holder}: each charge point needs one of its own (A00.FR.427)")
        if known is None and not approved and certificates.asked_within_a_day(charge_point, now) >= MOST_A_DAY:
            raise _Refused(f"it has had {MOST_A_DAY} certificates within a day; an operator can sign another one")
        return known

    def _require_names(self, request: "Request", charge_point: str, authority: "Authority | None") -> str:
        """The CN, which is the one that is pinned, or can be."""
        from csmsd.pki.requests import RequestRefused, require_names

        site = self._live.site
        state = site.charge_point(charge_point)
        if state is None:
            raise _Refused("it is not registered")
        organizations = self._settings.security.organizations or ([authority.organization] if authority else [])
        if not organizations:
            raise _Refused("security.organizations is empty: name the O that certificates of charge points must bear")
        try:
            require_names(request, organizations, state.record.certificate_name)
        except RequestRefused as refused:
            raise _Refused(str(refused)) from None
        if state.record.certificate_name is None:
            self._require_own_name(request.common_name, state)
        return request.common_name

    def _require_own_name(self, name: str, state: ChargePointState) -> None:
        """One that boots with the serial number of another must not become that one."""
        pin = f"pin the right one with: cp set {state.id} --certificate-name NAME"
        own = (state.id, state.record.serial_number, state.record.charge_box_serial_number)
        if name not in own:
            raise _Refused(f"its CN is {name!r}, which is neither its identity nor a serial number of it; {pin}")
        for other in self._live.site.charge_points.values():
            record = other.record
            theirs = (record.id, record.certificate_name, record.serial_number, record.charge_box_serial_number)
            if other is not state and name in theirs:
                raise _Refused(f"its CN is {name!r}, which is a name of {other.id}, too; {pin}")

    async def _signed_outside(self, executable: str, request: "Request") -> "list[x509.Certificate]":
        from csmsd.pki.external_signer import SignerFailed, ask_signer, read_chain

        try:
            answer = await ask_signer(executable, request, self._settings.ca.signer_timeout)
            trusted = await asyncio.to_thread(self._trusted)
            return await asyncio.to_thread(read_chain, answer, request, trusted, _moment(self._live.now()))
        except SignerFailed as failed:
            raise _Refused(str(failed)) from None
        except TlsProblem as problem:
            raise _Refused(f"what the signer wrote cannot be checked: {problem}") from None

    def _trusted(self) -> "list[x509.Certificate]":
        from csmsd.pki.contexts import read_certificates

        return [one for path in self._contexts.files().client_ca for one in read_certificates(path)]

    async def _keep_waiting(self, request: "Request", charge_point: str, task: int | None) -> None:
        self._live.require()
        now, certificates = self._live.now(), self._live.site.security.certificates
        record = Certificate(
            id=certificates.new_id(),
            charge_point=charge_point,
            kind="charge_point",
            state="requested",
            organization=request.organization,
            common_name=request.common_name,
            csr=request.pem,
            csr_hash=request.hash,
            task=task,
            created_at=now,
            changed_at=now,
            reason="an operator has to sign it",
        )
        # Each request is of a new key, and the charge point has that one alone.
        older = [one for one in certificates.of(charge_point) if one.state == "requested"]
        for one in older:
            one.state, one.changed_at, one.reason = "refused", now, "it asked anew"
        certificates.put(record)
        await self._live.keep([record, *older], [one.news() for one in (record, *older)])

    async def _keep_issued(
        self,
        request: "Request",
        charge_point: str,
        task: int | None,
        chain: "Sequence[x509.Certificate]",
        max_length: int,
        name: str,
    ) -> SignedChain:
        from csmsd.pki.authority import chain_pem

        self._live.require()
        site, now = self._live.site, self._live.now()
        state = site.charge_point(charge_point)
        if state is None:
            raise _Refused("it was removed meanwhile")
        if state.record.certificate_name not in (None, name):
            raise _Refused("another name was pinned for it meanwhile")
        known = site.security.certificates.of_request(charge_point, request.hash)
        waited = known is not None and known.state == "requested"
        record = _record(
            known.id if known is not None and waited else site.security.certificates.new_id(),
            chain[0],
            kind="charge_point",
            now=now,
            pem=chain_pem(*chain),
            charge_point=charge_point,
        )
        record.csr, record.csr_hash, record.task = request.pem, request.hash, task
        if known is not None and waited:
            record.created_at = known.created_at
            site.security.certificates.forget(known)
        site.security.certificates.put(record)
        changes: list[Change] = [record]
        events = [record.news()]
        if state.record.certificate_name is None:
            state.record.certificate_name = name
            changes.append(state.record)
            events.append(Event("charge_point.changed", state.id, {"certificate_name": name}))
        await self._live.keep(changes, events)
        return SignedChain(_fitting(record.pem, max_length), record.id)

    # --- our own

    async def init(self, organization: str, names: Sequence[str]) -> bool:
        """Makes a CA and certificates for these names; where there is a CA, the certificates alone, unless they are
        for these names already. Whether anything was made. Raises TlsProblem, NotStored.
        """
        async with self._changing:
            self._live.require()
            authority = await asyncio.to_thread(self._authority)
            if authority is not None and authority.organization != organization:
                raise TlsProblem(
                    f"there is a CA of {authority.organization!r} already. Charge points that trust it would trust no "
                    f"other: say --organization {authority.organization!r}, or take {self._own.ca_key.parent} away"
                )
            wanted = _canonical(names)
            if authority is not None and await asyncio.to_thread(self._names_in_use) == wanted:
                await self.take_into_books()
                await self._contexts.reload()
                return False
            await asyncio.to_thread(self._make, authority, organization, wanted)
            await self.take_into_books()
            await self._contexts.reload()
            return True

    async def renew_servers(self) -> None:
        """New certificates of csmsd itself, for the names that they are for, used from now on.

        Raises TlsProblem, NotStored.
        """
        async with self._changing:
            self._live.require()
            authority = await asyncio.to_thread(self._authority)
            names = await asyncio.to_thread(self._names_in_use)
            if authority is None or not names:
                raise TlsProblem("there is no certificate of csmsd's own making; make some: csmsctl cert init")
            await asyncio.to_thread(self._make, authority, authority.organization, names)
            await self.take_into_books()
            await self._contexts.reload()

    def _make(self, authority: "Authority | None", organization: str, names: Sequence[str]) -> None:
        """Blocks. Raises TlsProblem."""
        from csmsd.pki.authority import create_authority, create_server_certificates

        now = _moment(self._live.now())
        if now < _EARLIEST:
            raise TlsProblem(f"the clock of this machine is wrong: it is {now:%Y-%m-%d} there")
        try:
            found = authority or create_authority(self._own, organization, now)
            create_server_certificates(self._own, found, names, now, self._settings.ca.server_days)
        except OSError as error:
            raise TlsProblem(f"{error.filename or self._own.ca_key.parent}: {error.strerror}") from None

    def _names_in_use(self) -> list[str]:
        from csmsd.pki.authority import load_server_certificates, names_of

        found = [names_of(one) for one in load_server_certificates(self._own)]
        return found[0] if found and all(names == found[0] for names in found) else []

    def _authority(self) -> "Authority | None":
        """Blocks. Raises TlsProblem."""
        if not self._own.ca_key.exists() and not self._own.ca.exists():
            return None
        from csmsd.pki.authority import load_authority

        return load_authority(self._own)

    async def take_into_books(self) -> None:
        """Keeps what stands in our files and in no book yet: csmsd may have died between both. Raises NotStored,
        TlsProblem.
        """
        found = await asyncio.to_thread(self._in_files)
        self._live.require()
        certificates, now = self._live.site.security.certificates, self._live.now()
        changed: list[Certificate] = []
        for kind, certificate, pem in found:
            record = _record(0, certificate, kind=kind, now=now, pem=pem)
            if certificates.find(record.fingerprint) is None:
                record.id, record.state = certificates.new_id(), "used"
                certificates.put(record)
                changed.append(record)
        current = {_fingerprint(certificate) for _, certificate, _ in found}
        for known in certificates.of(""):
            if known.kind == "server" and known.state == "used" and known.fingerprint not in current:
                known.state, known.changed_at = "replaced", now
                changed.append(known)
        if changed:
            await self._live.keep(changed, [one.news() for one in changed])

    def _in_files(self) -> "list[tuple[Literal['ca', 'server'], x509.Certificate, str]]":
        from csmsd.pki.authority import chain_pem, load_authority, load_server_certificates, publish

        found: list[tuple[Literal["ca", "server"], x509.Certificate, str]] = []
        authority = load_authority(self._own)
        if authority is not None:
            if not self._own.ca.exists() or not self._own.crl.exists():
                publish(self._own, authority, self._revoked())
            found.append(("ca", authority.certificate, chain_pem(authority.certificate)))
        found += [("server", one, chain_pem(one)) for one in load_server_certificates(self._own)]
        return found

    # --- revoking, exporting

    async def revoke(self, number: int, reason: str) -> Certificate | None:
        """Ends a certificate of a charge point; None: there is none of that number. Raises NotStored, TlsProblem."""
        self._live.require()
        certificates = self._live.site.security.certificates
        known = certificates.get(number)
        if known is None or known.state == "revoked":
            return known
        if known.kind != "charge_point":
            raise TlsProblem(
                "that is no certificate of a charge point; those of csmsd itself are renewed: csmsctl cert renew"
            )
        if known.state == "requested":
            known.state, known.changed_at, known.reason = "refused", self._live.now(), reason
            changes, events = [known], [known.news()]
            await self._live.keep(changes, events)
            return known
        changed, told = certificates.revoke(known, reason, self._live.now())
        await self._live.keep(changed, told)
        await asyncio.to_thread(self._publish_revoked)
        if self._settings.tls.client_crl:
            await self._contexts.reload()
        return known

    def _publish_revoked(self) -> None:
        """The list is for others: csmsd itself looks into its books."""
        from csmsd.pki.authority import load_authority, publish

        authority = load_authority(self._own)
        if authority is not None:
            publish(self._own, authority, self._revoked())

    def _revoked(self) -> list[tuple[str, datetime]]:
        return [
            (one.serial, _moment(one.changed_at))
            for one in self._live.site.security.certificates
            if one.state == "revoked" and one.serial
        ]

    async def export_ca(self, user: str | None) -> str:
        """The key of the CA and its certificate, in PEM: for a safe place. Raises TlsProblem, NotStored."""
        from csmsd.pki.key_files import read_key_file

        if not self._own.ca_key.exists():
            raise TlsProblem("there is no CA here; make one: csmsctl cert init")
        data = await asyncio.to_thread(read_key_file, self._own.ca_key)
        self._live.require()
        number = max((one.id for one in self._live.site.security.certificates.of("") if one.kind == "ca"), default=0)
        milestone = Milestone(name="ca_export", at=self._live.now(), number=number, user=user)
        self._live.site.milestones["ca_export"] = milestone
        await self._live.keep([milestone])
        return data.decode()

    # --- roots

    def own_root(self) -> RootCertificate | None:
        if not self._own.ca.exists():
            return None
        from csmsd.pki.key_files import read_public_file

        return self.read_root(read_public_file(self._own.ca).decode())

    def read_root(self, text: str) -> RootCertificate:
        from csmsd.pki.roots import read_root

        return read_root(text)


# --- records


def _record(
    number: int,
    certificate: "x509.Certificate",
    *,
    kind: CertificateKind,
    now: Milliseconds,
    pem: str,
    charge_point: str = "",
) -> Certificate:
    from csmsd.pki.names import peer_certificate
    from csmsd.pki.requests import key_hash

    read = peer_certificate(_der(certificate))
    return Certificate(
        id=number,
        charge_point=charge_point,
        kind=kind,
        state="issued",
        organization=read.organization,
        common_name=read.common_name,
        issuer=read.issuer,
        serial=read.serial,
        fingerprint=read.fingerprint,
        key_hash=key_hash(certificate.public_key()),
        not_before=read.not_before,
        not_after=read.not_after,
        pem=pem,
        created_at=now,
        changed_at=now,
    )


def _der(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _fingerprint(certificate: "x509.Certificate") -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()


def _read(csr: str) -> "Request":
    """Blocks, at its first call for 130 ms."""
    from csmsd.pki.requests import RequestRefused, read_request

    try:
        return read_request(csr)
    except RequestRefused as refused:
        raise _Refused(str(refused)) from None


def _issued(authority: "Authority", request: "Request", now: Milliseconds, days: int) -> "x509.Certificate":
    moment = _moment(now)
    if moment >= authority.certificate.not_valid_after_utc:
        raise _Refused("the CA itself has expired")
    return authority.issue(request, moment, days)


def _fitting(chain: str, max_length: int) -> str:
    """The chain, or the certificate alone where that is too long."""
    if len(chain) <= max_length:
        return chain
    end = "-----END CERTIFICATE-----\n"
    return chain[: chain.index(end) + len(end)]


def _canonical(names: Sequence[str]) -> list[str]:
    """Addresses as they are usually written; each once."""
    from csmsd.pki.authority import canonical_name

    return list(dict.fromkeys(canonical_name(name) for name in names))


def _moment(now: Milliseconds) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC)
