"""CertificateSigned (whitepaper 5.1; TC_074, TC_077)."""

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.security.certificate_signed import CertificateSignedReq, longest_chain
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


def test_it_is_as_specified() -> None:
    assert_valid(CertificateSignedReq, {"certificateChain": "x" * 10_000})


@pytest.mark.parametrize(("said", "longest"), [(None, 10_000), ("3000", 3000), ("0", 10_000), ("99999", 10_000)])
def test_how_long_a_chain_may_be(said: str | None, longest: int) -> None:
    scene = Scene()
    if said is not None:
        key = {"key": "CertificateSignedMaxChainSize", "readonly": True, "value": said}
        scene.confirmed("GetConfiguration", {}, {"configurationKey": [key]})
    assert longest_chain(scene.target()) == longest
    check = outgoing()["CertificateSigned"].check
    assert check is not None
    assert check(CertificateSignedReq(certificate_chain="x" * longest), scene.target()) is None
    assert "CertificateSignedMaxChainSize" in (
        check(CertificateSignedReq(certificate_chain="x" * (longest + 1)), scene.target()) or ""
    )


def test_one_that_is_not_taken_is_told() -> None:
    scene = Scene()
    settle = outgoing()["CertificateSigned"].settle
    assert settle is not None
    declared = outgoing()["CertificateSigned"].confirmation
    request = CertificateSignedReq(certificate_chain="x")
    told = {status: settle(request, declared(status=status), scene.target())[1] for status in ("Accepted", "Rejected")}
    assert told["Accepted"] == []
    assert [event.type for event in told["Rejected"]] == ["certificate.refused"]
    assert scene.why("CertificateSigned", {"certificateChain": "x"}, {"status": "Accepted"}) is None
    assert "clock" in (scene.why("CertificateSigned", {"certificateChain": "x"}, {"status": "Rejected"}) or "")
