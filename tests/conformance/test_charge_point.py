"""The charge point on PyPI `ocpp`: whether the library or the case sees it, nothing that is wrong gets past it."""

from collections.abc import Iterator

import pytest

from csmsctl.conformance import case as case_module
from csmsctl.conformance.private_csmsd import Site
from tests.conformance.over_tls import SETTINGS, SecuredRun, SecuredSite
from tests.csmsctl.conformance.broken import ID_TAG_STATUS, find
from tests.csmsctl.conformance.spoiling import ABSENT


@pytest.fixture(scope="module")
def secured() -> Iterator[Site]:
    with SecuredSite(SETTINGS) as site:
        yield site


@pytest.mark.parametrize(
    ("name", "action", "path", "value"),
    [
        ("TC_001", "BootNotification.conf", "status", "Pending"),
        ("TC_003", "StartTransaction.conf", ID_TAG_STATUS, "Maybe"),
        ("TC_012", "RemoteStopTransaction", "transactionId", 1_000_000),
        ("TC_019_2", "GetConfiguration", "key", ABSENT),
        ("TC_049", "ReserveNow", "connectorId", 1),
        ("TC_066", "GetCompositeSchedule", "chargingRateUnit", "horsepower"),
        ("TC_073", "ChangeConfiguration", "value", "a word"),
        ("TC_076", "DeleteCertificate", "certificateHashData.serialNumber", "1"),
    ],
)
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, secured: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_module, "Run", SecuredRun)
    await find(name, action, path, value, secured, monkeypatch)
