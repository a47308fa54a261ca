"""The 13 security cases of the certification, played over wss by PyPI `ocpp` against a csmsd that runs."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ocpp.v16 import call
from websockets.exceptions import InvalidStatus

from csmsctl.link.certificates import new_root, new_signing_certificate, signature_of
from tests.conformance.charge_point import Key, SecureChargePoint, hash_data
from tests.support.certificates import device_context
from tests.support.charge_point import timestamp
from tests.support.site import Site
from tests.support.wire import basic_authorization, open_wire

ORGANIZATION = "My CPO"
KEY = "0123456789abcdef"
IMAGE = b"firmware 2.0.0"
FIRMWARE = "https://firmware.example.org/2.0.0.bin"
LOGS = "ftp://upload.example.org/logs/"
# A00.FR.317: each of them alone must do.
SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": ec.EllipticCurvePublicKey,
    "ECDHE-ECDSA-AES256-GCM-SHA384": ec.EllipticCurvePublicKey,
    "AES128-GCM-SHA256": rsa.RSAPublicKey,
    "AES256-GCM-SHA384": rsa.RSAPublicKey,
}


class Secured(NamedTuple):
    """A site with TLS, and the root that its charge points trust."""

    site: Site
    root: str

    def url(self, identity: str) -> str:
        return self.site.url(identity).replace("ws:", "wss:")

    def context(self, *certificate: str, ciphers: str = "") -> ssl.SSLContext:
        return device_context(self.site.directory, self.root, *certificate, ciphers=ciphers)

    async def point(self, identity: str) -> SecureChargePoint:
        """One of profile 2: TLS and its key."""
        await self.site.register(identity, security_profile=2, password=KEY)
        return await SecureChargePoint.come(self.url(identity), self.context(), KEY)

    async def status(self, identity: str, context: ssl.SSLContext, **credentials: str) -> int:
        """What a handshake is answered with."""
        try:
            wire = await open_wire(self.url(identity), headers=credentials, tls=context)
        except InvalidStatus as refused:
            return refused.response.status_code
        await wire.websocket.close()
        return 101

    async def does(self, identity: str, command: str, **parameters: Any) -> list[dict[str, Any]]:
        """What an operator's command comes to."""
        answer = await self.site.call("operation.run", targets=[identity], command=command, parameters=parameters)
        results: list[dict[str, Any]] = answer["results"]
        return results

    async def events(self, identity: str) -> list[tuple[str, str]]:
        found = (await self.site.call("security_event.list", targets=[identity]))["security_events"]
        return [(one["type"], one["source"]) for one in found]


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    site = Site({"ocpp": {"hold_after_reconnect": 0}})
    site.start_and_wait()
    made = asyncio.run(site.call("certificate.init", organization=ORGANIZATION, names=["localhost", "127.0.0.1"]))
    yield Secured(site, made["root"])
    asyncio.run(site.close())


async def test_tc_073_a_new_key(secured: Secured) -> None:
    point = await secured.point("CP073")
    (result,) = (await secured.site.call("charge_point.rotate_key", targets=["CP073"]))["results"]
    assert result["outcome"] == "accepted"
    asked = await point.request("ChangeConfiguration")
    assert (asked["key"], len(bytes.fromhex(asked["value"]))) == ("AuthorizationKey", 20)
    await point.disconnect()
    new = bytes.fromhex(asked["value"]).decode()
    assert await secured.status("CP073", secured.context(), **basic_authorization("CP073", KEY)) == 401
    again = await SecureChargePoint.come(secured.url("CP073"), secured.context(), new)
    await again.disconnect()


async def certificate(secured: Secured, identity: str, answer: str) -> tuple[SecureChargePoint, Key, str]:
    """It is triggered, asks, is promised one, and then sent it."""
    point, key = await secured.point(identity), Key()
    point.answers["CertificateSigned"] = {"status": answer}
    message = {"message": "SignChargePointCertificate"}
    await secured.does(identity, "change-configuration", set=[f"CpoName={ORGANIZATION}"])
    (result,) = await secured.does(identity, "extended-trigger-message", **message)
    assert result["outcome"] == "accepted"
    assert await point.request("ExtendedTriggerMessage") == {"requested_message": "SignChargePointCertificate"}
    watcher = await secured.site.watch("task.settled")
    promised = await point.ask(call.SignCertificate(csr=key.request(identity, ORGANIZATION)))
    assert promised.status == "Accepted"
    chain = (await point.request("CertificateSigned"))["certificate_chain"]
    while (await watcher.event("task.settled"))["data"]["action"] != "CertificateSigned":
        pass
    await watcher.close()
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(secured.root.encode()))
    assert key.is_of(leaf)
    assert leaf.subject.rfc4514_string() in (f"CN={identity},O={ORGANIZATION}", f"O={ORGANIZATION},CN={identity}")
    frames = [frame[2] if frame[0] == 2 else frame[0] for frame in point.wire.frames]
    assert frames[-2:] == [3, "CertificateSigned"], "promised first (A02.FR.11)"
    return point, key, chain


async def test_tc_074_a_certificate_of_the_charge_point(secured: Secured) -> None:
    point, key, chain = await certificate(secured, "CP074", "Accepted")
    await point.disconnect()
    await secured.site.call("charge_point.set", id="CP074", security_profile=3)
    again = await SecureChargePoint.come(secured.url("CP074"), secured.context(chain, key.pem))
    (known,) = (await secured.site.call("certificate.list", targets=["CP074"]))["certificates"]
    assert known["state"] == "used"
    await again.disconnect()


@pytest.mark.parametrize(
    ("case", "kind", "use"),
    [
        ("075_1", "manufacturer", "ManufacturerRootCertificate"),
        ("075_2", "central-system", "CentralSystemRootCertificate"),
    ],
)
async def test_tc_075_a_root_is_installed(secured: Secured, case: str, kind: str, use: str) -> None:
    identity, pem = f"CP{case}", new_root("root of a test")
    point = await secured.point(identity)
    (result,) = await secured.does(identity, "install-certificate", type=kind, certificate=pem)
    assert result["outcome"] == "accepted"
    assert await point.request("InstallCertificate") == {"certificate_type": use, "certificate": pem}
    point.installed[use] = [hash_data(pem)]
    (result,) = await secured.does(identity, "get-installed-certificate-ids", type=kind)
    assert result["outcome"] == "accepted"
    assert await point.request("GetInstalledCertificateIds") == {"certificate_type": use}
    await point.disconnect()


async def test_tc_076_a_root_is_deleted(secured: Secured) -> None:
    point, pem = await secured.point("CP076"), new_root("root of a test")
    point.installed["CentralSystemRootCertificate"] = [hash_data(pem), hash_data(secured.root)]
    results = await secured.does("CP076", "delete-certificate", match=pem)
    assert results[-1]["outcome"] == "accepted", results
    deleted = await point.request("DeleteCertificate")
    assert deleted == {"certificate_hash_data": hash_data(pem)}, "to the letter (M04)"
    await point.disconnect()


async def test_tc_077_a_certificate_that_it_does_not_take(secured: Secured) -> None:
    point, _, _ = await certificate(secured, "CP077", "Rejected")
    await point.event("InvalidChargePointCertificate")
    assert ("InvalidChargePointCertificate", "charge_point") in await secured.events("CP077")
    await point.disconnect()


async def test_tc_078_a_root_that_it_does_not_take(secured: Secured) -> None:
    point = await secured.point("CP078")
    point.answers["InstallCertificate"] = {"status": "Rejected"}
    pem = new_root("root of a test")
    (result,) = await secured.does("CP078", "install-certificate", type="central-system", certificate=pem)
    assert (result["outcome"], result["status"]) == ("rejected", "Rejected")
    kind = "InvalidCentralSystemCertificate"
    await point.say("SecurityEventNotification", type=kind, timestamp=timestamp())
    assert (kind, "charge_point") in await secured.events("CP078")
    await point.disconnect()


async def test_tc_079_the_security_log(secured: Secured) -> None:
    point = await secured.point("CP079")
    (result,) = await secured.does("CP079", "get-log", type="security", location=LOGS)
    assert result["outcome"] == "accepted"
    asked = await point.request("GetLog")
    assert (asked["log_type"], asked["log"]) == ("SecurityLog", {"remote_location": LOGS})
    await point.log_status("Uploading", asked["request_id"])
    await point.log_status("Uploaded", asked["request_id"])
    await point.say("LogStatusNotification", status="Idle")
    (known,) = (await secured.site.call("diagnostics.status", targets=["CP079"]))["diagnostics"]
    assert (known["kind"], known["state"], known["announced"]) == ("security_log", "uploaded", "security.log")
    await point.disconnect()


async def update(secured: Secured, identity: str, **more: Any) -> tuple[SecureChargePoint, int, bool]:
    """It is sent signed firmware; and whether the signature is that of the image (L01.FR.09, 12)."""
    point = await secured.point(identity)
    pem, key = new_signing_certificate("firmware of a test")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(IMAGE)
    signature = signature_of(key, digest.finalize())
    (result,) = await secured.does(
        identity, "signed-update-firmware", location=FIRMWARE, signing_certificate=pem, signature=signature, **more
    )
    assert result["outcome"] == "accepted"
    asked = await point.request("SignedUpdateFirmware")
    firmware = asked["firmware"]
    assert (firmware["location"], firmware["signing_certificate"]) == (FIRMWARE, pem)
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    try:
        public.verify(b64decode(firmware["signature"]), IMAGE, ec.ECDSA(hashes.SHA256()))
        good = True
    except Exception:
        good = False
    return point, asked["request_id"], good


async def how_updated(secured: Secured, identity: str) -> str:
    (known,) = (await secured.site.call("firmware.status", targets=[identity]))["updates"]
    return str(known["state"])


async def test_tc_080_signed_firmware(secured: Secured) -> None:
    """Statuses, boot and event in an order of its own."""
    point, number, good = await update(secured, "CP080")
    assert good
    for status in ("Downloading", "Downloaded", "SignatureVerified", "InstallRebooting"):
        await point.firmware_status(status, number)
    await point.disconnect()
    point = await SecureChargePoint.come(secured.url("CP080"), secured.context(), KEY)
    await point.firmware_status("Installing", number)
    await point.event("FirmwareUpdated")
    await point.say("SignedFirmwareStatusNotification", status="Installed", requestId=number)
    assert await how_updated(secured, "CP080") == "installed"
    assert ("FirmwareUpdated", "charge_point") in await secured.events("CP080")
    await point.disconnect()


async def test_tc_081_a_wrong_signature(secured: Secured) -> None:
    point, number, good = await update(secured, "CP081", bad_signature=True)
    assert not good
    for status in ("Downloading", "Downloaded", "InvalidSignature"):
        await point.firmware_status(status, number)
    await point.event("InvalidFirmwareSignature")
    assert await how_updated(secured, "CP081") == "invalid_signature"
    await point.disconnect()


async def test_tc_085_basic_authentication(secured: Secured) -> None:
    await secured.site.register("CP085", security_profile=2, password=KEY)
    given = [
        ({}, 401),
        (basic_authorization("CP085", "0123456789abcdeg"), 401),
        (basic_authorization("CP086", KEY), 401),
        (basic_authorization("CP085", KEY), 101),
    ]
    for credentials, status in given:
        assert await secured.status("CP085", secured.context(), **credentials) == status, credentials
    point = await SecureChargePoint.come(secured.url("CP085"), secured.context(), KEY)
    await point.disconnect()


async def test_tc_086_the_certificate_of_the_central_system(secured: Secured) -> None:
    await secured.site.register("CP086", security_profile=2, password=KEY)
    for suite, kind in SUITES.items():
        point = await SecureChargePoint.come(secured.url("CP086"), secured.context(ciphers=suite), KEY)
        end = point.wire.websocket.transport.get_extra_info("ssl_object")
        assert end.cipher()[0] == suite
        shown = x509.load_der_x509_certificate(end.getpeercert(binary_form=True)).public_key()
        assert isinstance(shown, kind)
        assert isinstance(shown, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        assert shown.key_size == (2048 if kind is rsa.RSAPublicKey else 256)
        await point.disconnect()


async def test_tc_087_the_certificate_of_the_charge_point(secured: Secured) -> None:
    made: dict[str, tuple[str, str]] = {}
    for identity in ("CP087", "CP087-other"):
        await secured.site.register(identity, security_profile=3, certificate_name=identity)
        key = Key()
        signed = await secured.site.call(
            "certificate.sign", charge_point=identity, csr=key.request(identity, ORGANIZATION)
        )
        made[identity] = signed["pem"], key.pem
    assert await secured.status("CP087", secured.context()) == 401, "without one"
    assert await secured.status("CP087", secured.context(*made["CP087-other"])) == 401, "with that of another"
    assert await secured.status("CP087", secured.context(), **basic_authorization("CP087", KEY)) == 401, "with a key"
    for suite in SUITES:
        context = secured.context(*made["CP087"], ciphers=suite)
        point = await SecureChargePoint.come(secured.url("CP087"), context)
        await point.disconnect()
