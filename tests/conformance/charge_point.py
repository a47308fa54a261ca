"""A charge point on PyPI `ocpp` with the security extension: keys, certificates, logs and signed firmware.

The library has all messages of it. Two it makes no difference for where the whitepaper does: it wants a requestId in
each notification of a status, and techInfo in each security event; without them they are sent by hand (`say`).
"""

import asyncio
import json
import ssl
import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from ocpp.routing import on
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action

from tests.support.charge_point import ChargePoint, timestamp
from tests.support.schemas import violations
from tests.support.wire import WAIT, Wire, open_wire


class Key:
    """A key that a charge point makes, and that never leaves it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def request(self, common_name: str, organization: str) -> str:
        names = [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name),
        ]
        made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(self._key, hashes.SHA256())
        return made.public_bytes(Encoding.PEM).decode()

    def is_of(self, certificate: x509.Certificate) -> bool:
        return certificate.public_key() == self._key.public_key()


def hash_data(pem: str) -> dict[str, str]:
    """As in OCSP, which is somebody else's work; in upper case, which csmsd must send back as it is."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, hashes.SHA256()).build()
    return {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": request.issuer_name_hash.hex().upper(),
        "issuer_key_hash": request.issuer_key_hash.hex().upper(),
        "serial_number": f"{request.serial_number:X}",
    }


class SecureChargePoint(ChargePoint):
    """`requests` tells what it was asked, `answers` decides what it answers."""

    @classmethod
    async def come(cls, url: str, context: ssl.SSLContext, password: str | None = None) -> "SecureChargePoint":
        """Over wss, booted."""
        point = cls(url.rpartition("/")[2], await open_wire(url, password=password, tls=context))
        await point.boot()
        return point

    def __init__(self, identity: str, wire: Wire) -> None:
        self.installed: dict[str, list[dict[str, str]]] = {}  # hash data by type
        self._said: dict[str, asyncio.Future[Any]] = {}
        super().__init__(identity, wire)

    async def route_message(self, raw_msg: str) -> None:
        said = self._said.pop(str(json.loads(raw_msg)[1]), None)
        if said is None:
            await super().route_message(raw_msg)
        else:
            said.set_result(json.loads(raw_msg))

    async def say(self, action: str, **payload: Any) -> None:
        """A CALL of that payload, which the official schema finds good; its answer must be the empty one."""
        assert violations(action, payload, response=False) == []
        unique_id = str(uuid.uuid4())
        answered = self._said[unique_id] = asyncio.get_running_loop().create_future()
        await self.wire.send(json.dumps([2, unique_id, action, payload]))
        assert await asyncio.wait_for(answered, WAIT) == [3, unique_id, {}]

    async def event(self, kind: str) -> None:
        await self.ask(call.SecurityEventNotification(type=kind, timestamp=timestamp(), tech_info="seen by the device"))

    async def log_status(self, status: str, number: int) -> None:
        await self.ask(call.LogStatusNotification(status=status, request_id=number))

    async def firmware_status(self, status: str, number: int) -> None:
        await self.ask(call.SignedFirmwareStatusNotification(status=status, request_id=number))

    # --- what it answers

    @on(Action.extended_trigger_message)
    def _extended_trigger(self, **fields: Any) -> Any:
        return call_result.ExtendedTriggerMessage(
            **self._take("ExtendedTriggerMessage", fields, {"status": "Accepted"})
        )

    @on(Action.certificate_signed)
    def _certificate_signed(self, **fields: Any) -> Any:
        return call_result.CertificateSigned(**self._take("CertificateSigned", fields, {"status": "Accepted"}))

    @on(Action.install_certificate)
    def _install_certificate(self, **fields: Any) -> Any:
        return call_result.InstallCertificate(**self._take("InstallCertificate", fields, {"status": "Accepted"}))

    @on(Action.get_installed_certificate_ids)
    def _installed_ids(self, **fields: Any) -> Any:
        found = self.installed.get(fields["certificate_type"])
        usual = {"status": "Accepted", "certificate_hash_data": found} if found else {"status": "NotFound"}
        return call_result.GetInstalledCertificateIds(**self._take("GetInstalledCertificateIds", fields, usual))

    @on(Action.delete_certificate)
    def _delete_certificate(self, **fields: Any) -> Any:
        return call_result.DeleteCertificate(**self._take("DeleteCertificate", fields, {"status": "Accepted"}))

    @on(Action.get_log)
    def _get_log(self, **fields: Any) -> Any:
        return call_result.GetLog(**self._take("GetLog", fields, {"status": "Accepted", "filename": "security.log"}))

    @on(Action.signed_update_firmware)
    def _signed_update(self, **fields: Any) -> Any:
        return call_result.SignedUpdateFirmware(**self._take("SignedUpdateFirmware", fields, {"status": "Accepted"}))
