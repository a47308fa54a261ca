"""StatusNotification (C 4.9)."""

from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.timestamps import format_time
from csmsd.profiles.core.charge_points import MAX_CONNECTORS
from csmsd.profiles.core.status_notification import StatusNotificationConf, StatusNotificationReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene

AVAILABLE = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize(
    "payload",
    [
        AVAILABLE,
        {"connectorId": 0, "errorCode": "ConnectorLockFailure", "info": "i" * 50, "status": "Faulted",
         "timestamp": "2026-03-01T12:00:00Z", "vendorId": "v" * 255, "vendorErrorCode": "c" * 50},
    ],
)  # fmt: skip
def test_valid(payload: dict[str, Any]) -> None:
    assert_valid(StatusNotificationReq, payload)
    assert_valid(StatusNotificationConf, {})


@pytest.mark.parametrize("missing", ["connectorId", "errorCode", "status"])
def test_without_what_it_is_about_it_is_refused(missing: str) -> None:
    payload = {name: value for name, value in AVAILABLE.items() if name != missing}

    with pytest.raises(OcppError, match=f"OccurenceConstraintViolation: {missing}"):
        Scene().send("StatusNotification", payload)


def test_the_status_is_kept_and_told() -> None:
    scene = Scene()
    scene.status(1, "Available")

    answer = scene.status(1, "Faulted", errorCode="ConnectorLockFailure", info="jammed", vendorErrorCode="E7")

    assert answer.payload == {}
    (connector,) = answer.connectors
    assert scene.cp.connectors[1] is connector
    assert (connector.status, connector.error_code, connector.info, connector.vendor_error_code) == (
        "Faulted", "ConnectorLockFailure", "jammed", "E7"
    )  # fmt: skip
    assert answer.event("connector.status") == {
        "connector": 1, "status": "Faulted", "previous": "Available", "error_code": "ConnectorLockFailure",
        "info": "jammed", "status_at": format_time(NOON),
    }  # fmt: skip


def test_connector_0_is_the_charge_point_itself() -> None:
    scene = Scene()
    scene.status(0, "Unavailable")
    scene.status(2, "Available")

    assert {number: connector.status for number, connector in scene.cp.connectors.items()} == {
        0: "Unavailable", 2: "Available"
    }  # fmt: skip


def test_a_status_from_a_backlog_does_not_replace_a_newer_one() -> None:
    scene = Scene()
    scene.status(1, "Charging", timestamp="2026-03-01T11:30:00Z")

    older = scene.status(1, "Preparing", timestamp="2026-03-01T11:29:59Z")
    assert (older.payload, older.changes, older.events) == ({}, [], [])
    assert scene.cp.connectors[1].status == "Charging"

    scene.status(1, "Finishing", timestamp="2026-03-01T11:30:00Z")
    assert scene.cp.connectors[1].status == "Finishing"


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", "1970-01-01T00:00:00Z", "2036-01-01T00:00:00Z"])
def test_a_status_without_a_usable_time_is_of_now(timestamp: str | None) -> None:
    scene = Scene()
    scene.status(1, "Charging", timestamp="2026-03-01T12:00:00Z")
    scene.now += SECOND

    scene.status(1, "Available", timestamp=timestamp)

    assert (scene.cp.connectors[1].status, scene.cp.connectors[1].status_at) == ("Available", NOON + SECOND)


def test_a_clock_that_was_ahead_does_not_hide_what_comes_after_it_was_set_right() -> None:
    scene = Scene()
    scene.status(1, "Charging", timestamp="2026-03-01T14:00:00Z")  # local time that calls itself UTC
    scene.now += HOUR

    scene.status(1, "Available", timestamp="2026-03-01T13:00:00Z")

    assert scene.cp.connectors[1].status == "Available"


@pytest.mark.parametrize("connector", [-1, MAX_CONNECTORS + 1, 10**6, 2**63 - 1])
def test_a_connector_that_cannot_be_is_confirmed_and_not_kept(connector: int) -> None:
    scene = Scene()

    answer = scene.status(connector, "Available")

    assert (answer.payload, answer.changes) == ({}, [])
    assert ("connectorId", "out_of_range") in answer.deviations
    assert scene.cp.connectors == {}


@pytest.mark.parametrize(
    ("sent", "kept", "kind"),
    [
        ("charging", "Charging", "value_in_another_case"),
        ("Occupied", "Occupied", "unknown_value"),
        ("X" * 5000, "X" * 100, "unknown_value"),
    ],
)
def test_a_status_that_ocpp_does_not_know(sent: str, kept: str, kind: str) -> None:
    scene = Scene()

    answer = scene.status(1, sent)

    assert scene.cp.connectors[1].status == kept
    assert answer.deviations == [("status", kind)]


def test_endless_text_is_cut() -> None:
    scene = Scene()

    scene.status(1, "Faulted", info="i" * 60_000, vendorId="v" * 60_000)

    connector = scene.cp.connectors[1]
    assert (connector.info, connector.vendor_id) == ("i" * 500, "v" * 500)
