"""The cases about charging profiles: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import smart_charging
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_056": [
        ("SetChargingProfile", "csChargingProfiles.validFrom", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.validTo", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.chargingSchedule.startSchedule", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.limit", 16.0),
        ("SetChargingProfile", "csChargingProfiles.chargingProfilePurpose", "TxProfile"),
    ],
    "TC_057": [
        ("SetChargingProfile", "csChargingProfiles.transactionId", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.transactionId", 1_000_000),
    ],
    "TC_059": [
        ("RemoteStartTransaction", "chargingProfile.transactionId", 1),
        ("RemoteStartTransaction", "chargingProfile.chargingProfileKind", "Absolute"),
        ("RemoteStartTransaction", "chargingProfile", ABSENT),
    ],
    "TC_066": [("GetCompositeSchedule", "duration", 60), ("GetCompositeSchedule", "chargingRateUnit", ABSENT)],
    "TC_067": [
        ("SetChargingProfile", "csChargingProfiles.stackLevel", 7),
        ("ClearChargingProfile", "id", 1_000_000),
        ("ClearChargingProfile", "stackLevel", 0),
    ],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(smart_charging)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
