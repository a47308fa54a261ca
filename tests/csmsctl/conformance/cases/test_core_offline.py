"""The cases about what happens while there is no connection: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import core_offline
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import ID_TAG_STATUS, Wrong, cases_of, find, wrong_values

WRONG: Wrong = {
    "TC_032_1": [("BootNotification.conf", "status", "Pending"), ("StopTransaction.conf", "idTagInfo", {})],
    "TC_037_1": [("StartTransaction.conf", ID_TAG_STATUS, "Invalid")],
    "TC_037_3": [("StartTransaction.conf", ID_TAG_STATUS, "Accepted")],
    "TC_039": [("StartTransaction.conf", ID_TAG_STATUS, "Expired"), ("StopTransaction.conf", ID_TAG_STATUS, "Invalid")],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(core_offline)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
