"""The cases about transactions at the charge point: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import core_charging
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import ID_TAG_STATUS, Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_001": [
        ("BootNotification.conf", "status", "Pending"),
        ("Heartbeat.conf", "currentTime", "2020-01-01T00:00:00Z"),
    ],
    "TC_003": [("Authorize.conf", ID_TAG_STATUS, "Invalid"), ("StartTransaction.conf", ID_TAG_STATUS, "ConcurrentTx")],
    "TC_004_1": [("StartTransaction.conf", "transactionId", 0)],
    "TC_004_2": [("Authorize.conf", ID_TAG_STATUS, "Blocked")],
    "TC_005_1": [("StartTransaction.conf", "transactionId", -1)],
    "TC_007": [("StartTransaction.conf", ID_TAG_STATUS, "Invalid")],
    "TC_023_1": [("Authorize.conf", ID_TAG_STATUS, "Blocked")],
    "TC_023_2": [("Authorize.conf", ID_TAG_STATUS, "Invalid"), ("Authorize.conf", "idTagInfo.expiryDate", ABSENT)],
    "TC_023_3": [("Authorize.conf", ID_TAG_STATUS, "Invalid")],
    "TC_024": [("Authorize.conf", ID_TAG_STATUS, "Invalid")],
    "TC_064": [("DataTransfer.conf", "status", "Accepted")],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(core_charging)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
