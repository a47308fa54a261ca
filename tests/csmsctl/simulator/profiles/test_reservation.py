"""Reservations at a simulated charge point (C 5.1, 5.13)."""

from typing import Any

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsctl.simulator.central_system import CentralSystem, booted, charging


def reserve(central_system: CentralSystem, number: int = 1, connector: int = 1, **fields: Any) -> str:
    """ReserveNow for TAG, for ten minutes."""
    expiry = format_timestamp(central_system.charge_point.now + 600_000)
    payload = {"connectorId": connector, "expiryDate": expiry, "idTag": "TAG", "reservationId": number, **fields}
    return str(central_system.call("ReserveNow", **payload)["status"])


def visit(central_system: CentralSystem, id_tag: str, connector: int = 1) -> None:
    """Somebody plugs in and holds a card before the reader."""
    at = central_system.charge_point.connectors[connector]
    central_system.act(at.plug)
    central_system.act(lambda: at.present(id_tag))


def started(central_system: CentralSystem) -> list[int | None]:
    """The reservation ids of the transactions since the last time."""
    return [payload.get("reservationId") for _, payload in central_system.taken("StartTransaction")]


def test_reserved_and_used() -> None:
    central_system = booted()
    assert reserve(central_system, 7) == "Accepted"
    assert central_system.statuses(1) == ["Reserved"]
    visit(central_system, "OTHER")
    assert started(central_system) == []
    assert central_system.status() == "Reserved"
    central_system.act(lambda: central_system.charge_point.connectors[1].present("tag"))
    assert started(central_system) == [7]
    assert central_system.status() == "Charging"
    assert central_system.call("CancelReservation", reservationId=7) == {"status": "Rejected"}


def test_a_group_may_use_it() -> None:
    central_system = booted()
    central_system.id_tag_info = {"status": "Accepted", "parentIdTag": "FAMILY"}
    assert reserve(central_system, 7, parentIdTag="family") == "Accepted"
    visit(central_system, "OTHER")
    assert started(central_system) == [7]


def test_expired() -> None:
    central_system = booted()
    reserve(central_system)
    central_system.run(599)
    assert central_system.statuses(1) == ["Reserved"]
    central_system.run(1)
    assert central_system.statuses(1) == ["Available"]
    visit(central_system, "OTHER")
    assert started(central_system) == [None]


def test_cancelled() -> None:
    central_system = booted()
    reserve(central_system)
    assert central_system.call("CancelReservation", reservationId=2) == {"status": "Rejected"}
    assert central_system.call("CancelReservation", reservationId=1) == {"status": "Accepted"}
    assert central_system.statuses(1) == ["Reserved", "Available"]


def test_what_is_refused() -> None:
    central_system = charging()
    connectors = central_system.charge_point.connectors
    assert reserve(central_system) == "Occupied"
    assert reserve(central_system, connector=9) == "Rejected"
    assert reserve(central_system, connector=2, expiryDate="2020-01-01T00:00:00Z") == "Rejected"
    assert reserve(central_system, connector=2) == "Accepted"
    assert reserve(central_system, 2, connector=2) == "Occupied"
    central_system.act(lambda: connectors[2].fault("GroundFailure"))
    assert reserve(central_system, 3, connector=2) == "Faulted"
    central_system.act(lambda: connectors[2].fault("NoError"))
    assert central_system.status(2) == "Available"
    central_system.call("ChangeAvailability", connectorId=2, type="Inoperative")
    assert reserve(central_system, 4, connector=2) == "Unavailable"
    assert reserve(central_system, 5, connector=0) == "Occupied"


@pytest.mark.parametrize("connector", [0, 1])
def test_out_of_service_ends_it(connector: int) -> None:
    central_system = booted()
    reserve(central_system, connector=1)
    central_system.call("ChangeAvailability", connectorId=connector, type="Inoperative")
    central_system.call("ChangeAvailability", connectorId=connector, type="Operative")
    assert central_system.status() == "Available"
    assert central_system.call("CancelReservation", reservationId=1) == {"status": "Rejected"}


def test_a_known_id_replaces() -> None:
    central_system = booted()
    reserve(central_system, 7, connector=1)
    assert reserve(central_system, 7, connector=2, idTag="OTHER") == "Accepted"
    assert (central_system.status(1), central_system.status(2)) == ("Available", "Reserved")
    assert reserve(central_system, 7, connector=9) == "Rejected"
    assert central_system.status(2) == "Reserved"


def test_connector_0_keeps_one_connector_free() -> None:
    central_system = booted()
    assert reserve(central_system, 7, connector=0) == "Accepted"
    assert (central_system.status(1), central_system.status(2)) == ("Available", "Available")
    visit(central_system, "OTHER", 1)
    assert started(central_system) == [None]
    assert central_system.status(2) == "Reserved"
    visit(central_system, "OTHER", 2)
    assert started(central_system) == []
    assert reserve(central_system, 8, connector=2) == "Occupied"
    central_system.act(lambda: central_system.charge_point.connectors[2].present("TAG"))
    assert started(central_system) == [7]


def test_remote_start_minds_reservations() -> None:
    central_system = booted()
    reserve(central_system, 7)
    start = {"connectorId": 1, "idTag": "OTHER"}
    assert central_system.call("RemoteStartTransaction", **start) == {"status": "Rejected"}
    assert central_system.call("RemoteStartTransaction", **{**start, "idTag": "TAG"}) == {"status": "Accepted"}


def test_reservations_outlive_a_reboot() -> None:
    central_system = booted()
    reserve(central_system)
    central_system.call("Reset", type="Hard")
    central_system.run(30)
    assert central_system.status() == "Reserved"
    central_system.run(600)
    assert central_system.status() == "Available"
