"""SignCertificate (whitepaper 5.17; TC_074): accepted where somebody signs, and kept for him."""

from csmsd.profiles.security.sign_certificate import SignCertificateReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


def test_it_is_as_specified() -> None:
    assert_valid(SignCertificateReq, {"csr": "-----BEGIN CERTIFICATE REQUEST-----"})


def test_where_somebody_signs_it_is_accepted_and_told() -> None:
    scene = Scene()
    scene.site.security.unable_to_sign = lambda: None
    answer = scene.send("SignCertificate", {"csr": "first"})
    assert (answer.payload, answer.event_types, answer.changes) == (
        {"status": "Accepted"},
        ["certificate.requested"],
        [],
    )
    scene.send("SignCertificate", {"csr": "second"})
    assert scene.site.security.requests == {"CP1": "second"}, "only its newest key is still there"


def test_where_nobody_signs_it_is_rejected_with_the_reason() -> None:
    """A02.FR.12"""
    scene = Scene()
    scene.site.security.unable_to_sign = lambda: "ca.signer is off"
    answer = scene.send("SignCertificate", {"csr": "x"})
    assert (answer.payload, answer.event("certificate.refused")) == (
        {"status": "Rejected"},
        {"reason": "ca.signer is off"},
    )
    scene.site.security.unable_to_sign = lambda: None
    assert scene.send("SignCertificate", {"csr": " "}).payload == {"status": "Rejected"}
    assert scene.site.security.requests == {}
