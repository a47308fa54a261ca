"""The security extension of a simulated charge point: its log, its events, signed firmware."""

import subprocess
import time
from base64 import b64encode
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from csmsctl.simulator.transfers import Transfer
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.security.certificate_hash_data import CertificateUse
from tests.csmsctl.simulator.central_system import CentralSystem, booted

IMAGE = b"firmware 2.1"
LOCATION = "http://192.0.2.1/acme-2.1.bin"
YEARS = "7300"  # the simulated clock is ahead of this one, or behind it


@cache
def signed() -> tuple[str, str]:
    """A signing certificate, valid now, and the signature of the image."""
    with TemporaryDirectory() as directory:

        def openssl(*words: str) -> bytes:
            return subprocess.run(["openssl", *words], cwd=directory, capture_output=True, check=True).stdout

        made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ACME", "-days", YEARS)
        openssl("req", "-x509", *made, "-keyout", "key.pem", "-out", "cert.pem")
        (Path(directory) / "image").write_bytes(IMAGE)
        signature = b64encode(openssl("dgst", "-sha256", "-sign", "key.pem", "image")).decode()
        return (Path(directory) / "cert.pem").read_text(), signature


@pytest.fixture
def central_system() -> CentralSystem:
    """Its charge point has booted; its clock is that of the certificates."""
    return booted(now=int(time.time() * 1000) + 60_000)


def transfer(central_system: CentralSystem) -> Transfer:
    (wanted,) = central_system.charge_point.transfers
    central_system.charge_point.transfers.clear()
    return wanted


def statuses(central_system: CentralSystem, action: str) -> list[tuple[str, int | None]]:
    return [(payload["status"], payload.get("requestId")) for _, payload in central_system.taken(action)]


def update(central_system: CentralSystem, number: int = 7, **firmware: Any) -> str:
    certificate, signature = signed()
    answer = central_system.call(
        "SignedUpdateFirmware",
        requestId=number,
        firmware={
            "location": LOCATION,
            "retrieveDateTime": format_timestamp(central_system.charge_point.clock),
            "signingCertificate": certificate,
            "signature": signature,
            **firmware,
        },
    )
    central_system.run(0)
    assert isinstance(answer, dict)
    return str(answer["status"])


def fetched(central_system: CentralSystem, content: bytes = IMAGE) -> None:
    wanted = transfer(central_system)
    wanted.each(content)
    central_system.act(lambda: wanted.then(len(content)))


def test_signed_firmware_is_verified_installed_and_told_of_under_its_number(central_system: CentralSystem) -> None:
    assert update(central_system) == "Accepted"
    fetched(central_system)
    central_system.run(60)
    calls = central_system.taken()
    events = [(payload["type"], payload["techInfo"]) for action, payload in calls if "SecurityEvent" in action]
    assert ("FirmwareUpdated", "2.1") in events
    seen = [(action, payload.get("status")) for action, payload in calls]
    told = [status for action, status in seen if action == "SignedFirmwareStatusNotification"]
    assert told == [*("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed")]
    assert ("FirmwareStatusNotification", "Installed") not in seen
    assert central_system.charge_point.firmware_version == "2.1"


def test_one_that_somebody_has_changed_is_not_installed(central_system: CentralSystem) -> None:
    update(central_system)
    fetched(central_system, b"firmware 6.66")
    central_system.run(60)
    calls = central_system.taken()
    told = [payload["status"] for action, payload in calls if action == "SignedFirmwareStatusNotification"]
    assert told == ["Downloading", "Downloaded", "InvalidSignature"]
    events = [payload["type"] for action, payload in calls if action == "SecurityEventNotification"]
    assert events == ["InvalidFirmwareSignature"]
    assert central_system.charge_point.firmware_version == "1.0.0"


def test_a_certificate_that_cannot_be_used_is_refused_at_once(central_system: CentralSystem) -> None:
    assert update(central_system, signingCertificate="none") == "InvalidCertificate"
    central_system.run(60)
    (event,) = (payload for _, payload in central_system.taken("SecurityEventNotification"))
    assert event["type"] == "InvalidFirmwareSigningCertificate"
    assert central_system.charge_point.transfers == []


def test_installed_at_its_time_and_the_newest_update_counts(central_system: CentralSystem) -> None:
    later = format_timestamp(central_system.charge_point.clock + 3_600_000)
    update(central_system, 7, installDateTime=later)
    fetched(central_system)
    central_system.run(600)
    assert statuses(central_system, "SignedFirmwareStatusNotification")[-1] == ("InstallScheduled", 7)
    assert update(central_system, 8) == "AcceptedCanceled"
    fetched(central_system)
    central_system.run(60)
    assert statuses(central_system, "SignedFirmwareStatusNotification")[-1] == ("Installed", 8)


@pytest.mark.parametrize("kind", ["SecurityLog", "DiagnosticsLog"])
def test_logs_are_brought_under_their_number(central_system: CentralSystem, kind: str) -> None:
    central_system.charge_point.reboot("Reboot")
    central_system.run(60)
    central_system.taken()
    log = {"remoteLocation": "ftp://192.0.2.1/in/"}
    answer = central_system.call("GetLog", logType=kind, requestId=9, log=log)
    central_system.run(0)
    wanted = transfer(central_system)
    assert answer["status"] == "Accepted"
    assert wanted.url == f"ftp://192.0.2.1/in/{answer['filename']}"
    assert (b"ResetOrReboot: Reboot" in (wanted.content or b"")) == (kind == "SecurityLog")
    assert central_system.call("GetLog", logType=kind, requestId=10, log=log)["status"] == "AcceptedCanceled"
    central_system.act(lambda: wanted.then(5))
    central_system.run(0)
    assert statuses(central_system, "LogStatusNotification") == [("Uploading", 9), ("Uploading", 10)], "9 is cancelled"
    newest = transfer(central_system)
    central_system.act(lambda: newest.failed("550"))
    assert statuses(central_system, "LogStatusNotification") == [("UploadFailure", 10)]


def test_a_security_event_is_told_again_until_it_is_confirmed(central_system: CentralSystem) -> None:
    central_system.failing["SecurityEventNotification"] = 2
    central_system.charge_point.reboot("Reboot")
    central_system.run(60)
    assert len(central_system.taken("SecurityEventNotification")) == 1
    central_system.run(300)
    assert len(central_system.taken("SecurityEventNotification")) == 1, "on the same connection"
    central_system.charge_point.go_offline()
    central_system.run(1)
    central_system.charge_point.go_online()
    central_system.run(10)
    ((_, event),) = central_system.taken("SecurityEventNotification")
    assert (event["type"], event["techInfo"]) == ("ResetOrReboot", "Reboot")
    central_system.run(60)
    assert central_system.taken("SecurityEventNotification") == []


@pytest.mark.parametrize(
    ("message", "action", "payload"),
    [
        ("LogStatusNotification", "LogStatusNotification", {"status": "Idle"}),
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification", {"status": "Idle"}),
        ("Heartbeat", "Heartbeat", {}),
    ],
)
def test_messages_of_the_extension_are_triggered(
    central_system: CentralSystem, message: str, action: str, payload: dict[str, Any]
) -> None:
    assert central_system.call("ExtendedTriggerMessage", requestedMessage=message) == {"status": "Accepted"}
    assert central_system.taken(action) == [(action, payload)]


def test_what_is_under_way_is_told_with_its_number(central_system: CentralSystem) -> None:
    update(central_system, 7)
    central_system.taken()
    central_system.call("ExtendedTriggerMessage", requestedMessage="FirmwareStatusNotification")
    assert statuses(central_system, "SignedFirmwareStatusNotification") == [("Downloading", 7)]
    refused = central_system.call("ExtendedTriggerMessage", requestedMessage="MeterValues", connectorId=9)
    assert refused == {"status": "Rejected"}


@cache
def root() -> str:
    """A root certificate."""
    with TemporaryDirectory() as directory:
        made = ("-newkey", "rsa:2048", "-nodes", "-subj", "/O=ACME/CN=root", "-days", YEARS, "-keyout", "key.pem")
        usage = ("-addext", "keyUsage=critical,keyCertSign")
        subprocess.run(
            ["openssl", "req", "-x509", *made, *usage, "-out", "root.pem"],
            cwd=directory,
            capture_output=True,
            check=True,
        )
        return (Path(directory) / "root.pem").read_text()


CENTRAL: CertificateUse = "CentralSystemRootCertificate"


def test_a_root_is_installed_named_as_openssl_names_it_and_deleted(
    central_system: CentralSystem, tmp_path: Path
) -> None:
    wanted = {"certificateType": CENTRAL}
    assert central_system.call("GetInstalledCertificateIds", **wanted) == {"status": "NotFound"}
    installed = central_system.call("InstallCertificate", certificateType=CENTRAL, certificate=root())
    assert installed == {"status": "Accepted"}
    answer = central_system.call("GetInstalledCertificateIds", **wanted)
    (data,) = answer["certificateHashData"]
    (tmp_path / "root.pem").write_text(root())
    words = ("ocsp", "-sha256", "-issuer", "root.pem", "-cert", "root.pem", "-req_text", "-no_nonce")
    said = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, check=True, text=True).stdout
    for key, title in (
        ("issuerNameHash", "Issuer Name Hash"),
        ("issuerKeyHash", "Issuer Key Hash"),
        ("serialNumber", "Serial Number"),
    ):
        shown = next(line.partition(": ")[2] for line in said.splitlines() if title in line)
        assert int(shown, 16) == int(data[key], 16)
    other = data | {"serialNumber": "01"}
    assert central_system.call("DeleteCertificate", certificateHashData=other) == {"status": "NotFound"}
    assert central_system.call("DeleteCertificate", certificateHashData=data) == {"status": "Accepted"}
    assert central_system.call("GetInstalledCertificateIds", **wanted) == {"status": "NotFound"}


def test_what_is_no_root_is_refused_with_an_event(central_system: CentralSystem) -> None:
    refused = central_system.call("InstallCertificate", certificateType=CENTRAL, certificate="no certificate")
    assert refused == {"status": "Rejected"}
    ((_, event),) = central_system.taken("SecurityEventNotification")
    assert event["type"] == "InvalidCentralSystemCertificate"


def test_for_a_good_root_there_may_be_no_room(central_system: CentralSystem) -> None:
    central_system.charge_point.configuration.put("CertificateStoreMaxLength", "0")
    refused = central_system.call("InstallCertificate", certificateType=CENTRAL, certificate=root())
    assert (refused, central_system.taken("SecurityEventNotification")) == ({"status": "Rejected"}, [])


@cache
def roots() -> tuple[str, str]:
    """A root certificate, and a newer one of the same key."""
    with TemporaryDirectory() as directory:
        made = ("-subj", "/O=ACME/CN=root", "-days", YEARS, "-key", "key.pem")
        usage = ("-addext", "keyUsage=critical,keyCertSign")
        curve = ("-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        subprocess.run(["openssl", "genpkey", *curve, "-out", "key.pem"], cwd=directory, check=True)
        for name in ("old.pem", "new.pem"):
            subprocess.run(["openssl", "req", "-x509", *made, *usage, "-out", name], cwd=directory, check=True)
        return (Path(directory) / "old.pem").read_text(), (Path(directory) / "new.pem").read_text()


@pytest.mark.parametrize("checked", [True, False])
def test_the_root_that_is_replaced_is_kept_until_it_has_connected_with_the_new_one(
    central_system: CentralSystem, *, checked: bool
) -> None:
    point, (old, new) = central_system.charge_point, roots()
    point.configuration.put("AdditionalRootCertificateCheck", str(checked).lower())

    def connects_anew() -> list[str]:
        point.go_offline()
        central_system.run(1)
        point.go_online()
        central_system.run(10)
        return point.tls.roots[CENTRAL]

    for certificate in (old, new):
        installed = central_system.call("InstallCertificate", certificateType=CENTRAL, certificate=certificate)
        assert installed == {"status": "Accepted"}
    assert point.tls.roots[CENTRAL] == [old, new]
    assert connects_anew() == [old, new], "without TLS a connection says nothing"
    point.tls.always = True
    assert connects_anew() == ([new] if checked else [old, new])


def test_the_root_that_is_replaced_stays_where_the_new_one_is_deleted(central_system: CentralSystem) -> None:
    point, (old, new) = central_system.charge_point, roots()
    point.configuration.put("AdditionalRootCertificateCheck", "true")
    for certificate in (old, new):
        central_system.call("InstallCertificate", certificateType=CENTRAL, certificate=certificate)
    data = central_system.call("GetInstalledCertificateIds", certificateType=CENTRAL)["certificateHashData"]
    central_system.call("DeleteCertificate", certificateHashData=data[1])
    point.tls.always = True
    point.go_offline()
    central_system.run(1)
    point.go_online()
    central_system.run(10)
    assert point.tls.roots[CENTRAL] == [old]


def asked_for(central_system: CentralSystem, **more: str) -> str:
    """The request for a certificate that was triggered."""
    central_system.call("ChangeConfiguration", key="CpoName", value="My CPO")
    answer = central_system.call("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert answer == {"status": "Accepted"}
    ((_, request),) = central_system.taken("SignCertificate")
    return str(request["csr"])


def test_a_certificate_is_asked_for_by_its_own_name_and_that_of_its_operator(
    central_system: CentralSystem, tmp_path: Path
) -> None:
    refused = central_system.call("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert refused == {"status": "Rejected"}, "without CpoName there is no O"
    (tmp_path / "csr.pem").write_text(asked_for(central_system))
    words = ("req", "-in", "csr.pem", "-noout", "-subject", "-verify", "-nameopt", "RFC2253")
    said = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert "subject=CN=SIM-1,O=My CPO" in said.stdout


def test_a_certificate_that_is_not_for_its_key_is_refused(central_system: CentralSystem) -> None:
    asked_for(central_system)
    assert central_system.call("CertificateSigned", certificateChain=root()) == {"status": "Rejected"}
    ((_, event),) = central_system.taken("SecurityEventNotification")
    assert event["type"] == "InvalidChargePointCertificate"


def test_one_that_cheats_has_the_name_of_another() -> None:
    cheat = booted(misbehave=["other-serial"])
    assert "SIM-1" in str(cheat.charge_point.faults.own_name("SIM-7"))


# --- security profiles (A05)


def raised(central_system: CentralSystem, value: str) -> str:
    answer = central_system.call("ChangeConfiguration", key="SecurityProfile", value=value)
    return str(answer["status"])


def test_a_profile_is_raised_with_all_that_it_needs_and_never_lowered(central_system: CentralSystem) -> None:
    point = central_system.charge_point
    assert [raised(central_system, value) for value in ("0", "1", "2", "3")] == ["Rejected"] * 4
    point.password = "0123456789abcdef"
    assert raised(central_system, "2") == "Rejected", "it has no root"
    central_system.call("InstallCertificate", certificateType=CENTRAL, certificate=root())
    assert raised(central_system, "3") == "Rejected", "it has no certificate"
    assert raised(central_system, "2") == "Accepted"
    central_system.run(5)
    assert raised(central_system, "1") == "Rejected"
    assert point.tls.wanted
    context = point.tls.context()
    assert context is not None
    assert [one["serialNumber"] for one in context.get_ca_certs()] != []


def test_where_it_cannot_connect_it_goes_back(central_system: CentralSystem) -> None:
    point = central_system.charge_point
    point.password = "0123456789abcdef"
    assert raised(central_system, "1") == "Accepted"
    assert point.not_connected("HTTP 401")
    assert point.configuration.text("SecurityProfile") == "0"
    assert not point.not_connected("HTTP 401"), "there is no other way to try"
    central_system.run(5)
    ((_, event),) = central_system.taken("SecurityEventNotification")
    assert event["type"] == "InvalidCentralSystemCertificate"
