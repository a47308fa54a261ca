"""The address at which a charge point has reached this machine: files are hosted for it there, too."""

from ipaddress import IPv6Address, ip_address

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
