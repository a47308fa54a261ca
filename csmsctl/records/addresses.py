"""Where charge points reach csmsd."""

from csmsctl.invocation import Invocation


def connection_url(run: Invocation, identity: str, security_profile: object) -> str:
    """What to type into the charge point."""
    listen = run.call("daemon.info").get("listen") or []
    host, _, port = str(listen[0] if listen else "0.0.0.0:9000").rpartition(":")
    if host in ("0.0.0.0", "[::]", "::", "*", ""):  # noqa: S104 - compared, not bound
        import socket

        host = socket.gethostname()
    scheme = "wss" if security_profile in (2, 3) else "ws"
    return f"{scheme}://{host}:{port}/ocpp/{identity}"
