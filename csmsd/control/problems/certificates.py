"""What is wrong with certificates, or soon will be: of csmsd's own end of TLS, of its CA, and of a charge point."""

from collections.abc import Iterator
from shlex import quote

from csmsd.control.problems.problem import Problem, problem
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ports.tls import TlsState
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_DAY_MS = 86_400_000
_WARN_OF_FILES_MS = 14 * _DAY_MS  # csmsd renews its own long before
_WARN_OF_LISTS_MS = 2 * _DAY_MS  # they are good for a week, or less
_WARN_OF_CHARGE_POINTS_MS = 30 * _DAY_MS
_WARN_OF_UNUSED_MS = 7 * _DAY_MS  # it has a new one, which shows when it connects
_WARN_OF_CA_MS = 365 * _DAY_MS  # every charge point needs the new root before


def certificate_problems_of_site(site: Site, tls: TlsState, now: Milliseconds) -> Iterator[Problem]:
    """Files that cannot be used or expire, and a CA whose key is nowhere else."""
    if tls.problem is not None:
        used = "the certificates of before are used" if tls.on else "there is no TLS"
        yield Problem(kind="tls_failing", severity="critical", text=f"{used}: {tls.problem}", next="csmsctl tls reload")
    authorities = [one for one in site.security.certificates.of("") if one.kind == "ca"]
    authority = authorities[-1] if authorities else None
    for path, end in tls.ends:
        is_list = path in tls.lists
        if end - now < (_WARN_OF_LISTS_MS if is_list else _WARN_OF_FILES_MS):
            over = end <= now
            text = f"{path} {'has expired' if over else 'expires'} at {format_timestamp(end)}"
            if is_list:
                text += ": without a newer one, whoever has a certificate of that CA is refused"
            yield Problem(
                kind="certificate_expiring",
                severity="critical" if over else "warning",
                text=text,
                next="csmsctl tls reload" if is_list else "csmsctl tls check",
            )
    if authority is None:
        return
    if authority.not_after is not None and authority.not_after - now < _WARN_OF_CA_MS:
        yield Problem(
            kind="certificate_expiring",
            severity="warning",
            text=f"the CA {authority.common_name} expires at {format_timestamp(authority.not_after)}",
            next=f"csmsctl cert show {authority.id}",
        )
    exported = site.milestones.get("ca_export")
    if exported is None or exported.number != authority.id:
        yield Problem(
            kind="ca_not_exported",
            severity="warning",
            text="the key of the CA is on this machine alone, and in no backup: when it is lost, so is the way to "
            "every charge point that trusts it",
            next="csmsctl cert export-ca FILE",
            since=authority.created_at,
        )


def certificate_problems(state: ChargePointState, site: Site, now: Milliseconds) -> Iterator[Problem]:
    """A request that waits, and a certificate that ends before there is another one."""
    certificates = site.security.certificates
    for known in certificates.of(state.id):
        if known.state == "requested":
            yield problem(
                state,
                "certificate_requested",
                "its request for a certificate waits for an operator",
                f"csmsctl cert sign {quote(state.id)}",
                since=known.created_at,
            )
    current = certificates.current(state.id)
    used = next((one for one in reversed(certificates.of(state.id)) if one.state == "used"), current)
    ends = used.not_after if used is not None else None
    if current is None or ends is None:
        return
    waits = current is not used and (current.not_after or 0) - now >= _WARN_OF_CHARGE_POINTS_MS
    if ends - now >= (_WARN_OF_UNUSED_MS if waits else _WARN_OF_CHARGE_POINTS_MS):
        return
    over = ends <= now
    text = f"its certificate {'has expired' if over else 'expires'} at {format_timestamp(ends)}"
    yield problem(
        state,
        "certificate_expiring",
        f"{text}, and it has not connected with the new one" if waits else text,
        f"csmsctl cp disconnect {quote(state.id)}" if waits else f"csmsctl cert renew {quote(state.id)}",
        since=None,
        severity="critical" if over and state.record.security_profile == 3 else "warning",
    )
