"""The site's own certificate authority and the certificates of csmsd: made, renewed, revoked, and kept in the books.

What is used was committed before: a certificate that is in no book is refused when somebody connects with it.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from csmsd.live_site import LiveSite
from csmsd.pki.certificate_records import fingerprint_of_certificate, moment_of_certificate, record_of_certificate
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.certificates import RootCertificate
from csmsd.ports.store import NotStored
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.security.certificates import Certificate
from csmsd.settings.sections import Settings

if TYPE_CHECKING:
    from cryptography import x509

    from csmsd.pki.authority import Authority

log = logging.getLogger(__name__)

_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


class OwnCertificates:
    """What is in our files and in the books, as operators know it."""

    def __init__(self, live: LiveSite, settings: Settings, own: OwnFiles, contexts: ServerContexts) -> None:
        self._live = live
        self._settings = settings
        self._own = own
        self._contexts = contexts
        self._changing = asyncio.Lock()

    async def open(self) -> None:
        """For the start: what stands in our files is in the books from then on. Whatever is wrong is only told."""
        if self._own.ca_key.exists() or self._own.servers_exist():
            try:
                await self.take_into_books()
            except (TlsProblem, NotStored) as error:
                log.error("csmsd's own certificates: %s", error)

    def authority(self) -> "Authority | None":
        """The site's own; None: there is none. Blocks. Raises TlsProblem."""
        if not self._own.ca_key.exists() and not self._own.ca.exists():
            return None
        from csmsd.pki.authority import load_authority

        return load_authority(self._own)

    # --- made and renewed

    async def init(self, organization: str, names: Sequence[str]) -> bool:
        """Makes a CA and certificates for these names; where there is a CA, the certificates alone, unless they are
        for these names already. Whether anything was made. Raises TlsProblem, NotStored.
        """
        async with self._changing:
            self._live.require()
            authority = await asyncio.to_thread(self.authority)
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
            authority = await asyncio.to_thread(self.authority)
            names = await asyncio.to_thread(self._names_in_use)
            if authority is None or not names:
                raise TlsProblem("there is no certificate of csmsd's own making; make some: csmsctl cert init")
            await asyncio.to_thread(self._make, authority, authority.organization, names)
            await self.take_into_books()
            await self._contexts.reload()

    def _make(self, authority: "Authority | None", organization: str, names: Sequence[str]) -> None:
        """Blocks. Raises TlsProblem."""
        from csmsd.pki.authority import create_authority, create_server_certificates

        now = moment_of_certificate(self._live.now())
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

    async def take_into_books(self) -> None:
        """Keeps what stands in our files and in no book yet: csmsd may have died between both. Raises NotStored,
        TlsProblem.
        """
        found = await asyncio.to_thread(self._in_files)
        self._live.require()
        certificates, now = self._live.site.security.certificates, self._live.now()
        changed: list[Certificate] = []
        for kind, certificate, pem in found:
            record = record_of_certificate(0, certificate, kind=kind, now=now, pem=pem)
            if certificates.find(record.fingerprint) is None:
                record.id, record.state = certificates.new_id(), "used"
                certificates.put(record)
                changed.append(record)
        current = {fingerprint_of_certificate(certificate) for _, certificate, _ in found}
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
            (one.serial, moment_of_certificate(one.changed_at))
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


def _canonical(names: Sequence[str]) -> list[str]:
    """Addresses as they are usually written; each once."""
    from csmsd.pki.authority import canonical_name

    return list(dict.fromkeys(canonical_name(name) for name in names))
