"""What proxies say of the charge points behind them, and who is believed (RFC 7239's forerunners, RFC 9440).

Anybody can write these headers. They count on listeners that only named proxies come to, and nowhere else.
"""

import base64
import binascii
from ipaddress import ip_address, ip_network

from csmsd.charge_points.opening import Opening
from csmsd.settings.sections import ListenerAt

_FOR, _PROTO, _CERTIFICATE = "X-Forwarded-For", "X-Forwarded-Proto", "Client-Cert"
_OF_PROXIES = (_FOR, _PROTO, "Forwarded")
_OF_CERTIFICATES = (_CERTIFICATE, "Client-Cert-Chain")
_WITH_TLS = frozenset({"https", "wss"})
BY_PROXY = "proxy"  # what is known of TLS that a proxy has


class NotBelieved(Exception):
    """Headers that nobody may send here, or that say nothing; the text names them."""


def is_peer(kind: ListenerAt, address: str) -> bool:
    """Whether a listener is for connections from there."""
    if not kind.peers:
        return True
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(found in ip_network(peer) for peer in kind.peers)


def look_behind_proxy(kind: ListenerAt, opening: Opening) -> None:
    """Has the opening tell of the charge point, not of the proxy that it came through. Raises NotBelieved."""
    forwarded = [part.strip() for value in opening.headers(_FOR) for part in value.split(",")]
    # What stands before the last one was said by those whom the proxy forwards.
    address = forwarded[-1].strip('"') if forwarded else ""
    if address.count(":") == 1:
        address = address.partition(":")[0]
    # Where it is valid says the proxy's machine, not whose it is: with that everybody would have addresses without end.
    address = address.partition("]")[0].lstrip("[").partition("%")[0]
    try:
        opening.address = str(ip_address(address))
    except ValueError:
        raise NotBelieved(f"{_FOR} names no address") from None
    protocols = [part.strip().casefold() for value in opening.headers(_PROTO) for part in value.split(",")]
    opening.tls = BY_PROXY if protocols and protocols[-1] in _WITH_TLS else None
    opening.certificate = _certificate(opening) if opening.tls is not None else None


def refuse_what_proxies_say(opening: Opening, *, strict: bool) -> None:
    """Raises NotBelieved for a certificate in a header, and for the address of somebody else where `strict`."""
    for name in (*_OF_CERTIFICATES, *(_OF_PROXIES if strict else ())):
        if opening.has(name):
            raise NotBelieved(name)


def _certificate(opening: Opening) -> bytes | None:
    """In DER; as a byte sequence of structured fields (RFC 9440, 2.2; RFC 8941, 3.3.5)."""
    values = opening.headers(_CERTIFICATE)
    if not values:
        return None
    text = values[0].strip()
    try:
        if len(values) > 1 or len(text) < 3 or text[0] != ":" or text[-1] != ":":
            raise ValueError
        return base64.b64decode(text[1:-1], validate=True)
    except (binascii.Error, ValueError):
        raise NotBelieved(f"{_CERTIFICATE} is no certificate as in RFC 9440") from None
