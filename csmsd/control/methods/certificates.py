"""Certificates: the site's authority, what it issued, and our end of TLS."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NoReturn, Protocol

import msgspec
from msgspec import Meta

from csmsd.control.methods.operations import operation_results_view
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Count,
    Json,
    Method,
    NoParameters,
    RowId,
    RpcError,
    Table,
    forbidden,
    given_time,
    not_there,
    usage,
)
from csmsd.control.service import Service
from csmsd.control.targets import places, resolve_targets
from csmsd.control.turns import MOST_TEXT, in_turns, rest_of
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.operations.command import CALL, Command
from csmsd.operations.options import Options
from csmsd.ports.certificates import CertificateOffice, NotSigned, RequestOffice, Roots
from csmsd.ports.listings import CertificateFilter
from csmsd.ports.tls import TlsEnd, TlsProblem
from csmsd.profiles.security.certificates import Certificate
from csmsd.settings.setting import parse_address_setting

_CHAIN_SIZE_KEY = "CertificateSignedMaxChainSize"
_LONGEST_CHAIN = 10_000  # W 5.2


class OwnAuthority(CertificateOffice, Roots, Protocol):
    """The site's certificate authority, and its root."""


class Certificates(Service):
    """With the authority and its root, the requests of charge points, and our end of TLS."""

    office: OwnAuthority
    requests: RequestOffice
    tls: TlsEnd
    tls_addresses: Callable[[], Sequence[str]]  # where csmsd takes TLS, once it has certificates


class Initial(msgspec.Struct, forbid_unknown_fields=True):
    organization: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]
    names: Annotated[list[str], Meta(min_length=1, max_length=50)]


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    """`expiring_s`: those in use that are good for so many seconds more at the most."""

    targets: list[str] | None = None
    kind: Literal["ca", "server", "charge_point"] | None = None
    state: Literal["requested", "refused", "issued", "used", "replaced", "revoked"] | None = None
    expiring_s: Annotated[int, Meta(ge=0, le=10**10)] | None = None
    since: str | None = None
    until: str | None = None
    limit: Count = 100
    before_id: RowId | None = None


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """By its number, its SHA-256 fingerprint, its serial number, or the newest of a charge point."""

    certificate: Annotated[str, Meta(min_length=1, max_length=200)]


class Signing(msgspec.Struct, forbid_unknown_fields=True):
    """Without a `csr` the request that waits is signed, and the certificate sent; `timeout` in seconds."""

    charge_point: str
    csr: Annotated[str, Meta(max_length=5500)] | None = None
    timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None


class Revocation(msgspec.Struct, forbid_unknown_fields=True):
    """A number is that of a certificate alone; text may be an identity, too, and a charge point be called 12."""

    certificate: Annotated[str, Meta(min_length=1, max_length=200)] | RowId
    reason: Annotated[str, Meta(min_length=1, max_length=255)]


class Checked(msgspec.Struct, forbid_unknown_fields=True):
    """Without an `address` our own listeners; `timeout` in seconds for each question."""

    address: str | None = None
    names: Annotated[list[str], Meta(max_length=50)] = []
    timeout: Annotated[float, Meta(gt=0, le=60)] = 5.0


def _view(certificate: Certificate) -> Json:
    return certificate.described()


def _failed(error: TlsProblem) -> NoReturn:
    text = str(error)
    raise RpcError(1, text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")) from None


async def init_certificates(service: Certificates, parameters: Initial, caller: Caller) -> Json:
    if not parameters.organization.isprintable():
        raise usage("The organization has characters that are no text.")
    try:
        changed = await service.office.init(parameters.organization, parameters.names)
    except TlsProblem as error:
        _failed(error)
    own = [one for one in service.site.security.certificates.of("") if one.state == "used"]
    return {
        "changed": changed,
        "certificates": [_view(one) for one in own],
        "root": _root(service)["pem"],
        "listen": service.tls_addresses(),
        "minimum_profile": service.settings.security.minimum_profile,
    }


async def list_certificates(service: Certificates, parameters: Listing, caller: Caller) -> Json:
    """Newest first."""
    soon = parameters.expiring_s
    found = await service.reader.certificates(
        CertificateFilter(
            kind=parameters.kind,
            state=parameters.state,
            expiring=None if soon is None else service.now() + soon * 1000,
            since=given_time(parameters.since),
            until=given_time(parameters.until),
            places=places(service.site, parameters.targets),
            before_id=parameters.before_id,
            limit=parameters.limit,
            most_text=MOST_TEXT,
        )
    )
    views = await in_turns(found, _view)
    return {"schema_version": SCHEMA_VERSION, "certificates": views} | rest_of(found)


async def show_certificate(service: Certificates, parameters: Which, caller: Caller) -> Json:
    """With the certificate itself, and its issuing CAs as they are sent; of a request that waits the request."""
    known = await _find(service, parameters.certificate)
    return {"schema_version": SCHEMA_VERSION, **_view(known), "pem": known.pem or None, "csr": known.csr or None}


async def _find(service: Certificates, text: str | int) -> Certificate:
    if isinstance(text, int):
        return await _find_one(service, str(text), [CertificateFilter(number=text)])
    plain = text.replace(":", "").lower()
    state = service.site.charge_point(text)
    if state is not None:
        of_it = service.site.security.certificates.of(state.id)
        if not of_it:
            raise not_there(f"{state.id} has no certificate of ours.", "See: csmsctl cert list")
        return service.site.security.certificates.current(state.id) or of_it[-1]
    wanted = [CertificateFilter(fingerprint=plain), CertificateFilter(serial=plain.lstrip("0"))]
    if text.isascii() and text.isdecimal() and len(text) < 19:
        wanted.insert(0, CertificateFilter(number=int(text)))
    return await _find_one(service, text, wanted)


async def _find_one(service: Certificates, text: str, wanted: list[CertificateFilter]) -> Certificate:
    for one in wanted:
        found = await service.reader.certificates(one)
        if len(found) > 1:
            raise usage(f"{len(found)} certificates have the serial number {text}.", "Say which by its fingerprint.")
        if found:
            return service.site.security.certificates.get(found[0].id) or found[0]
    raise not_there(f"There is no certificate {text}.", "See: csmsctl cert list")


async def show_root(service: Certificates, parameters: NoParameters, caller: Caller) -> Json:
    return {"schema_version": SCHEMA_VERSION, **_root(service)}


def _root(service: Certificates) -> Json:
    try:
        root = service.office.own_root()
    except TlsProblem as error:
        _failed(error)
    if root is None:
        raise not_there("There is no CA here.", "Make one: csmsctl cert init")
    return {
        "subject": root.subject,
        "serial": root.serial,
        "fingerprint": root.fingerprint,
        "pem": root.pem,
        "hash_data": [one._asdict() for one in root.names],
    }


async def sign_certificate(service: Certificates, parameters: Signing, caller: Caller) -> Json:
    """Signs and, where the charge point had asked for it, sends. What was brought is for who brought it."""
    [state] = resolve_targets(service.site, [parameters.charge_point])
    try:
        if parameters.csr is not None:
            signed = await service.requests.sign_approved(parameters.csr, state.id)
        else:
            longest = state.configured(_CHAIN_SIZE_KEY) or ""
            limit = int(longest) if longest.isascii() and longest.isdecimal() else _LONGEST_CHAIN
            signed = await service.requests.sign_waiting(state.id, max_length=min(limit, _LONGEST_CHAIN))
    except TlsProblem as error:
        _failed(error)
    if isinstance(signed, NotSigned):
        raise forbidden(f"Nothing is signed for {state.id}: {signed.reason}.")
    known = service.site.security.certificates.get(signed.certificate)
    answer: Json = {
        "schema_version": SCHEMA_VERSION,
        "certificate": None if known is None else _view(known),
        "pem": signed.chain,
        "results": [],
    }
    if parameters.csr is not None:
        return answer
    command = Command(CALL, {"action": "CertificateSigned", "payload": {"certificateChain": signed.chain}})
    options = Options(
        timeout=parameters.timeout or service.settings.ocpp.call_timeout, force=True, user=caller.user, uid=caller.uid
    )
    results = await service.runner.run([state], command.start(), options)
    return answer | operation_results_view(results)


async def renew_servers(service: Certificates, parameters: NoParameters, caller: Caller) -> Json:
    """Of csmsd itself, for the names that they are for."""
    try:
        await service.office.renew_servers()
    except TlsProblem as error:
        _failed(error)
    own = [one for one in service.site.security.certificates.of("") if one.kind == "server" and one.state == "used"]
    return {"changed": True, "certificates": [_view(one) for one in own]}


async def revoke_certificate(service: Certificates, parameters: Revocation, caller: Caller) -> Json:
    """It is refused from the next connection on; one that is open stays (W 2.6.3).

    Of a charge point all that are good or may be: who has stolen it does not use the newest.
    """
    named = parameters.certificate
    found = await _find(service, named)
    state = service.site.charge_point(named) if isinstance(named, str) else None
    of_it = service.site.security.certificates.of(state.id) if state is not None else []
    wanted = [one for one in of_it if one.state in ("requested", "issued", "used")]
    if not wanted and found.state in ("revoked", "refused"):
        return {"changed": False, "certificate": _view(found), "certificates": [_view(found)]}
    ended = []
    for one in wanted or [found]:
        before = one.state
        try:
            revoked = await service.office.revoke(one.id, parameters.reason)
        except TlsProblem as error:
            _failed(error)
        if revoked is None:
            raise forbidden(f"Certificate {one.id} is {before}: it lets nobody in.")
        ended.append(revoked)
    return {"changed": True, "certificate": _view(ended[-1]), "certificates": [_view(one) for one in ended]}


async def export_ca(service: Certificates, parameters: NoParameters, caller: Caller) -> Json:
    """The key of the CA. Whoever has it can make certificates that are believed: it belongs off this machine."""
    try:
        return {"pem": await service.office.export_ca(caller.user)}
    except TlsProblem as error:
        _failed(error)


async def reload_tls(service: Certificates, parameters: NoParameters, caller: Caller) -> Json:
    """Reads certificates, keys and lists anew; connections that are open stay."""
    try:
        await service.tls.reload()
    except TlsProblem as error:
        raise RpcError(1, f"The certificates of before stay in use: {error}.") from None
    state = service.tls.state
    return {"on": state.on, "ends": [{"file": path, "at": format_timestamp(end)} for path, end in state.ends]}


async def check_tls(service: Certificates, parameters: Checked, caller: Caller) -> Json:
    """Our own listeners are asked without a connection: nobody was refused, and nothing is to be told of it."""
    try:
        if parameters.address is None:
            found = await service.tls.check_own(parameters.names)
        else:
            host, port = parse_address_setting(parameters.address)
            found = await service.tls.check(host, port, parameters.names, parameters.timeout)
    except TlsProblem as error:
        _failed(error)
    except ValueError as error:
        raise usage(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    return {"schema_version": SCHEMA_VERSION} | found


METHODS: Table[Certificates] = {
    "certificate.init": Method(Initial, init_certificates, ALL),
    "certificate.list": Method(Listing, list_certificates, READ),
    "certificate.show": Method(Which, show_certificate, READ),
    "certificate.root": Method(NoParameters, show_root, READ),
    "certificate.sign": Method(Signing, sign_certificate, ALL),
    "certificate.renew": Method(NoParameters, renew_servers, ALL),
    "certificate.revoke": Method(Revocation, revoke_certificate, ALL),
    "certificate.export_ca": Method(NoParameters, export_ca, ALL),
    "tls.reload": Method(NoParameters, reload_tls, ALL),
    "tls.check": Method(Checked, check_tls, ALL),
}
