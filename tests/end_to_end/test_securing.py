"""Securing a site, as docs/security.md tells it: from nothing to charge points with certificates of ours."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.exceptions import InvalidStatus

from tests.conftest import MakeSite
from tests.csmsd.pki.issuing import ec_key, request
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.wire import WAIT

NAMES = ("--name", "localhost", "--name", "127.0.0.1")


def wss(site: Site, identity: str = "CP1") -> str:
    return site.url(identity).replace("ws://", "wss://")


class Device:
    """A charge point's own store: the root that it trusts, its keys and certificates."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root.pem"

    async def asks(self, site: Site, number: int, identity: str = "CP1") -> Path:
        """Makes a new key, and is given its certificate by hand."""
        key = ec_key()
        csr, made = self.directory / f"{number}.csr", self.directory / f"{number}.pem"
        csr.write_bytes(request(identity, key=key).public_bytes(Encoding.PEM))
        signed = await site.csmsctl("cert", "sign", identity, "--csr", str(csr))
        assert signed.code == 0, signed.err
        made.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed.out.encode())
        return made

    def context(self, certificate: Path | None = None) -> ssl.SSLContext:
        """It checks the name, and trusts the root of the site alone."""
        context = ssl.create_default_context(cafile=str(self.root))
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context


async def comes(site: Site, context: ssl.SSLContext) -> RawChargePoint:
    point = await RawChargePoint.connect(wss(site), tls=context)
    assert (await point.boot())[2]["status"] == "Accepted"
    return point


async def states(site: Site) -> list[Any]:
    listed = (await site.json("cert", "list", "CP1"))["certificates"]
    return [one["state"] for one in reversed(listed)]


async def test_from_nothing_to_charge_points_with_certificates(site: Site, tmp_path: Path) -> None:
    device = Device(tmp_path)
    assert (await site.csmsctl("cert", "init", *NAMES, "--organization", "My CPO")).code == 0
    assert (await site.csmsctl("cert", "export", "--output", str(device.root))).code == 0
    assert (await site.csmsctl("tls", "check", "--name", "localhost", "--name", "127.0.0.1")).code == 0
    assert (await site.csmsctl("cp", "add", "CP1", "--security-profile", "3", "--certificate-name", "CP1")).code == 0

    first = await device.asks(site, 1)
    with pytest.raises(InvalidStatus):
        await RawChargePoint.connect(wss(site), tls=device.context())
    point = await comes(site, device.context(first))
    assert await states(site) == ["used"]

    # New certificates of csmsd: whoever is connected stays, and whoever comes meets them.
    assert (await site.csmsctl("cert", "renew")).code == 0
    assert (await point.ask("Heartbeat"))[0] == 3

    # A new key: the old one is good until the new one has connected.
    second = await device.asks(site, 2)
    assert await states(site) == ["used", "issued"]
    await comes(site, device.context(first))
    await comes(site, device.context(second))
    assert await states(site) == ["replaced", "used"]
    with pytest.raises(InvalidStatus):
        await RawChargePoint.connect(wss(site), tls=device.context(first))

    # It is all there after csmsd was killed.
    await site.kill()
    await site.start()
    await comes(site, device.context(second))

    # All that it has, whichever the thief shows: also the one that has not connected yet.
    third = await device.asks(site, 3)
    assert (await site.csmsctl("cert", "revoke", "CP1", "--reason", "was stolen", "--yes")).code == 0
    assert await states(site) == ["replaced", "revoked", "revoked"]
    for stolen in (third, second):
        with pytest.raises(InvalidStatus):
            await RawChargePoint.connect(wss(site), tls=device.context(stolen))
    [found] = (await site.json("status", "CP1"))["charge_points"]
    told = [one["text"] for one in found["problems"] if one["kind"] == "connection_refused"]
    assert len(told) == 1
    assert "was stolen" in told[0]


async def test_an_operator_signs_what_a_charge_point_asked_for(make_site: MakeSite) -> None:
    site = await make_site({"ca": {"auto_sign": False}})
    assert (await site.csmsctl("cert", "init", *NAMES, "--organization", "My CPO")).code == 0
    point = await site.raw("CP1")

    asking = asyncio.create_task(site.csmsctl("cert", "renew", "CP1"))
    asked = await point.asked("ExtendedTriggerMessage")
    assert asked[3] == {"requestedMessage": "SignChargePointCertificate"}
    await point.answer(asked, {"status": "Accepted"})
    assert (await asking).code == 0
    watcher = await site.watch("certificate.changed")
    csr = request("CP1").public_bytes(Encoding.PEM).decode()
    assert (await point.ask("SignCertificate", {"csr": csr}))[2] == {"status": "Accepted"}
    assert (await watcher.event("certificate.changed"))["data"]["state"] == "requested"
    [found] = (await site.json("status", "CP1"))["charge_points"]
    assert [one["next"] for one in found["problems"]] == ["csmsctl cert sign CP1"]

    signing = asyncio.create_task(site.csmsctl("cert", "sign", "CP1", "--json"))
    sent = await point.asked("CertificateSigned")
    await point.answer(sent, {"status": "Accepted"})
    signed = await signing
    assert signed.code == 0, signed.err
    assert sent[3]["certificateChain"] == signed.json["pem"]
    assert signed.json["results"][0]["outcome"] == "accepted"
    assert await states(site) == ["issued"]
    assert (await site.json("status", "CP1"))["charge_points"][0]["problems"] == []
    assert (await site.csmsctl("cert", "sign", "CP1")).code == 7


async def test_a_stranger_s_tester_gets_in_with_its_profile_and_with_no_other(site: Site, tmp_path: Path) -> None:
    """PyPI's test-ocpp, which boots, asks for the time and leaves."""
    tester: Any = pytest.importorskip("test_ocpp", reason="no test-ocpp here: make .venv/.installed-test")
    key = "0123456789abcdef"
    assert (await site.csmsctl("cert", "init", *NAMES, "--organization", "My CPO")).code == 0
    device = Device(tmp_path)
    assert (await site.csmsctl("cert", "export", "--output", str(device.root))).code == 0
    for profile in range(4):
        await site.register(f"CP{profile}", password=key, security_profile=profile, certificate_name=f"CP{profile}")
    ca = {"ca": str(device.root)}
    with_profile: list[dict[str, Any]] = [
        {},
        {"password": key},
        {"password": key, **ca},
        {"cert": str(await device.asks(site, 3, "CP3")), **ca},
    ]

    async def found(registered: int, used: int) -> Any:
        scheme = "wss" if used > 1 else "ws"
        url = f"{scheme}://{site.listen}/ocpp"
        try:
            return await tester.check_connection(url, f"CP{registered}", timeout=WAIT, **with_profile[used])
        except InvalidStatus as refused:
            return refused.response.status_code

    for registered in range(4):
        for used in range(4):
            result = await found(registered, used)
            # A key that nobody asks for does no harm, and none is worse over TLS.
            if used != registered and (registered, used) not in ((0, 1), (1, 2)):
                assert result == 401, (registered, used)
                continue
            assert (result.subprotocol, result.boot_notification["status"]) == ("ocpp1.6", "Accepted")
            assert result.heartbeat.keys() == {"currentTime"}
            assert result.tls_version == ("TLSv1.3" if used > 1 else None)
