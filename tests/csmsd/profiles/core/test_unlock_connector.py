"""UnlockConnector (C 5.18; TC_017, TC_018, TC_030, TC_031)."""

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.core.unlock_connector import UnlockConnector, UnlockConnectorConf, UnlockConnectorReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


@pytest.mark.parametrize("connector", [1, 99])
def test_the_operation(connector: int) -> None:
    operation = UnlockConnector(connector=connector)

    assert Scene().asks(operation) == [{"connectorId": connector}]
    assert Scene().warning(operation) is None  # TC_031: a connector that there is not can be asked for
    assert_valid(UnlockConnectorReq, {"connectorId": connector})


@pytest.mark.parametrize(("status", "done"), [("Unlocked", True), ("UnlockFailed", False), ("NotSupported", False)])
def test_outcomes(status: str, done: bool) -> None:
    assert_valid(UnlockConnectorConf, {"status": status})
    assert (status in outgoing()["UnlockConnector"].accepted) == done
