"""The cases of the security extension: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import security
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import CASES, Wrong, cases_of, find, play_broken, wrong_values

NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
WRONG: Wrong = {
    "TC_073": [("ChangeConfiguration", "key", "Password"), ("ChangeConfiguration", "value", "0011")],
    "TC_074": [
        ("ExtendedTriggerMessage", "connectorId", 1),
        ("SignCertificate.conf", "status", "Rejected"),
        ("CertificateSigned", "certificateChain", NO_CERTIFICATE),
    ],
    "TC_075_1": [("InstallCertificate", "certificateType", "CentralSystemRootCertificate")],
    "TC_075_2": [("GetInstalledCertificateIds", "certificateType", "ManufacturerRootCertificate")],
    "TC_076": [
        ("DeleteCertificate", "certificateHashData.serialNumber", "01"),
        ("DeleteCertificate", "certificateHashData.hashAlgorithm", "SHA256"),
    ],
    "TC_077": [("SecurityEventNotification.conf", "status", "Accepted")],
    "TC_078": [("InstallCertificate", "certificate", NO_CERTIFICATE)],
    "TC_079": [("GetLog", "logType", "DiagnosticsLog"), ("LogStatusNotification.conf", "status", "Accepted")],
    "TC_080": [
        ("SignedUpdateFirmware", "firmware.signature", "AAAA"),
        ("SignedUpdateFirmware", "firmware.signingCertificate", NO_CERTIFICATE),
    ],
    "TC_081": [("SignedFirmwareStatusNotification.conf", "status", "Accepted")],
}
# What is let in, or not, is no value of a message: with another key they fail.
OF_CONNECTIONS = {"TC_085", "TC_086", "TC_087"}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) | OF_CONNECTIONS == cases_of(security)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)


@pytest.mark.parametrize("name", ["TC_085", "TC_086"])
async def test_a_csmsd_that_lets_everybody_in_is_found(
    name: str, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if what was prepared had said so."""
    call = private_csmsd.call

    def lax(method: str, **params: object) -> dict[str, object]:
        if method == "charge_point.add":
            params.pop("security_profile", None)
            params.pop("password", None)
        return call(method, **params)

    monkeypatch.setattr(private_csmsd, "call", lax)
    problem = (await play_broken(CASES[name], private_csmsd)).problem
    assert "let BROKEN" in (problem or ""), problem
