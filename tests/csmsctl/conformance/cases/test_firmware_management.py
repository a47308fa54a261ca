"""The cases about firmware and diagnostics: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import firmware_management
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_044_1": [
        ("UpdateFirmware", "location", "https://example.org/other"),
        ("UpdateFirmware", "retrieveDate", ABSENT),
    ],
    "TC_044_2": [("UpdateFirmware", "retrieveDate", "2026-01-01T00:00:00Z")],
    "TC_044_3": [("FirmwareStatusNotification.conf", "status", "Accepted")],
    "TC_045_1": [("GetDiagnostics", "location", "ftp://example.org/other")],
    "TC_045_2": [("DiagnosticsStatusNotification.conf", "status", "Accepted")],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(firmware_management)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
