"""What the registration of a charge point must have, for the security profile that it is to use (W 2)."""

from collections.abc import Callable
from typing import Protocol

from csmsd.control.rpc import usage
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold
from csmsd.ports.charge_points import Links
from csmsd.ports.store import PastTransactions
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.core.security_profiles import WITH_KEY, WITH_TLS

_MIN_PASSWORD, _MAX_PASSWORD = 16, 20  # bytes (W A00.FR.205)
_MIN_LEGACY, _MAX_LEGACY = 8, 64  # of those that charge points have that cannot be given another
_MAX_CERTIFICATE_NAME = 64  # RFC 5280, A.1


class Keys(Protocol):
    """How passwords of charge points are made and kept."""

    def generate(self) -> str: ...
    def hash(self, password: str, *, generated: bool) -> str: ...
    def fits(self, password: str, stored: str) -> bool: ...
    def bytes_of(self, password: str) -> bytes: ...


class Registrations(Service):
    """With their connections, how their passwords are made and kept, and what they have left on disk."""

    links: Links
    keys: Keys
    past: PastTransactions
    offers_tls: Callable[[], bool]


def check_key(service: Registrations, password: str | None) -> None:
    """Whether a key that is given is one (W A00.FR.205)."""
    if password is None:
        return
    size = len(service.keys.bytes_of(password))
    if _MIN_PASSWORD <= size <= _MAX_PASSWORD:
        return
    if not service.settings.security.legacy_passwords:
        raise usage(
            f"A password has {_MIN_PASSWORD} to {_MAX_PASSWORD} bytes, or those in hexadecimal digits (W A00.FR.205).",
            "Let csms make one: --generate-password. For a charge point that has another one and cannot be given a new "
            "one: security.legacy_passwords in csmsd.toml",
        )
    if not _MIN_LEGACY <= size <= _MAX_LEGACY:
        raise usage(f"A password has {_MIN_LEGACY} to {_MAX_LEGACY} bytes.")


def check_security(service: Registrations, record: ChargePoint, before: ChargePoint | None) -> None:
    """Whether its security profile has all that it needs, here."""
    security, profile = service.settings.security, record.security_profile
    if profile < security.minimum_profile and (before is None or profile < before.security_profile):
        raise usage(
            f"No charge point is registered with security profile {profile} here.",
            f"Take {security.minimum_profile} or more: --security-profile, with --generate-password for 1 and 2. "
            "What is least is security.minimum_profile in csmsd.toml.",
        )
    if before is not None and profile == before.security_profile:
        return
    if profile in WITH_KEY and record.password_hash is None:
        raise usage(f"Security profile {profile} needs a password.", "Add --generate-password or --password-file FILE.")
    if profile in WITH_TLS and not service.offers_tls():
        raise usage(
            f"Security profile {profile} needs TLS, and there is no certificate for it yet.",
            "Make one (csmsctl cert init), or name one in [[tls.certificates]] of csmsd.toml. A proxy that has it is "
            "named in [[server.listeners]].",
        )
    if profile == 3 and record.certificate_name is None:
        raise usage(
            "Security profile 3 needs the name (CN) that the charge point's certificate bears.",
            f"Add --certificate-name NAME: its serial number{_serial_numbers(record)}, as its certificate has it.",
        )


def _serial_numbers(record: ChargePoint) -> str:
    known = [number for number in (record.serial_number, record.charge_box_serial_number) if number]
    return f" ({' or '.join(dict.fromkeys(known))})" if known else ""


def check_certificate_name(service: Registrations, record: ChargePoint) -> None:
    """W A00.FR.427: of two charge points that one certificate lets in, each is the other."""
    name = record.certificate_name
    if name is None:
        return
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= _MAX_CERTIFICATE_NAME:
        raise usage(f"The name of a certificate has 1 to {_MAX_CERTIFICATE_NAME} printable characters.")
    for state in service.site.charge_points.values():
        if state.record.certificate_name == name and fold(state.id) != fold(record.id):
            raise usage(f"{state.id} has the certificate name {name!r} already.")
