"""Addresses of charge points, and the one at which they have reached this machine: files are hosted there, too."""

from ipaddress import IPv6Address, IPv6Network, ip_address

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


def reached_at(local: str, host: str | None) -> str:
    """`local` is our end of its connection, `host` its Host header.

    Its own address is one that surely reaches it. Only where that means nothing elsewhere, as behind a proxy on this
    machine, the name counts under which the charge point knows us, when there is one.
    """
    try:
        address = ip_address(local.partition("%")[0])
    except ValueError:
        return local
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not (address.is_loopback or address.is_link_local):
        return str(address)
    return _host_name(host or "") or str(address)


def origin_of(address: str) -> str:
    """What counts as one address where there are limits: of IPv6 a /64, in which everybody has as many as he likes."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))


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
