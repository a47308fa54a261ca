"""ChangeAvailability (C 5.2)."""

import pytest

from csmsd.ocpp.types import AvailabilityType
from csmsd.profiles import outgoing
from csmsd.profiles.core.change_availability import (
    ChangeAvailability,
    ChangeAvailabilityConf,
    ChangeAvailabilityReq,
)
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


@pytest.mark.parametrize(("connector", "kind"), [(0, "Inoperative"), (2, "Operative")])
def test_the_operation(connector: int, kind: AvailabilityType) -> None:
    payload = {"connectorId": connector, "type": kind}

    assert Scene().asks(ChangeAvailability(connector=connector, type=kind)) == [payload]
    assert_valid(ChangeAvailabilityReq, payload)


@pytest.mark.parametrize(("status", "done"), [("Accepted", True), ("Scheduled", True), ("Rejected", False)])
def test_scheduled_counts_as_done(status: str, done: bool) -> None:
    assert_valid(ChangeAvailabilityConf, {"status": status})
    assert (status in outgoing()["ChangeAvailability"].accepted) == done


def test_one_that_takes_no_connector_0_is_told_another() -> None:
    scene = Scene()
    refused = {"status": "Rejected"}
    assert scene.why("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, refused) == (
        "it may want each connector to be named: --connector 1"
    )
    assert scene.why("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}, refused) is None
