"""The cases about TriggerMessage: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import remote_trigger
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import Wrong, cases_of, find, wrong_values

WRONG: Wrong = {
    "TC_054": [("TriggerMessage", "requestedMessage", "BootNotification"), ("MeterValues.conf", "status", "Accepted")],
    "TC_055": [("TriggerMessage", "connectorId", 1)],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(remote_trigger)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
