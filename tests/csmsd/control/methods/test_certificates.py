"""Certificates by the commands of operators: from nothing to a CA, signed, revoked, exported."""

import asyncio
import json
import ssl
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.csmsd.pki.issuing import distinguished, issue, request_pem
from tests.support.site import Site

INIT = ("cert", "init", "--name", "localhost", "--name", "127.0.0.1", "--organization", "My CPO")


async def problems(site: Site) -> list[str]:
    return [one["kind"] for one in (await site.json("status"))["daemon"]["problems"]]


async def test_from_nothing_to_certificates_of_charge_points(site: Site, tmp_path: Path) -> None:
    refused = await site.csmsctl("cert", "export")
    assert (refused.code, "csmsctl cert init" in refused.err) == (3, True)
    assert (await site.csmsctl("cert", "renew")).code == 1
    assert (await site.csmsctl("tls", "check")).code == 1
    assert await problems(site) == []

    made = await site.json(*INIT)
    assert made["changed"]
    assert [one["kind"] for one in made["certificates"]] == ["ca", "server", "server"]
    assert not (await site.json(*INIT))["changed"]
    other = await site.csmsctl("cert", "init", "--name", "x", "--organization", "Another")
    assert (other.code, "There is a CA of 'My CPO' already" in other.err) == (1, True)
    assert await problems(site) == ["ca_not_exported"]

    exported = tmp_path / "ca.key"
    assert (await site.csmsctl("cert", "export-ca", str(exported))).code == 0
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    load_pem_private_key(exported.read_bytes(), None)
    assert (await site.csmsctl("cert", "export-ca", str(exported))).code == 2, "nothing is overwritten"
    assert await problems(site) == []

    root = tmp_path / "root.pem"
    assert (await site.csmsctl("cert", "export", "--output", str(root))).code == 0
    authority = x509.load_pem_x509_certificate(root.read_bytes())
    assert "My CPO" in authority.subject.rfc4514_string()

    # A charge point that is given its certificate by hand.
    assert (await site.csmsctl("cp", "add", "CP1")).code == 0
    csr = tmp_path / "cp1.csr"
    csr.write_text(request_pem("CP1"))
    signed = await site.csmsctl("cert", "sign", "CP1", "--csr", str(csr))
    assert signed.code == 0, signed.err
    x509.load_pem_x509_certificate(signed.out.encode()).verify_directly_issued_by(authority)
    csr.write_text(request_pem("CP2"))
    turned_down = await site.csmsctl("cert", "sign", "CP1", "--csr", str(csr))
    assert (turned_down.code, "the certificates of this charge point bear 'CP1'" in turned_down.err) == (7, True)
    assert "no request of it waits" in (await site.csmsctl("cert", "sign", "CP1")).err

    listed = (await site.json("cert", "list"))["certificates"]
    assert [(one["id"], one["charge_point"], one["state"]) for one in listed] == [
        (4, "CP1", "issued"),
        (3, None, "used"),
        (2, None, "used"),
        (1, None, "used"),
    ]
    assert [one["id"] for one in (await site.json("cert", "list", "--expiring", "100d"))["certificates"]] == [3, 2]
    assert [one["id"] for one in (await site.json("cert", "list", "CP1", "--state", "issued"))["certificates"]] == [4]
    [shown] = (await site.json("cert", "show", "cp1"))["certificates"]
    for name in ("4", shown["fingerprint"].upper(), shown["serial"]):
        assert (await site.json("cert", "show", name))["certificates"] == [shown]
    assert (await site.csmsctl("cert", "show", "99")).code == 3

    assert (await site.csmsctl("cert", "revoke", "CP1", "--reason", "stolen")).code == 10
    revoked = await site.json("cert", "revoke", "CP1", "--reason", "stolen", "--yes")
    assert (revoked["changed"], revoked["certificate"]["reason"]) == (True, "stolen")
    assert not (await site.json("cert", "revoke", "4", "--reason", "again", "--yes"))["changed"]
    assert (await site.csmsctl("cert", "revoke", "1", "--reason", "x", "--yes")).code == 1

    renewed = await site.json("cert", "renew")
    assert [one["id"] for one in renewed["certificates"]] == [5, 6]

    # What a restart finds.
    await site.kill()
    await site.start()
    listed = (await site.json("cert", "list"))["certificates"]
    assert [(one["id"], one["state"]) for one in listed][:4] == [
        (6, "used"),
        (5, "used"),
        (4, "revoked"),
        (3, "replaced"),
    ]
    assert (await site.json("tls", "reload"))["on"]
    key = site.state / "tls" / "rsa.pem"
    assert key.exists()
    key.chmod(0o644)
    failed = await site.csmsctl("tls", "reload")
    assert (failed.code, "mode 0644" in failed.err) == (1, True)
    assert await problems(site) == ["tls_failing"]

    # A charge point may be called as the certificate of another one is numbered.
    for identity in ("CP2", "7"):
        await site.register(identity)
        csr.write_text(request_pem(identity))
        assert (await site.csmsctl("cert", "sign", identity, "--csr", str(csr))).code == 0
    [theirs] = (await site.json("cert", "show", "CP2"))["certificates"]
    assert theirs["id"] == 7
    await site.json("cert", "revoke", theirs["fingerprint"], "--reason", "stolen", "--yes")
    listed = (await site.json("cert", "list"))["certificates"]
    assert [(one["id"], one["charge_point"], one["state"]) for one in listed][:2] == [
        (8, "7", "issued"),
        (7, "CP2", "revoked"),
    ]


async def test_tls_check_looks_at_any_server(site: Site, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    context.load_cert_chain(*issue(distinguished("csms.local")).written(tmp_path, "server"))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        checked = await site.csmsctl("tls", "check", address, "--name", "csms.local", "--json")
    found = json.loads(checked.out)
    assert checked.code == 1
    assert found["address"] == address
    why = "ECDSA: csms.local stands in its CN alone, which they do not read"
    assert {"severity": "refused", "who": "Go", "text": why} in found["findings"]
    gone = await site.csmsctl("tls", "check", address)
    assert (gone.code, "Connection refused" in gone.err) == (1, True)
    assert (await site.csmsctl("tls", "check", "nonsense")).code == 2
