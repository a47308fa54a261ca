"""The site's own authority and certificates: made, renewed, revoked, exported."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from csmsd.pki.own_files import write_file
from csmsd.ports.tls import TlsProblem
from tests.csmsd.pki.conftest import ORGANIZATION, CertifiedSite, signed
from tests.csmsd.pki.issuing import authority, distinguished, issue, request_pem
from tests.csmsd.stored_site import opened


async def test_init_makes_all_of_it_and_uses_it(site: CertifiedSite) -> None:
    assert await site.certificates.init(ORGANIZATION, ["csms.local", "192.168.1.10"])
    assert [(kind, state) for _, kind, state in site.states()] == [
        ("ca", "used"),
        ("server", "used"),
        ("server", "used"),
    ]
    assert site.contexts.context("required") is not None
    assert site.contexts.problem is None
    assert site.certificates.own_root() is not None

    assert not await site.certificates.init(ORGANIZATION, ["CSMS.local", "192.168.1.10"])
    assert len(site.states()) == 3
    root = site.own.ca.read_bytes()
    assert await site.certificates.init(ORGANIZATION, ["csms.local", "10.0.0.1"])
    assert site.own.ca.read_bytes() == root
    assert [state for _, _, state in site.states()] == ["used", "replaced", "replaced", "used", "used"]
    with pytest.raises(TlsProblem, match="there is a CA of 'My CPO' already"):
        await site.certificates.init("Other", ["csms.local"])


async def test_a_clock_that_is_wrong_makes_no_ca(site: CertifiedSite) -> None:
    site.now = 0
    with pytest.raises(TlsProblem, match="1970-01-01"):
        await site.certificates.init(ORGANIZATION, ["csms.local"])
    assert not site.own.ca_key.exists()


async def test_what_csmsd_died_upon_is_taken_into_the_books(certified: CertifiedSite) -> None:
    """Between the files and the commit, or with a database from before."""
    certified.execute("DELETE FROM certificate")
    certified.own.ca.unlink()
    certified.own.crl.unlink()
    await certified.live.recover()
    await certified.certificates.take_into_books()
    await certified.certificates.take_into_books()
    assert sorted(kind for _, kind, _ in certified.states()) == ["ca", "server", "server"]
    assert certified.own.ca.exists()
    assert certified.own.crl.exists()


async def test_the_servers_are_renewed_for_the_same_names(certified: CertifiedSite) -> None:
    before = certified.contexts.context("none")
    rsa = certified.own.rsa.read_bytes()
    await certified.certificates.renew_servers()
    assert certified.contexts.context("none") is not before
    assert certified.own.rsa.read_bytes() != rsa
    assert [state for _, kind, state in certified.states() if kind == "server"] == ["replaced"] * 2 + ["used"] * 2


async def test_revoking_is_seen_at_once_and_in_the_list(certified: CertifiedSite) -> None:
    found = await signed(certified, request_pem("SN1"))
    revoked = await certified.certificates.revoke(found.id, "stolen")
    assert revoked is found
    assert await certified.certificates.revoke(found.id, "again") is found
    assert found.reason == "stolen"
    crl = x509.load_pem_x509_crl(certified.own.crl.read_bytes())
    assert [f"{one.serial_number:x}" for one in crl] == [found.serial]
    assert await certified.certificates.revoke(99, "x") is None
    [root] = [one for one in certified.live.site.security.certificates if one.kind == "ca"]
    with pytest.raises(TlsProblem, match="no certificate of a charge point"):
        await certified.certificates.revoke(root.id, "x")


async def test_the_ca_is_exported_with_its_key_and_that_is_kept(certified: CertifiedSite) -> None:
    text = await certified.certificates.export_ca("ann")
    load_pem_private_key(text.encode(), None)
    milestone = certified.live.site.milestones["ca_export"]
    assert (milestone.user, milestone.number) == ("ann", 1)
    assert certified.rows("SELECT name, user FROM milestone") == [("ca_export", "ann")]


async def test_an_exported_ca_can_be_put_back(certified: CertifiedSite, tmp_path: Path) -> None:
    found = await signed(certified, request_pem("SN1"))
    text = await certified.certificates.export_ca(None)
    (tmp_path / "new").mkdir()
    async with opened(CertifiedSite(tmp_path / "new")) as new:
        write_file(new.own.ca_key, text.encode())
        assert await new.certificates.init(ORGANIZATION, ["csms.local"])
        root, old = new.certificates.own_root(), certified.certificates.own_root()
        assert root == old
        assert found.issuer == f"CN={new.live.site.security.certificates.of('')[0].common_name},O={ORGANIZATION}"


# --- roots


def with_version_7(pem: bytes) -> str:
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    odd = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x06", 1)
    assert odd != der
    return ssl.DER_cert_to_PEM_cert(odd)


async def test_only_a_root_is_one(certified: CertifiedSite) -> None:
    root = authority("Root")
    read = certified.certificates.read_root(root.pem.decode())
    assert (read.subject, read.pem.encode(), len(read.names)) == ("CN=Root,O=My CPO", root.pem, 3)
    between = authority("Between", root)
    for text, reason in (
        ("x", "no certificate in PEM"),
        (with_version_7(root.pem), "no certificate in PEM in it that can be read"),
        ((root.pem + between.pem).decode(), "2 certificates"),
        (between.pem.decode(), "is no root"),
        (issue(distinguished("leaf")).pem.decode(), "is no CA"),
    ):
        with pytest.raises(TlsProblem, match=reason):
            certified.certificates.read_root(text)
