"""The TLS of a simulated charge point: whom it trusts, and by what it is known itself."""

import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from csmsd.profiles.security.certificate_hash_data import CertificateUse

if TYPE_CHECKING:
    from csmsctl.simulator.charge_point import ChargePoint


class Tls:
    """Its certificates, which outlive a reboot. Without a root of its own it trusts those of the system."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._charge_point = charge_point
        self.always = False  # its URL says so
        self.roots: dict[CertificateUse, list[str]] = {}  # PEM, by what they are trusted for
        self.certificate: tuple[str, str] | None = None  # its own chain and its key, PEM

    @property
    def wanted(self) -> bool:
        """Profiles 2 and 3 have it (whitepaper 2.1)."""
        return self.always or self._charge_point.configuration.integer("SecurityProfile") >= 2

    def context(self) -> ssl.SSLContext | None:
        """What its next connection goes by; None: no TLS."""
        if not self.wanted:
            return None
        roots = self.roots.get("CentralSystemRootCertificate")
        context = ssl.create_default_context(cadata="".join(roots) if roots else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        shown = self._shown() if self._charge_point.configuration.integer("SecurityProfile") == 3 else None
        if shown is not None:
            # Only from a file can a certificate be loaded.
            with tempfile.TemporaryDirectory(prefix="csms-simulator-") as directory:
                chain, key = Path(directory) / "chain.pem", Path(directory) / "key.pem"
                chain.write_text(shown[0])
                key.write_text(shown[1])
                context.load_cert_chain(chain, key)
        return context

    def _shown(self) -> tuple[str, str] | None:
        if not self._charge_point.faults.expires():
            return self.certificate
        from csmsctl.link.certificates import expired_certificate

        point = self._charge_point
        return expired_certificate(point.identity[:25], point.configuration.text("CpoName") or "csms", point.now)
