"""The cases about what an operator tells a charge point: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import core_remote_control
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import ID_TAG_STATUS, Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_061": [("ClearCache", "now", True)],
    "TC_010": [("RemoteStartTransaction", "connectorId", 2), ("Authorize.conf", ID_TAG_STATUS, "Invalid")],
    "TC_011_1": [("RemoteStartTransaction", "idTag", "SOMEBODY"), ("StartTransaction.conf", ID_TAG_STATUS, "Invalid")],
    "TC_011_2": [("RemoteStartTransaction", "connectorId", ABSENT)],
    "TC_012": [("RemoteStopTransaction", "transactionId", 1_000_000)],
    "TC_013": [("Reset", "type", "Soft"), ("BootNotification.conf", "status", "Rejected")],
    "TC_014": [("Reset", "type", "Hard")],
    "TC_017_1": [("UnlockConnector", "connectorId", 2)],
    "TC_017_2": [("UnlockConnector", "connectorId", "1")],
    "TC_018_1": [("UnlockConnector", "connectorId", 0)],
    "TC_026": [("RemoteStartTransaction", "connectorId", 0)],
    "TC_028": [("RemoteStopTransaction", "transactionId", 1)],
    "TC_030": [("UnlockConnector", "connectorId", 3)],
    "TC_031": [("UnlockConnector", "connectorId", 1)],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(core_remote_control)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
