"""The live state of the room."""

from collections.abc import Callable
from typing import Protocol

from csmsd.profiles.policies import Security as Policy
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.security.certificate_hash_data import Named, same_name
from csmsd.profiles.security.certificates import Certificates
from csmsd.profiles.security.installed_certificates import InstalledCertificates
from csmsd.profiles.security.security_events import SecurityEvents
from csmsd.profiles.security.upgrades import SecurityUpgrades


class Root(Protocol):
    """A root certificate, under each name that charge points may report it by."""

    @property
    def pem(self) -> str: ...
    @property
    def names(self) -> tuple[tuple[str, str, str, str], ...]: ...


class Roots(Protocol):
    """Reads root certificates; a text where it is none says why."""

    def own(self) -> Root | None: ...
    def read(self, text: str) -> Root | str: ...


def _nobody_signs() -> str | None:
    return "nobody signs requests here"


class Security:
    """What the site knows of security beyond who may log in.

    `requests` are those of charge points for a certificate, by identity, until they are looked at.
    """

    def __init__(self) -> None:
        self.events = SecurityEvents()
        self.certificates = Certificates()
        self.installed_certificates = InstalledCertificates()
        self.upgrades = SecurityUpgrades()
        self.requests: dict[str, str] = {}
        self.roots: Roots | None = None
        self.unable_to_sign: Callable[[], str | None] = _nobody_signs
        self.policy = Policy()

    def own_root(self) -> Root | None:
        """That of our own certificate authority."""
        return self.roots.own() if self.roots is not None else None

    def problem_of_root(self, text: str) -> str | None:
        """Why that text in PEM is no root certificate; None: it is, or nobody here can tell."""
        found = self.roots.read(text) if self.roots is not None else None
        return found if isinstance(found, str) else None

    def names_of_root(self, text: str) -> set[Named]:
        """What charge points may call the root of that text in PEM. Raises CannotSend."""
        found = self.roots.read(text) if self.roots is not None else "csmsd cannot read certificates here"
        if isinstance(found, str):
            raise CannotSend(f"That is no root certificate: {found}.")
        return {same_name(*name) for name in found.names}

    def carry_over(self, old: "Security") -> None:
        """Takes what no file knows from the state that this one replaces."""
        self.events.carry_over(old.events)
        self.requests, self.roots, self.unable_to_sign = old.requests, old.roots, old.unable_to_sign
        self.policy = old.policy
