"""Whose a certificate is, and whether it may be used now, by our records; and its path, where a proxy has seen it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from csmsd.pki.client_certificates import ClientCertificates
from csmsd.pki.names import UnusableCertificate, peer_certificate
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.server_contexts import ServerContexts
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.policies import Security
from csmsd.profiles.security.certificates import Certificate, Certificates
from csmsd.settings.sections import Tls
from tests.support.certificates import ORGANIZATION, Pair, authority, client

NOW = int(datetime.now(UTC).timestamp() * 1000)
DAY = 86_400_000


class Known:
    """A site whose own CA is `site`, and that believes in another one's."""

    def __init__(self, directory: Path) -> None:
        self.certificates = Certificates()
        self.security = Security(organizations=[ORGANIZATION])
        self.tls = Tls()
        for name in ("site", "other"):
            file = directory / f"{name}.pem"
            file.write_bytes(authority(name).cert_pem.bytes())
            self.tls.client_ca.append(str(file))
        self.directory = directory
        contexts = ServerContexts(self.tls, OwnFiles(directory))
        self.clients = ClientCertificates(lambda: self.certificates, self.security, contexts)

    def issue(self, pair: Pair, charge_point: str, *, kind: str = "charge_point", state: str = "issued") -> Certificate:
        shown = peer_certificate(pair.der)
        record = Certificate(
            id=self.certificates.new_id(),
            charge_point=charge_point,
            kind=kind,  # type: ignore[arg-type]
            state=state,  # type: ignore[arg-type]
            organization=shown.organization,
            common_name=shown.common_name,
            issuer=shown.issuer,
            fingerprint=shown.fingerprint,
            created_at=NOW,
            changed_at=NOW,
        )
        self.certificates.put(record)
        return record

    def problem(self, pair: Pair, *, of: str = "CP1", name: str | None = "SN1", now: int = NOW) -> str | None:
        return self.clients.problem(ChargePoint(id=of, certificate_name=name, registered_at=0), pair.der, now)


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path)


def test_it_must_be_over_or_not_yet_valid_to_be_refused_for_its_time(known: Known) -> None:
    pair = client("SN1", days=30)
    assert known.problem(pair) is None
    assert known.problem(pair, now=NOW + 29 * DAY) is None
    for now in (NOW + 31 * DAY, NOW - 31 * DAY):
        assert known.problem(pair, now=now) == "it is over, or not valid yet"


def test_the_name_is_the_one_that_is_pinned_and_the_organization_one_of_ours(known: Known) -> None:
    assert known.problem(client("SN1"), name=None) == "no name is pinned that its certificate has to bear"
    assert known.problem(client("SN1"), name="SN") == "its name (CN) is 'SN1', and not 'SN'"
    assert "none of this site's" in str(known.problem(client("SN1", "My CPO 2")))
    known.security.organizations = ["My CPO 2", "My CPO 3"]
    assert known.problem(client("SN1", "My CPO 2")) is None
    assert "none of this site's" in str(known.problem(client("SN1")))


def test_without_organizations_that_are_named_it_is_that_of_our_own_ca(known: Known) -> None:
    known.security.organizations = []
    assert "none of this site's" in str(known.problem(client("SN1")))
    own = client("root of our own", "My CPO", issuer="other")
    known.issue(own, "", kind="ca")
    known.certificates._own_issuers.clear()
    assert known.problem(client("SN1")) is None


def test_one_of_our_own_is_good_for_whom_it_was_issued_to_until_it_is_revoked(
    known: Known,
) -> None:
    pair = client("SN1")
    record = known.issue(pair, "CP1")
    assert known.problem(pair) is None
    assert known.problem(pair, of="cp1") is None
    assert known.problem(pair, of="CP2") == "its certificate was issued to CP1"
    known.certificates.revoke(record, "stolen", NOW)
    assert str(known.problem(pair)).endswith(": stolen")


def test_what_only_looks_like_one_of_ours_is_none(known: Known) -> None:
    """The key of our CA was used past our books: there is nobody whom it was issued to."""
    known.issue(client("SN9"), "", kind="ca")
    known.certificates._own_issuers.add(peer_certificate(client("SN1").der).issuer)
    assert known.problem(client("SN1")) == "its certificate is none that was issued here"


# --- behind a proxy


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        (client("SN1"), None),
        (client("SN1", issuer="other"), None),
        (client("SN1", issuer="nobody"), "no CA that is known here has issued it"),
        (client("SN1", days=-1), "it is over, or not valid yet"),
        (client("SN1", usage=ExtendedKeyUsageOID.SERVER_AUTH), "it is none of a client"),
        (client("SN1", bits=1024), "its key has 1024 bits, and needs 2048"),
        (client("SN1", bits=2048), None),
    ],
    ids=["ours", "theirs", "nobody's", "over", "server", "weak", "rsa"],
)
def test_the_path_of_one_that_a_proxy_has_seen(known: Known, pair: Pair, problem: str | None) -> None:
    assert known.clients.path_problem(pair.der, NOW) == problem


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
@example([])
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_whatever_a_proxy_has_seen_is_good_or_refused(known: Known, changes: list[tuple[int, int]]) -> None:
    """Bytes changed anywhere: the signature covers all of them, and nothing breaks by what is odd."""
    good = client("SN1").der
    broken = bytearray(good)
    for at, byte in changes:
        broken[at % len(broken)] = byte
    der = bytes(broken)
    with suppress(UnusableCertificate):
        peer_certificate(der)
    assert (known.clients.path_problem(der, NOW) is None) is (der == good)


def test_what_is_no_certificate_is_none(known: Known) -> None:
    good = client("SN1").der
    odd = {
        "no ASN.1": b"\x30\x03abc",
        "version": good.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x06"),
        "curve": good.replace(b"\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x2a\x86\x48\xce\x3d\x03\x05\x07"),
        "point": good.replace(b"\x03\x42\x00\x04", b"\x03\x42\x00\x05"),
    }
    for what, der in odd.items():
        assert der != good
        assert "cannot be read" in str(known.clients.path_problem(der, NOW)), what


def test_one_that_its_ca_has_revoked_is_refused_from_the_moment_on_that_its_list_says_so(known: Known) -> None:
    pair, ca = client("SN1", issuer="other"), authority("other")
    root = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    moment = datetime.now(UTC)
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(x509.load_der_x509_certificate(pair.der).serial_number)
        .revocation_date(moment)
        .build()
    )
    tomorrow = moment + timedelta(days=1)
    crl = x509.CertificateRevocationListBuilder().issuer_name(root.subject).last_update(moment).next_update(tomorrow)
    file = known.directory / "other.crl"
    file.write_bytes(crl.sign(ca._private_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    known.tls.client_crl.append(str(file))
    assert known.clients.path_problem(pair.der, NOW) is None
    over = "the list of what its CA has revoked is over"
    assert known.clients.path_problem(pair.der, NOW + 2 * DAY) == over, "as where there is no proxy"
    lists = crl.add_revoked_certificate(revoked).sign(ca._private_key, hashes.SHA256())
    file.unlink()
    file.write_bytes(lists.public_bytes(serialization.Encoding.PEM))
    assert known.clients.path_problem(pair.der, NOW) == "it is revoked"


def test_without_a_file_that_is_named_nobody_is_believed(known: Known) -> None:
    (known.directory / "other.pem").unlink()
    assert "no such file" in str(known.clients.path_problem(client("SN1").der, NOW))
