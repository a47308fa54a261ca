"""Requests of charge points, from the text to the books; what is refused and why."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from csmsd.ports.certificates import NotSigned, SignedChain
from csmsd.ports.store import NotStored
from csmsd.profiles.security.certificates import MOST_A_DAY
from tests.csmsd.pki.conftest import ORGANIZATION, CertifiedSite, signed
from tests.csmsd.pki.issuing import Issued, authority, distinguished, ec_key, issue, request, request_pem

DAY = 86_400_000


async def refused(site: CertifiedSite, csr: str, charge_point: str = "CP1") -> str:
    answer = await site.signing.sign(csr, charge_point)
    assert isinstance(answer, NotSigned)
    assert not answer.waiting
    assert site.news("certificate.refused")[-1] == {"reason": answer.reason}
    return answer.reason


# --- requests


async def test_a_request_is_signed_and_kept_before_anything_is_sent(certified: CertifiedSite) -> None:
    found = await signed(certified, request_pem("SN1"), task=7)

    leaf = x509.load_pem_x509_certificate(found.pem.encode())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(certified.own.ca.read_bytes()))
    assert found.fingerprint == leaf.fingerprint(hashes.SHA256()).hex()
    assert (found.organization, found.common_name, found.state, found.task) == (ORGANIZATION, "SN1", "issued", 7)
    assert certified.states()[-1] == ("CP1", "charge_point", "issued")
    assert certified.news("certificate.changed")[-1]["fingerprint"] == found.fingerprint
    assert "\r" not in found.pem
    assert certified.live.site.security.certificates.why_refused(found.fingerprint, found.issuer, "CP1") is None
    state = certified.live.site.charge_point("CP1")
    assert state is not None
    assert state.record.certificate_name == "SN1"
    assert certified.rows("SELECT certificate_name FROM charge_point") == [("SN1",)]


async def test_the_same_request_gets_the_same_certificate(certified: CertifiedSite) -> None:
    csr = request_pem("SN1")
    answers = await asyncio.gather(*(certified.signing.sign(csr, "CP1") for _ in range(5)))
    assert len(set(answers)) == 1
    assert await certified.signing.sign(csr.replace("\n", "\\n"), "cp1") == answers[0]
    assert [row[1] for row in certified.states()].count("charge_point") == 1


async def test_one_that_has_expired_is_issued_anew(certified: CertifiedSite) -> None:
    csr = request_pem("SN1")
    first = await signed(certified, csr)
    certified.now = (first.not_after or 0) + 1
    again = await signed(certified, csr)
    assert again.id != first.id
    assert (again.not_after or 0) > certified.now


async def test_a_chain_that_is_too_long_goes_without_its_cas(certified: CertifiedSite) -> None:
    root, between, signer = _outside(certified)
    _answer(certified, issue(distinguished("SN1"), between, key=_key(signer)), between, root)
    csr = signer.public_bytes(Encoding.PEM).decode()
    whole = await certified.signing.sign(csr, "CP1")
    alone = await certified.signing.sign(csr, "CP1", max_length=1000)
    assert isinstance(whole, SignedChain)
    assert isinstance(alone, SignedChain)
    assert whole.chain.startswith(alone.chain)
    assert [text.count("BEGIN CERTIFICATE") for text in (whole.chain, alone.chain)] == [2, 1]


async def test_refusals_have_a_reason(certified: CertifiedSite) -> None:
    assert "neither PEM" in await refused(certified, "?")
    assert "not registered" in await refused(certified, request_pem("SN1"), "CP9")
    assert "must be 'My CPO'" in await refused(certified, request_pem("SN1", organizations=["Not My CPO"]))
    assert "neither its identity nor a serial number of it" in await refused(certified, request_pem("SN2"))
    certified.settings.ca.signer = "off"
    assert "ca.signer is off" in await refused(certified, request_pem("SN1"))
    assert "charge_point" not in {kind for _, kind, _ in certified.states()}


async def test_without_a_ca_nothing_is_signed(site: CertifiedSite) -> None:
    await site.register(serial_number="SN1")
    assert "security.organizations is empty" in await refused(site, request_pem("SN1"))
    site.settings.security.organizations = [ORGANIZATION]
    assert "there is no CA here" in await refused(site, request_pem("SN1"))


async def test_who_boots_with_the_serial_number_of_another_does_not_become_that_one(certified: CertifiedSite) -> None:
    await certified.register("CP2", serial_number="SN1")
    for identity in ("CP1", "CP2"):
        assert "--certificate-name" in await refused(certified, request_pem("SN1"), identity)
    state = certified.live.site.charge_point("CP1")
    assert state is not None
    state.record.certificate_name = "SN1"  # an operator knows
    assert (await signed(certified, request_pem("SN1"))).charge_point == "CP1"
    assert "a name of CP1, too" in await refused(certified, request_pem("SN1"), "CP2")


async def test_a_pinned_name_is_the_one_whatever_it_boots_with(certified: CertifiedSite) -> None:
    await signed(certified, request_pem("SN1"))
    state = certified.live.site.charge_point("CP1")
    assert state is not None
    state.record.serial_number = "SN2"
    assert "bear 'SN1'" in await refused(certified, request_pem("SN2"))
    await signed(certified, request_pem("SN1"))


@pytest.mark.parametrize("name", ["CP1", "SN1", "BOX1"])
async def test_identity_and_both_serial_numbers_are_names(certified: CertifiedSite, name: str) -> None:
    state = certified.live.site.charge_point("CP1")
    assert state is not None
    state.record.charge_box_serial_number = "BOX1"
    assert (await signed(certified, request_pem(name))).common_name == name


async def test_no_two_charge_points_have_one_key(certified: CertifiedSite) -> None:
    key = ec_key()
    await signed(certified, request_pem("SN1", key=key))
    await certified.register("CP2", serial_number="SN2")
    assert "is that of CP1" in await refused(certified, request_pem("SN2", key=key), "CP2")


async def test_a_request_whose_certificate_was_revoked_is_not_signed_again(certified: CertifiedSite) -> None:
    csr = request_pem("SN1")
    found = await signed(certified, csr)
    await certified.certificates.revoke(found.id, "key lost")
    assert "must make a new key" in await refused(certified, csr)
    assert certified.states()[-1] == ("CP1", "charge_point", "revoked")


async def test_who_asks_all_the_time_is_not_signed_for_ever(certified: CertifiedSite) -> None:
    for _ in range(MOST_A_DAY):
        await signed(certified, request_pem("SN1"))
    assert f"{MOST_A_DAY} certificates within a day" in await refused(certified, request_pem("SN1"))
    certified.now += DAY
    await signed(certified, request_pem("SN1"))


async def test_what_cannot_be_kept_is_not_signed(certified: CertifiedSite) -> None:
    certified.execute("CREATE TRIGGER t BEFORE INSERT ON certificate BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(NotStored):
        await certified.signing.sign(request_pem("SN1"), "CP1")


async def test_a_ca_that_cannot_be_used_is_a_reason_not_to_sign(certified: CertifiedSite) -> None:
    certified.own.ca_key.chmod(0o644)
    assert "mode 0644" in await refused(certified, request_pem("SN1"))
    certified.own.ca_key.unlink()
    assert "csmsctl cert export-ca" in await refused(certified, request_pem("SN1"))


# --- requests that wait


async def test_an_operator_signs_what_waits(certified: CertifiedSite) -> None:
    certified.settings.ca.auto_sign = False
    csr = request_pem("SN1")
    for _ in range(2):
        answer = await certified.signing.sign(csr, "CP1", task=3)
        assert isinstance(answer, NotSigned)
        assert answer.waiting
    assert certified.states()[-1] == ("CP1", "charge_point", "requested")
    assert certified.news("certificate.refused") == []
    waiting = certified.live.site.security.certificates.of("CP1")
    assert len(waiting) == 1

    answer2 = await certified.signing.sign_waiting("CP1")
    assert isinstance(answer2, SignedChain)
    assert answer2.certificate == waiting[0].id
    assert certified.states()[-1] == ("CP1", "charge_point", "issued")
    [row] = certified.live.site.security.certificates.of("CP1")
    assert (row.task, row.state) == (3, "issued")
    assert await certified.signing.sign_waiting("CP1") == NotSigned("no request of it waits")


async def test_who_asks_anew_waits_with_the_newest_request_alone(certified: CertifiedSite) -> None:
    certified.settings.ca.auto_sign = False
    newest = ""
    for _ in range(2):
        newest = request_pem("SN1")
        await certified.signing.sign(newest, "CP1")
    assert [state for of, _, state in certified.states() if of] == ["refused", "requested"]
    answer = await certified.signing.sign_waiting("CP1")
    assert isinstance(answer, SignedChain)
    key = x509.load_pem_x509_certificate(answer.chain.encode()).public_key()
    assert key == x509.load_pem_x509_csr(newest.encode()).public_key()


async def test_an_operator_turns_down_what_waits(certified: CertifiedSite) -> None:
    certified.settings.ca.auto_sign = False
    await certified.signing.sign(request_pem("SN1"), "CP1")
    [row] = certified.live.site.security.certificates.of("CP1")
    await certified.certificates.revoke(row.id, "not ours")
    assert certified.states()[-1] == ("CP1", "charge_point", "refused")
    assert isinstance(await certified.signing.sign_waiting("CP1"), NotSigned)


# --- a signer of the site's


def _key(csr: x509.CertificateSigningRequest) -> Any:
    """A certificate is made for the key of a request, which is all that a signer has."""

    class Half:
        def public_key(self) -> Any:
            return csr.public_key()

    return Half()


def _outside(site: CertifiedSite) -> tuple[Issued, Issued, x509.CertificateSigningRequest]:
    root = authority("Site root")
    between = authority("Site CA", root)
    (site.path.parent / "site.pem").write_bytes(root.pem + between.pem)
    site.settings.tls.client_ca = [str(site.path.parent / "site.pem")]
    site.settings.security.organizations = [ORGANIZATION]
    return root, between, request("SN1")


def _answer(site: CertifiedSite, *certificates: Issued, before: str = "cat >/dev/null", code: int = 0) -> None:
    answer, script = site.path.parent / "answer.pem", site.path.parent / "signer"
    answer.write_bytes(b"".join(one.pem for one in certificates))
    script.write_text(f"#!/bin/sh\n{before}\ncat {answer}\nexit {code}\n")
    script.chmod(0o755)
    site.settings.ca.signer = str(script)


async def test_a_signer_reads_the_request_and_its_chain_is_checked(certified: CertifiedSite, tmp_path: Path) -> None:
    root, between, csr = _outside(certified)
    pem = csr.public_bytes(Encoding.PEM).decode()
    leaf = issue(distinguished("SN1"), between, key=_key(csr))
    _answer(certified, root, leaf, between, before=f"cat > {tmp_path / 'seen'}")
    found = await signed(certified, pem)
    assert (tmp_path / "seen").read_text() == pem
    assert found.pem.encode() == leaf.pem + between.pem  # leaf first, without the root
    assert found.issuer == "CN=Site CA,O=My CPO"


async def test_what_a_signer_writes_must_fit(certified: CertifiedSite) -> None:
    _, between, csr = _outside(certified)
    pem = csr.public_bytes(Encoding.PEM).decode()
    key = _key(csr)
    stranger = authority("Stranger")
    for written, reason in (
        ([], "no certificate in PEM"),
        ([issue(distinguished("SN1"), between)], "no certificate for the key"),
        ([issue(distinguished("SN2"), between, key=key)], "a certificate for CN=SN2,O=My CPO"),
        ([issue(distinguished("SN1", "SN2"), between, key=key)], "names nobody"),
        ([issue(distinguished("SN1"), between, key=key, days=(-9, -1))], "and not now"),
        ([issue(distinguished("SN1"), between, key=key, days=(1, 9))], "and not now"),
        ([issue(distinguished("SN1"), between, key=key, ca=True)], "makes the charge point a CA"),
        ([issue(distinguished("SN1"), stranger, key=key), stranger], "no CA of tls.client_ca has issued it"),
    ):
        _answer(certified, *written)
        assert reason in await refused(certified, pem)
    _answer(certified, issue(distinguished("SN1"), between, key=key), code=3)
    assert "ended with exit code 3" in await refused(certified, pem)
    certified.settings.ca.signer_timeout = 0.2
    _answer(certified, before="sleep 60")
    assert "did not end within 0.2 s" in await refused(certified, pem)
