"""The security extension: keys, certificates, events, logs and signed firmware, as far as the charge point comes."""

import asyncio
import hashlib
import json
import re
import ssl
from time import time

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.conditions import POSITIVE, TIME, Condition, Payload, now_for_condition

CASES = Cases("Security")

FIRMWARE = "https://firmware.example.org/images/2.0.0.bin"
LOGS = "ftp://upload.example.org/logs/"
ORGANIZATION = "csms conformance"
NAMES = ["localhost", "127.0.0.1"]  # of the private csmsd, in its certificates
_KEY = Condition(
    "a key of 40 hexadecimal digits", lambda value: re.fullmatch("[0-9A-Fa-f]{40}", str(value)) is not None
)
_CHAIN = Condition("a certificate in PEM", lambda value: str(value).startswith("-----BEGIN CERTIFICATE-----"))


def _file_of_case(run: Run, name: str, content: str) -> str:
    """A file that the operator has."""
    path = run.site.directory / f"{run.name}-{name}"
    path.write_text(content)
    return str(path)


async def _event_in_case(charge_point: ChargePoint, kind: str) -> None:
    await charge_point.call("SecurityEventNotification", {"type": kind, "timestamp": now_for_condition()}, {})


async def _sees_event_in_case(run: Run, kind: str) -> None:
    await run.operator.sees(
        "security_events",
        {"charge_point": run.name, "type": kind, "source": "charge_point", "count": 1},
        *("security-events", run.name, "--type", kind),
    )


# --- keys and certificates of charge points


@CASES.case("TC_073", "Update Charge Point Password for HTTP Basic Authentication")
async def key_updated_case(run: Run) -> None:
    old = "conformance-key-" + run.name[-3:]
    charge_point = await run.charge_point(
        booted=False, connected=False, security_profile=run.profile_with_key, password=old
    )
    await charge_point.connect(key=old)
    await charge_point.booted()
    asked = await run.operator.sends(
        charge_point,
        *("--yes", "cp", "rotate-key", run.name),
        action="ChangeConfiguration",
        request={"key": "AuthorizationKey", "value": _KEY},
        answer={"status": "Accepted"},
    )
    await charge_point.disconnect()
    await charge_point.connect(key=bytes.fromhex(asked["value"]))
    await charge_point.booted()
    run.must_be(401, await charge_point.refused(key=old), "the answer to the old key")


async def _root_of_csmsd_in_case(run: Run) -> str:
    """The root of the private csmsd's own CA, which is made for the first case that needs it."""
    made = await run.prepare("certificate.init", organization=ORGANIZATION, names=NAMES)
    root = made["root"]
    assert isinstance(root, str)
    return root


async def _certificate_in_case(run: Run, status: str) -> tuple[ChargePoint, ssl.SSLContext]:
    """A certificate that the charge point is triggered to ask for, and takes or not; and what it has with it."""
    from csmsctl.link.certificates import new_key_and_request, problem_of_chain

    root = await _root_of_csmsd_in_case(run)
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("extended-trigger-message", run.name, "--message", "SignChargePointCertificate"),
        action="ExtendedTriggerMessage",
        request={"requestedMessage": "SignChargePointCertificate"},
        answer={"status": "Accepted"},
    )
    key, csr = await asyncio.to_thread(new_key_and_request, run.name, ORGANIZATION)
    await charge_point.call("SignCertificate", {"csr": csr}, {"status": "Accepted"})
    asked = await charge_point.expect("CertificateSigned", {"certificateChain": _CHAIN})
    came = [json.loads(line.partition(" < ")[2]) for line in run.observations.conversation if " < " in line]
    run.must_be([3, 2], [frame[0] for frame in came[-2:]], "the answer to SignCertificate, then CertificateSigned")
    now = round(time() * 1000)
    wrong = problem_of_chain(asked.payload["certificateChain"], [root], key, run.name, ORGANIZATION, now)
    run.must_be(None, wrong, "what is wrong with the chain of CertificateSigned.req")
    await charge_point.answer(asked, {"status": status})
    return charge_point, _tls_in_case(run, root, own=(asked.payload["certificateChain"], key))


@CASES.case("TC_074", "Update Charge Point Certificate by request of Central System")
async def certificate_updated_case(run: Run) -> None:
    charge_point, tls = await _certificate_in_case(run, "Accepted")
    await charge_point.disconnect()
    await run.operator.runs("--yes", "cp", "set", run.name, "--security-profile", "3")
    await charge_point.connect(tls=tls)
    await charge_point.booted()
    await run.operator.sees("certificates", {"state": "used"}, "cert", "list", run.name)


# --- root certificates


async def _root_in_case(run: Run, charge_point: ChargePoint, kind: str, status: str) -> str:
    """A root certificate that the operator has the charge point install."""
    from csmsctl.link.certificates import new_root

    pem = await asyncio.to_thread(new_root, f"{run.name} root")
    file = _file_of_case(run, "root.pem", pem)
    use = "ManufacturerRootCertificate" if kind == "manufacturer" else "CentralSystemRootCertificate"
    await run.operator.sends(
        charge_point,
        *("--yes", "install-certificate", run.name, "--type", kind, "--certificate", file),
        action="InstallCertificate",
        request={"certificateType": use, "certificate": pem},
        answer={"status": status},
        outcome="accepted" if status == "Accepted" else "rejected",
    )
    return pem


def _hash_data_in_case(pem: str) -> Payload:
    """As a charge point may write it: another algorithm, upper case, zeros before the serial number."""
    from csmsctl.link.certificates import hash_data_of

    data = hash_data_of(pem, "SHA384")
    return {
        "hashAlgorithm": data.hash_algorithm,
        "issuerNameHash": data.issuer_name_hash.upper(),
        "issuerKeyHash": data.issuer_key_hash.upper(),
        "serialNumber": data.serial_number.upper(),
    }


async def _install_in_case(run: Run, kind: str, use: str) -> None:
    charge_point = await run.charge_point()
    pem = await _root_in_case(run, charge_point, kind, "Accepted")
    await run.operator.sends(
        charge_point,
        *("get-installed-certificate-ids", run.name, "--type", kind),
        action="GetInstalledCertificateIds",
        request={"certificateType": use},
        answer={"status": "Accepted", "certificateHashData": [_hash_data_in_case(pem)]},
    )


@CASES.case("TC_075_1", "Install a certificate - Manufacturer root")
async def manufacturer_root_installed_case(run: Run) -> None:
    await _install_in_case(run, "manufacturer", "ManufacturerRootCertificate")


@CASES.case("TC_075_2", "Install a certificate - Central System root")
async def central_system_root_installed_case(run: Run) -> None:
    await _install_in_case(run, "central-system", "CentralSystemRootCertificate")


@CASES.case("TC_076", "Delete a specific certificate from the Charge Point")
async def certificate_deleted_case(run: Run) -> None:
    charge_point = await run.charge_point()
    root = await _root_of_csmsd_in_case(run)
    pem = await _root_in_case(run, charge_point, "central-system", "Accepted")
    data = _hash_data_in_case(pem)
    await run.operator.sends_several(
        charge_point,
        *("delete-certificate", run.name, "--match", str(run.site.directory / f"{run.name}-root.pem")),
        exchanges=[
            (
                "GetInstalledCertificateIds",
                {"certificateType": "CentralSystemRootCertificate"},
                {"status": "Accepted", "certificateHashData": [_hash_data_in_case(root), data]},
            ),
            (
                "GetInstalledCertificateIds",
                {"certificateType": "ManufacturerRootCertificate"},
                {"status": "NotFound"},
            ),
            ("DeleteCertificate", {"certificateHashData": data}, {"status": "Accepted"}),
        ],
    )


@CASES.case("TC_077", "Invalid Charge Point Certificate Security Event")
async def invalid_charge_point_certificate_case(run: Run) -> None:
    charge_point, _ = await _certificate_in_case(run, "Rejected")
    await _event_in_case(charge_point, "InvalidChargePointCertificate")
    await _sees_event_in_case(run, "InvalidChargePointCertificate")


@CASES.case("TC_078", "Invalid Central System Certificate Security Event")
async def invalid_central_system_certificate_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await _root_in_case(run, charge_point, "central-system", "Rejected")
    await _event_in_case(charge_point, "InvalidCentralSystemCertificate")
    await _sees_event_in_case(run, "InvalidCentralSystemCertificate")


# --- logs


@CASES.case("TC_079", "Get Security Log")
async def security_log_case(run: Run) -> None:
    charge_point = await run.charge_point()
    asked = await run.operator.sends(
        charge_point,
        *("get-log", run.name, "--type", "security", "--location", LOGS),
        action="GetLog",
        request={"logType": "SecurityLog", "requestId": POSITIVE, "log": {"remoteLocation": LOGS}},
        answer={"status": "Accepted", "filename": "security.log"},
    )
    for status in ("Uploading", "Uploaded"):
        await charge_point.call("LogStatusNotification", {"status": status, "requestId": asked["requestId"]}, {})
    await run.operator.sees(
        "diagnostics",
        {"charge_point": run.name, "kind": "security_log", "state": "uploaded", "announced": "security.log"},
        *("diagnostics", "status", run.name),
    )


# --- signed firmware


async def _signed_update_in_case(run: Run, charge_point: ChargePoint, *more: str) -> int:
    """The number under which the charge point is to report."""
    from csmsctl.link.certificates import new_signing_certificate, problem_of_signature, signature_of

    certificate, key = await asyncio.to_thread(new_signing_certificate, "csms conformance firmware")
    digest = hashlib.sha256(b"firmware 2.0.0").digest()
    signature = signature_of(key, digest)
    files = (_file_of_case(run, "signing.pem", certificate), _file_of_case(run, "firmware.sig", signature))
    good = not more

    def verifies(given: object) -> bool:
        return (problem_of_signature(certificate, str(given), digest) is None) == good

    asked = await run.operator.sends(
        charge_point,
        *("signed-update-firmware", run.name, "--location", FIRMWARE),
        *("--signing-certificate", files[0], "--signature", files[1], *more),
        action="SignedUpdateFirmware",
        request={
            "requestId": POSITIVE,
            "firmware": {
                "location": FIRMWARE,
                "retrieveDateTime": TIME,
                "signingCertificate": certificate,
                "signature": Condition(f"a {'good' if good else 'wrong'} signature", verifies),
            },
        },
        answer={"status": "Accepted"},
    )
    number = asked["requestId"]
    assert isinstance(number, int)
    return number


async def _signed_statuses_in_case(charge_point: ChargePoint, number: int, *statuses: str) -> None:
    for status in statuses:
        payload: Payload = {"status": status, "requestId": number}
        await charge_point.call("SignedFirmwareStatusNotification", payload, {})


async def _sees_signed_update_in_case(run: Run, **expected: object) -> None:
    await run.operator.sees(
        "updates", {"charge_point": run.name, "location": FIRMWARE} | expected, "firmware", "status", run.name
    )


@CASES.case("TC_080", "Secure Firmware Update")
async def secure_firmware_update_case(run: Run) -> None:
    charge_point = await run.charge_point()
    number = await _signed_update_in_case(run, charge_point)
    await _signed_statuses_in_case(
        charge_point, number, "Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"
    )
    await charge_point.disconnect()
    await charge_point.connect()
    await charge_point.boot(firmware_version="2.0.0")
    await charge_point.statuses("Available")
    await _event_in_case(charge_point, "FirmwareUpdated")
    await _signed_statuses_in_case(charge_point, number, "Installed")
    await _sees_signed_update_in_case(run, state="installed", confirmed=True, version_after="2.0.0")
    await _sees_event_in_case(run, "FirmwareUpdated")


@CASES.case("TC_081", "Secure Firmware Update - Invalid Signature")
async def invalid_firmware_signature_case(run: Run) -> None:
    charge_point = await run.charge_point()
    number = await _signed_update_in_case(run, charge_point, "--bad-signature")
    await _signed_statuses_in_case(charge_point, number, "Downloading", "Downloaded", "InvalidSignature")
    await _event_in_case(charge_point, "InvalidFirmwareSignature")
    await _sees_signed_update_in_case(run, state="invalid_signature", ended=True)
    await _sees_event_in_case(run, "InvalidFirmwareSignature")


# --- who is let in


@CASES.case("TC_085", "Basic Authentication - Valid username/password combination")
async def basic_authentication_case(run: Run) -> None:
    key = "conformance-key-" + run.name[-3:]
    charge_point = await run.charge_point(
        booted=False, connected=False, security_profile=run.profile_with_key, password=key
    )
    run.must_be(401, await charge_point.refused(), "the answer without a password")
    run.must_be(401, await charge_point.refused(key="conformance-key-no"), "the answer to a wrong password")
    await charge_point.connect(key=key)
    await charge_point.booted()
    profile = run.profile_with_key
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available", used_profile=profile)


# The four that the whitepaper names (A00.FR.317): with each alone there must be a connection.
_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)


def _tls_in_case(run: Run, root: str, suite: str | None = None, own: tuple[str, str] | None = None) -> ssl.SSLContext:
    """What a charge point goes by that trusts this root alone; it has that suite alone, and `own` chain and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=root)
    if suite is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
    if own is not None:
        chain, key = own
        context.load_cert_chain(_file_of_case(run, "chain.pem", chain), _file_of_case(run, "key.pem", key))
    return context


@CASES.case("TC_086", "TLS - server-side certificate - Valid certificate")
async def server_certificate_case(run: Run) -> None:
    from csmsctl.link.certificates import problem_of_server_certificate

    root = await _root_of_csmsd_in_case(run)
    key = "conformance-key-" + run.name[-3:]
    charge_point = await run.charge_point(booted=False, connected=False, security_profile=2, password=key)
    run.must_be(401, await charge_point.refused(key=key, plain=True), "the answer to the right password without TLS")
    for suite in _SUITES:
        await charge_point.connect(key=key, tls=_tls_in_case(run, root, suite))
        wrong = problem_of_server_certificate(charge_point.certificate, NAMES[0])
        run.must_be(None, wrong, f"what is wrong with the certificate of csmsd for {suite}")
        await charge_point.disconnect()
    await charge_point.connect(tls=_tls_in_case(run, root))
    await charge_point.booted()


@CASES.case("TC_087", "TLS - Client-side certificate - valid certificate")
async def client_certificate_case(run: Run) -> None:
    from csmsctl.link.certificates import new_key_and_request

    root = await _root_of_csmsd_in_case(run)
    charge_point = await run.charge_point(booted=False, connected=False, security_profile=3, certificate_name=run.name)
    other = f"{run.name}-B"
    await run.prepare("charge_point.add", id=other, security_profile=3, certificate_name=other)

    async def issued(identity: str) -> tuple[str, str]:
        key, csr = await asyncio.to_thread(new_key_and_request, identity, ORGANIZATION)
        return (await run.prepare("certificate.sign", charge_point=identity, csr=csr))["pem"], key

    own, of_another = await issued(run.name), await issued(other)
    refused = {"no certificate": _tls_in_case(run, root), "another's": _tls_in_case(run, root, own=of_another)}
    for shown, tls in refused.items():
        run.must_be(401, await charge_point.refused(tls=tls), f"the answer to {shown}")
    for suite in _SUITES:
        await charge_point.connect(tls=_tls_in_case(run, root, suite, own))
        await charge_point.disconnect()
    await charge_point.connect(tls=_tls_in_case(run, root, own=own))
    await charge_point.booted()
    await run.operator.sees_connectors(charge_point, "Available", "Available", "Available", used_profile=3)
