"""The cases about boot, configuration, cache and data: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import core_configuration
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_019_1": [("GetConfiguration", "key", ["HeartbeatInterval"])],
    "TC_019_2": [("GetConfiguration", "key", ABSENT)],
    "TC_021": [("ChangeConfiguration", "value", 60), ("ChangeConfiguration", "key", "HeartbeatInterval")],
    "TC_040_1": [("ChangeConfiguration", "key", "HeartbeatInterval")],
    "TC_040_2": [("ChangeConfiguration", "value", "60")],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(core_configuration)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
