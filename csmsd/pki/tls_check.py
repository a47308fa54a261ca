"""`tls check`: what a charge point would see of a server, and what would keep it away."""

import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from cryptography import x509

from csmsd.pki.lint import EVERYBODY, Finding, described, key_text, lint_chain, names_in
from csmsd.pki.names import UNREADABLE
from csmsd.pki.scan import SUITES, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, VERSIONS, WEAK, NotTls, Offer, ask, ask_context

Kind = Literal["RSA", "ECDSA"]
_CHARGE_POINTS = "charge points that go by the whitepaper"


class Asked(Protocol):
    """What a server chooses among suites, in that version or an older one."""

    async def __call__(self, suites: Sequence[int], version: int = TLS_1_2) -> Offer: ...


async def check_server(
    host: str, port: int, names: Sequence[str], now: datetime, *, timeout: float = 5.0
) -> dict[str, Any]:
    """Versions, suites, certificates and findings, for clients that know the server by these names; without any, by
    those that stand in the certificate. Raises NotTls.
    """
    sni = names[0] if names else host

    async def asked(suites: Sequence[int], version: int = TLS_1_2) -> Offer:
        return await ask(host, port, suites, version, name=sni, timeout=timeout)

    return await _checked(asked, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", names, now)


async def check_context(context: ssl.SSLContext, names: Sequence[str], now: datetime) -> dict[str, Any]:
    """The same of a context of ours."""

    async def asked(suites: Sequence[int], version: int = TLS_1_2) -> Offer:
        return await ask_context(context, suites, version, name=names[0] if names else "localhost")

    return await _checked(asked, None, names, now)


async def _checked(asked: Asked, address: str | None, names: Sequence[str], now: datetime) -> dict[str, Any]:
    offers = {suite: await asked([suite]) for suite in SUITES}
    weak = [offer.suite for offer in [await asked([*WEAK])] if offer.suite is not None]
    versions = {TLS_1_2: any(offer.suite for offer in offers.values())}
    for version in (TLS_1_0, TLS_1_1, TLS_1_3):
        answer = await asked([*SUITES, *WEAK], version)
        versions[version] = answer.version == version
    try:
        return _described(address, names, now, offers, weak, versions)
    except UNREADABLE as error:  # of a server that somebody else has made, or makes up
        raise NotTls(f"its certificate cannot be read: {error}") from None


def _described(
    address: str | None,
    names: Sequence[str],
    now: datetime,
    offers: dict[int, Offer],
    weak: Sequence[int],
    versions: dict[int, bool],
) -> dict[str, Any]:
    chains = _chains(offers)
    findings = [*_of_offers(offers, weak, versions, chains)]
    for kind, chain in chains.items():
        wanted = list(names) or names_in(chain[0])
        findings += [finding._replace(text=f"{kind}: {finding.text}") for finding in lint_chain(chain, wanted, now)]
    return {
        "address": address,
        "names": list(names),
        "versions": [{"version": VERSIONS[one], "offered": versions[one]} for one in sorted(versions, reverse=True)],
        "suites": [
            {
                "suite": name,
                "offered": offers[number].suite == number,
                "certificate": key_text(x509.load_der_x509_certificate(offers[number].certificates[0]))
                if offers[number].certificates
                else None,
                "refusal": offers[number].refusal,
            }
            for number, name in SUITES.items()
        ],
        "certificates": [{"kind": kind, **described(chain)} for kind, chain in chains.items()],
        "findings": [
            {"severity": one.severity, "who": one.who, "text": one.text}
            for one in sorted(findings, key=lambda finding: finding.severity != "refused")
        ],
    }


def _chains(offers: dict[int, Offer]) -> dict[Kind, list[x509.Certificate]]:
    """The chain that goes with each kind of suites."""
    found: dict[Kind, list[x509.Certificate]] = {}
    for number, offer in offers.items():
        kind: Kind = "ECDSA" if "ECDSA" in SUITES[number] else "RSA"
        if offer.certificates and kind not in found:
            found[kind] = [x509.load_der_x509_certificate(der) for der in offer.certificates]
    return found


def _of_offers(
    offers: dict[int, Offer],
    weak: Sequence[int],
    versions: dict[int, bool],
    chains: dict[Kind, list[x509.Certificate]],
) -> list[Finding]:
    found: list[Finding] = []
    old = [VERSIONS[version] for version in (TLS_1_0, TLS_1_1) if versions[version]]
    for name in (*old, *(WEAK[suite] for suite in weak if suite in WEAK)):
        found.append(Finding("warning", "nobody, and attackers like it", f"{name} is offered"))
    if not versions[TLS_1_2]:
        found.append(Finding("refused", EVERYBODY, "none of the suites of the whitepaper is offered with TLS 1.2"))
        return found
    for number, name in SUITES.items():
        required = not name.startswith("TLS_ECDHE_RSA")
        if required and offers[number].suite != number:
            found.append(Finding("refused", f"{_CHARGE_POINTS} and know no other", f"{name} is not offered"))
    return found
