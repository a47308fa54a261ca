"""Where charge points reach csmsd."""

from csmsctl.invocation import Invocation

_SIOCGIFADDR = 0x8915  # netdevice(7)


def connection_urls(run: Invocation, identity: str, security_profile: object) -> list[str]:
    """What to type into the charge point, one of them: by name, and by the addresses that this machine has."""
    listen = run.call("daemon.info").get("listen") or []
    host, _, port = str(listen[0] if listen else "0.0.0.0:9000").rpartition(":")
    hosts = [host]
    if host in ("0.0.0.0", "[::]", "::", "*", ""):  # noqa: S104 - compared, not bound
        import socket

        hosts = [socket.gethostname(), *_machine_addresses()]
    scheme = "wss" if security_profile in (2, 3) else "ws"
    return [f"{scheme}://{host}:{port}/ocpp/{identity}" for host in hosts]


def _machine_addresses() -> list[str]:
    """The IPv4 addresses of the interfaces, without those that only this machine knows."""
    import fcntl
    import socket
    import struct

    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asked, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # it has none
                continue
            found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in found if not address.startswith(("127.", "169.254."))]
