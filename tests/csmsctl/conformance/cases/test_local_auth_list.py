"""The cases about the Local Authorization List: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import local_auth_list
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_042_1": [("GetLocalListVersion", "listVersion", 0)],
    "TC_042_2": [("GetLocalListVersion", "listVersion", 0)],
    "TC_043_1": [("SendLocalList", "updateType", "Differential")],
    "TC_043_3": [("SendLocalList", "listVersion", 0)],
    "TC_043_4": [("SendLocalList", "localAuthorizationList.0.idTagInfo", ABSENT), ("SendLocalList", "listVersion", -1)],
    "TC_043_5": [("SendLocalList", "updateType", "Full"), ("SendLocalList", "listVersion", 1)],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(local_auth_list)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
