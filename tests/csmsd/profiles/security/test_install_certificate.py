"""InstallCertificate (whitepaper 5.11, M05; TC_075)."""

from typing import Any

import pytest

from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.security.install_certificate import InstallCertificate, InstallCertificateReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.security.roots import OWN, ROOT, TestRoots
from tests.csmsd.profiles.security.test_get_installed_certificate_ids import hash_data, reported


def scene() -> Scene:
    found = Scene()
    found.site.security.roots = TestRoots()
    return found


@pytest.mark.parametrize(
    ("kind", "wire"),
    [("central-system", "CentralSystemRootCertificate"), ("manufacturer", "ManufacturerRootCertificate")],
)
def test_what_is_sent_is_as_specified(kind: Any, wire: str) -> None:
    payload = {"certificateType": wire, "certificate": ROOT}
    assert scene().asks(InstallCertificate(type=kind, certificate=ROOT)) == [payload]
    assert_valid(InstallCertificateReq, payload)
    assert scene().warning(InstallCertificate(type=kind, certificate=ROOT)) is None


def test_our_own_root() -> None:
    (sent,) = scene().asks(InstallCertificate(type="central-system", own_ca=True))
    assert sent["certificate"] == OWN
    without = Scene()
    with pytest.raises(CannotSend, match="cert init"):
        without.asks(InstallCertificate(type="central-system", own_ca=True))


@pytest.mark.parametrize("fields", [{}, {"certificate": ROOT, "own_ca": True}])
def test_one_certificate_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(CannotSend, match="either"):
        scene().asks(InstallCertificate(type="manufacturer", **fields))


def test_a_leaf_is_no_root() -> None:
    """From a leaf a charge point builds no path, and locks itself out."""
    warning = scene().warning(InstallCertificate(type="central-system", certificate="a leaf"))
    assert "it was issued by another" in (warning or "")


def test_no_more_than_it_has_room_for() -> None:
    full = scene()
    key = {"key": "CertificateStoreMaxLength", "readonly": True, "value": "2"}
    full.confirmed("GetConfiguration", {}, {"configurationKey": [key]})
    command = InstallCertificate(type="manufacturer", certificate=ROOT)
    reported(full, hash_data())
    assert full.warning(command) is None
    reported(full, hash_data(), use="ManufacturerRootCertificate")
    assert "CertificateStoreMaxLength" in (full.warning(command) or "")


@pytest.mark.parametrize(
    ("status", "kind", "checked", "said"),
    [
        ("Rejected", "CentralSystemRootCertificate", "true", "signed by the one that it replaces"),
        ("Rejected", "ManufacturerRootCertificate", "true", "no room"),
        ("Rejected", "CentralSystemRootCertificate", "false", "no room"),
        ("Failed", "CentralSystemRootCertificate", "false", ""),
        ("Accepted", "CentralSystemRootCertificate", "true", ""),
    ],
)
def test_why_it_was_refused(status: str, kind: str, checked: str, said: str) -> None:
    found = scene()
    key = {"key": "AdditionalRootCertificateCheck", "readonly": True, "value": checked}
    found.confirmed("GetConfiguration", {}, {"configurationKey": [key]})
    why = found.why("InstallCertificate", {"certificateType": kind, "certificate": ROOT}, {"status": status})
    assert said in why if why is not None else said == ""
