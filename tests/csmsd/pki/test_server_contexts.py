"""Which context is in use, before and after a reload."""

from pathlib import Path

import pytest

from csmsd.pki.own_files import OwnFiles, write_file
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.tls import TlsProblem
from csmsd.settings.sections import CertificateFiles, Tls
from tests.csmsd.pki.issuing import authority, distinguished, issue, revocation_list

MODES = ("none", "optional", "required")


def named(directory: Path, name: str = "named") -> CertificateFiles:
    certificate, key = issue(distinguished("csms.local")).written(directory, name)
    return CertificateFiles(certificate=certificate, key=key)


def in_use(contexts: ServerContexts) -> list[bool]:
    return [contexts.context(mode) is not None for mode in MODES]


async def test_without_certificates_there_is_no_tls(tmp_path: Path) -> None:
    contexts = ServerContexts(Tls(), OwnFiles(tmp_path))
    await contexts.reload()
    assert not contexts.wanted
    assert in_use(contexts) == [False, False, False]


async def test_without_a_ca_none_can_be_required_and_none_is_asked_for(tmp_path: Path) -> None:
    contexts = ServerContexts(Tls(certificates=[named(tmp_path)]), OwnFiles(tmp_path))
    await contexts.reload()
    assert in_use(contexts) == [True, True, False]
    assert contexts.context("optional") is contexts.context("none")


async def test_our_own_are_used_where_none_are_named_and_our_ca_beside_others(tmp_path: Path) -> None:
    own, ca, other = OwnFiles(tmp_path), authority("Own"), authority("Other")
    write_file(own.ca, ca.pem)
    write_file(own.crl, revocation_list(ca))
    leaf = issue(distinguished("csms.local"), ca)
    write_file(own.ec, leaf.key_pem + leaf.pem)
    settings = Tls()
    contexts = ServerContexts(settings, own)
    await contexts.reload()
    assert in_use(contexts) == [True, True, True]
    assert contexts.files().certificates == [(str(own.ec), str(own.ec))]
    assert contexts.files().client_crl == []

    settings.certificates = [named(tmp_path)]
    (tmp_path / "other.pem").write_bytes(other.pem)
    (tmp_path / "other.crl").write_bytes(revocation_list(other))
    settings.client_ca, settings.client_crl = [str(tmp_path / "other.pem")], [str(tmp_path / "other.crl")]
    await contexts.reload()
    assert [pair.certificate for pair in contexts.files().certificates] == [settings.certificates[0].certificate]
    assert list(contexts.files().client_ca) == [str(tmp_path / "other.pem"), str(own.ca)]
    assert list(contexts.files().client_crl) == [str(tmp_path / "other.crl"), str(own.crl)]


async def test_a_reload_changes_all_or_nothing(tmp_path: Path) -> None:
    settings = Tls(certificates=[named(tmp_path)])
    contexts = ServerContexts(settings, OwnFiles(tmp_path))
    await contexts.reload()
    before = contexts.context("none")

    settings.certificates = [named(tmp_path), named(tmp_path, "second")]
    with pytest.raises(TlsProblem, match="both have an ECDSA key"):
        await contexts.reload()
    assert contexts.context("none") is before
    assert "both have an ECDSA key" in str(contexts.problem)

    settings.certificates = [named(tmp_path, "third")]
    await contexts.reload()
    assert contexts.context("none") not in (None, before)
    assert contexts.problem is None

    settings.certificates = []
    await contexts.reload()
    assert in_use(contexts) == [False, False, False]


async def test_at_the_start_a_bad_certificate_is_told_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    readable_by_all = CertificateFiles(certificate=named(tmp_path).certificate)
    contexts = ServerContexts(Tls(certificates=[readable_by_all]), OwnFiles(tmp_path))
    await contexts.load()
    assert in_use(contexts) == [False, False, False]
    assert "there is no TLS" in caplog.text
    assert contexts.wanted
