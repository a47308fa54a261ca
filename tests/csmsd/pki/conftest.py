"""A certificate authority on a live site with a database, and openssl beside it."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

import pytest

from csmsd.pki.authority import create_authority, create_server_certificates
from csmsd.pki.own_certificates import OwnCertificates
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.request_signing import RequestSigning
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.certificates import SignedChain
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.core.transactions import History
from csmsd.profiles.security.certificates import Certificate
from csmsd.settings.sections import Settings
from tests.csmsd.stored_site import StoredSite, new_file, opened

ORGANIZATION = "My CPO"


class CertifiedSite(StoredSite):
    """With a clock that is set by hand, and settings of its own."""

    def __init__(self, directory: Path) -> None:
        self.now = int(time() * 1000)
        super().__init__(new_file(directory), lambda: self.now)
        self.settings = Settings()
        self.own = OwnFiles(directory)
        self.contexts = ServerContexts(self.settings.tls, self.own)
        self.certificates = OwnCertificates(self.live, self.settings, self.own, self.contexts)
        self.signing = RequestSigning(self.live, self.settings, self.certificates, self.contexts)

    async def register(self, identity: str = "CP1", **fields: Any) -> ChargePointState:
        record = ChargePoint(id=identity, registered_at=self.now, **fields)
        state = self.live.site.add_charge_point(record, History(None, []))
        await self.live.keep([record])
        return state

    def states(self) -> list[tuple[str, str, str]]:
        """What is on disk."""
        return self.rows("SELECT charge_point, kind, state FROM certificate ORDER BY id")

    def news(self, kind: str) -> list[Any]:
        return [event.data for event in self.told if event.type == kind]


async def signed(site: CertifiedSite, csr: str, charge_point: str = "CP1", **more: Any) -> Certificate:
    """What is in the books of the certificate that it is given."""
    answer = await site.signing.sign(csr, charge_point, **more)
    assert isinstance(answer, SignedChain), answer
    found = site.live.site.security.certificates.get(answer.certificate)
    assert found is not None
    assert found.pem == answer.chain
    return found


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[CertifiedSite]:
    async with opened(CertifiedSite(tmp_path)) as found:
        yield found


@pytest.fixture(scope="session")
def made_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: an RSA key takes long."""
    directory, now = tmp_path_factory.mktemp("certificates"), datetime.now(UTC)
    own = OwnFiles(directory)
    create_server_certificates(own, create_authority(own, ORGANIZATION, now), ["csms.local"], now, 90)
    return directory


@pytest.fixture
async def certified(site: CertifiedSite, made_files: Path) -> CertifiedSite:
    """With a CA, and CP1 whose serial number is SN1."""
    shutil.copytree(made_files, site.path.parent, dirs_exist_ok=True)
    assert not await site.certificates.init(ORGANIZATION, ["csms.local"])
    await site.register(serial_number="SN1")
    return site


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
