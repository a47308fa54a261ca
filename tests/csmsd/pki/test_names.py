"""Whose a certificate is."""

import pytest
from cryptography.hazmat.primitives import hashes

from csmsd.pki.names import UnusableCertificate, peer_certificate
from tests.csmsd.pki.issuing import authority, distinguished, issue

CA = authority('Root, of "all"')


def test_what_admission_goes_by() -> None:
    issued = issue(distinguished("SN-1"), CA, serial=0x0ABC)
    found = peer_certificate(issued.der)

    assert (found.common_name, found.organization, found.serial) == ("SN-1", "My CPO", "abc")
    assert found.fingerprint == issued.certificate.fingerprint(hashes.SHA256()).hex()
    assert found.issuer == 'CN=Root\\, of \\"all\\",O=My CPO'
    start = int(issued.certificate.not_valid_before_utc.timestamp() * 1000)
    assert (found.not_before, found.not_after) == (start, start + 31 * 86_400_000)
    assert [found.is_valid_at(start + at) for at in (-1, 0, 31 * 86_400_000, 31 * 86_400_000 + 1)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("common_names", "organizations", "reason"),
    [
        ((), ["My CPO"], "no CN"),
        (("SN1", "SN2"), ["My CPO"], "2 CN"),
        (("SN1",), [], "no O"),
        (("SN1",), ["My CPO", "Not My CPO"], "2 O"),
        (("SN1\0.evil",), ["My CPO"], "no name"),
        (("SN1\n",), ["My CPO"], "no name"),
        ((" SN1",), ["My CPO"], "no name"),
        (("SN1",), ["My\tCPO"], "no name"),
    ],
)
def test_a_subject_that_names_nobody_or_several_is_none(
    common_names: tuple[str, ...], organizations: list[str], reason: str
) -> None:
    issued = issue(distinguished(*common_names, organizations=organizations), CA)
    with pytest.raises(UnusableCertificate, match=reason):
        peer_certificate(issued.der)


def test_rubbish_is_none() -> None:
    good = issue(distinguished("SN1", organizations=["My CPO"]), CA).der
    of_bits = good.replace(b"\x0c\x03SN1", b"\x03\x03\x00N1")
    of_version_7 = good.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x06")
    assert good not in (of_bits, of_version_7)
    for der in (b"\x30\x03\x02\x01\x01", of_bits, of_version_7):
        with pytest.raises(UnusableCertificate, match="cannot be read"):
            peer_certificate(der)
