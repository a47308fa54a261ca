"""A row for each connector: what is shown of what a charge point said, and what is no longer known."""

import pytest

from csmsctl.records.connectors import connector_rows, shown_connector_status
from tests.csmsctl import samples
from tests.csmsctl.samples import Record


def test_a_row_for_each_connector_and_one_where_none_is_named() -> None:
    found = connector_rows([samples.charge_point("CP1"), samples.charge_point("CP2", connectors=[])])
    assert [(row["charge_point"], row.get("connector")) for row in found] == [("CP1", 1), ("CP1", 2), ("CP2", None)]
    assert found[1]["power_w"] == 7360.0
    assert found[0]["since"] == "2026-01-31T11:30:00.000Z"
    assert found[2]["shown"] == "connected"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, False),
        ({"status": "Unavailable"}, True),
        ({"error_code": "GroundFailure"}, True),
        ({"error_code": None}, False),
    ],
)
def test_connector_0_is_of_interest_when_something_is_wrong(fields: Record, shown: bool) -> None:
    point = samples.charge_point(connectors=[samples.connector(0, **fields), samples.connector(1)])
    assert [row["connector"] for row in connector_rows([point])] == ([0, 1] if shown else [1])


def test_what_flows_at_one_that_is_away_is_not_known() -> None:
    gone = "2026-01-31T12:00:30.000Z"
    (row,) = connector_rows(
        [
            samples.charge_point(
                connected=False,
                offline_since=gone,
                connectors=[samples.connector(1, status="Charging", power_w=7000.0)],
            )
        ]
    )
    assert (row["power_w"], row["shown"]) == (None, "offline (was Charging)")
    assert row["since"] == gone  # later than it was heard last


@pytest.mark.parametrize(("basis", "energy"), [("readings", 0), ("nothing", None), (None, 0)])
def test_energy_that_nothing_tells_is_no_figure(basis: str | None, energy: int | None) -> None:
    (row,) = connector_rows([samples.charge_point(connectors=[samples.connector(1, energy_wh=0, basis=basis)])])
    assert row["energy_wh"] == energy


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"connected": True, "status": "Charging"}, "Charging"),
        ({"connected": True, "status": "Available", "error_code": "NoError"}, "Available"),
        ({"connected": True, "status": "Faulted", "error_code": "GroundFailure"}, "Faulted GroundFailure"),
        ({"connected": True, "status": None}, "connected"),
        ({"connected": False, "last_seen_at": "x", "status": None}, "offline"),
        ({"connected": False, "last_seen_at": "x", "status": "Faulted"}, "offline (was Faulted)"),
        ({"connected": False, "last_seen_at": None, "status": None}, "never connected"),
    ],
)
def test_the_status_in_words(row: Record, shown: str) -> None:
    assert shown_connector_status(row) == shown


@pytest.mark.parametrize(
    ("fields", "info", "note"),
    [
        ({}, None, ""),
        ({"boot_status": "Pending"}, None, "registration Pending"),
        ({"boot_status": None, "registration": "Rejected"}, None, "registration Rejected, no BootNotification yet"),
        ({"boot_status": None, "connected": False}, None, ""),
        ({"reboot_required": True}, "door open", "reboot required, door open"),
    ],
)
def test_the_note(fields: Record, info: str | None, note: str) -> None:
    (row,) = connector_rows([samples.charge_point(connectors=[samples.connector(1, info=info)], **fields)])
    assert row["note"] == note
