"""CertificateHashData is what `openssl ocsp` makes."""

import re
import subprocess
from pathlib import Path

import pytest

from csmsd.pki.hash_data import ALGORITHMS, HashAlgorithm, hash_data
from tests.csmsd.pki.conftest import needs_openssl
from tests.csmsd.pki.issuing import Issued, authority, distinguished, issue, rsa_key

EC_ROOT = authority('Root, "odd" Ü')
RSA_ROOT = authority("RSA root", key=rsa_key())
CASES = {
    "ec root": (EC_ROOT, EC_ROOT),
    "rsa root": (RSA_ROOT, RSA_ROOT),
    "leaf": (issue(distinguished("SN1"), EC_ROOT, serial=0x0080_0000_0000_0000_01), EC_ROOT),
    "serial with a leading zero": (issue(distinguished("SN1"), RSA_ROOT, serial=0x0ABC), RSA_ROOT),
}


@needs_openssl
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("case", CASES)
def test_it_is_that_of_openssl(tmp_path: Path, case: str, algorithm: HashAlgorithm) -> None:
    certificate, issuer = CASES[case]
    own, above = certificate.written(tmp_path, "own")[0], issuer.written(tmp_path, "issuer")[0]
    said = subprocess.run(
        ["openssl", "ocsp", f"-{algorithm.lower()}", "-issuer", above, "-cert", own, "-req_text", "-no_nonce"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    said = re.sub(r"\\\n\s*", "", said)  # long ones go over several lines
    name, key, serial = (
        re.search(rf"{what}: ([0-9A-F]+)", said) for what in ("Issuer Name Hash", "Issuer Key Hash", "Serial Number")
    )
    assert name is not None
    assert key is not None
    assert serial is not None

    found = hash_data(certificate.certificate, issuer.certificate, algorithm)

    assert found == (algorithm, name[1].lower(), key[1].lower(), serial[1].lower().lstrip("0"))


def test_a_root_is_its_own_issuer() -> None:
    root: Issued = EC_ROOT
    assert hash_data(root.certificate) == hash_data(root.certificate, root.certificate)
