"""Requests of charge points for certificates: checked, signed here or elsewhere, and kept before anything is sent.

A certificate that is in no book is refused when somebody connects with it.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.pki.certificate_records import moment_of_certificate, record_of_certificate
from csmsd.pki.own_certificates import OwnCertificates
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.certificates import NotSigned, SignedChain
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.security.certificates import MOST_A_DAY, Certificate
from csmsd.settings.sections import Settings

if TYPE_CHECKING:
    from cryptography import x509

    from csmsd.pki.authority import Authority
    from csmsd.pki.requests import Request

log = logging.getLogger(__name__)


class _Refused(Exception):
    """Why a request is not signed."""

    def __init__(self, reason: str, *, waiting: bool = False) -> None:
        super().__init__(reason)
        self.waiting = waiting


class RequestSigning:
    """Signs what charge points ask for, and what operators bring or let through."""

    def __init__(self, live: LiveSite, settings: Settings, own: OwnCertificates, contexts: ServerContexts) -> None:
        self._live = live
        self._settings = settings
        self._own = own
        self._contexts = contexts
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by charge point

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
        authority = await asyncio.to_thread(self._own.authority)
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
            return await asyncio.to_thread(
                read_chain, answer, request, trusted, moment_of_certificate(self._live.now())
            )
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
        record = record_of_certificate(
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


def _read(csr: str) -> "Request":
    """Blocks, at its first call for 130 ms."""
    from csmsd.pki.requests import RequestRefused, read_request

    try:
        return read_request(csr)
    except RequestRefused as refused:
        raise _Refused(str(refused)) from None


def _issued(authority: "Authority", request: "Request", now: Milliseconds, days: int) -> "x509.Certificate":
    moment = moment_of_certificate(now)
    if moment >= authority.certificate.not_valid_after_utc:
        raise _Refused("the CA itself has expired")
    return authority.issue(request, moment, days)


def _fitting(chain: str, max_length: int) -> str:
    """The chain, or the certificate alone where that is too long."""
    if len(chain) <= max_length:
        return chain
    end = "-----END CERTIFICATE-----\n"
    return chain[: chain.index(end) + len(end)]
