"""The live state of the room."""

from csmsd.profiles.security.certificates import Certificates
from csmsd.profiles.security.installed_certificates import InstalledCertificates
from csmsd.profiles.security.security_events import SecurityEvents


class Security:
    """What the site knows of security beyond who may log in."""

    def __init__(self) -> None:
        self.events = SecurityEvents()
        self.certificates = Certificates()
        self.installed_certificates = InstalledCertificates()

    def carry_over(self, old: "Security") -> None:
        """Takes what no file knows from the state that this one replaces."""
        self.events.carry_over(old.events)
