"""The address at which a charge point has reached this machine: files are hosted for it there, too."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


def reached_at(local: str, host: str | None) -> str:
    """`local` is our end of its connection, `host` its Host header.

    Its own address is one that surely reaches it. Only where that means nothing elsewhere, as behind a proxy on this
    machine, the name counts under which the charge point knows us, when there is one.
    """
    address = _address(local)
    if address is None:
        return local
    if not (address.is_loopback or address.is_link_local):
        return str(address)
    return _host_name(host or "") or str(address)


def is_own_origin(origin: str, local: str, port: int) -> bool:
    """Whether an Origin header names where its request has arrived, as embedded libraries have it: nobody else's page.

    By number alone: a name can be made to lead here by whoever owns it (DNS rebinding), and so can the Host header.
    """
    try:
        parts = urlsplit(origin)
        named = parts.port or {"http": 80, "ws": 80, "https": 443, "wss": 443}.get(parts.scheme)
    except ValueError:
        return False
    own = _address(local)
    return own is not None and named == port and _address(parts.hostname or "") == own


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _host_name(header: str) -> str | None:
    """`NAME`, `NAME:PORT` or `[ADDRESS]:PORT`; it is the charge point's word and must not be anything else."""
    if header.startswith("["):
        name = header[1:].partition("]")[0]
        try:
            return str(IPv6Address(name))
        except ValueError:
            return None
    name = header.partition(":")[0]
    return name if name and len(name) <= 253 and _NAME.issuperset(name) else None
