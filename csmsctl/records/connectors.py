"""A row for each connector: what `status` and `watch` show."""

from typing import Any

from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text, thousands_text

_GOOD = ("Available", "Charging", "Preparing", "Finishing", "SuspendedEV", "SuspendedEVSE", "Reserved")


def connector_rows(charge_points: list[Record]) -> list[Record]:
    """The connectors of the charge points; a charge point that has named none gets a row all the same."""
    return [row for charge_point in charge_points for row in _connector_rows_of(charge_point)]


def _connector_rows_of(charge_point: Record) -> list[Record]:
    connectors = [
        connector for connector in charge_point.get("connectors") or [] if _connector_worth_showing(connector)
    ] or [{}]
    found = []
    for connector in connectors:
        row = {
            **connector,
            "charge_point": charge_point.get("id"),
            "connected": bool(charge_point.get("connected")),
            "last_seen_at": charge_point.get("last_seen_at"),
            "registration": charge_point.get("boot_status") or charge_point.get("registration"),
            "note": _connector_note(charge_point, connector),
            "labels": charge_point.get("labels") or [],
            "open_tasks": charge_point.get("open_tasks") or [],
            "problems": charge_point.get("problems") or [],
        }
        if not row["connected"]:
            row["power_w"] = None  # what flows now is not known
        if row.get("basis") == "nothing":
            row["energy_wh"] = None  # nothing was read of it
        row["since"] = connector.get("status_at") if row["connected"] else charge_point.get("offline_since")
        row["shown"] = shown_connector_status(row)
        found.append(row)
    return found


def _connector_worth_showing(connector: Record) -> bool:
    """Connector 0 is the charge point itself: of interest when something is wrong with it."""
    return (
        connector.get("connector") != 0
        or connector.get("status") != "Available"
        or connector.get("error_code") not in (None, "NoError")
    )


def shown_connector_status(row: Record) -> str:
    """The status in a word or two; that of a charge point that is not connected is history, and says so."""
    status = str(row.get("status") or "")
    if row.get("error_code") not in (None, "NoError"):
        status += f" {row['error_code']}"
    if not row["connected"]:
        if not row.get("last_seen_at"):
            return "never connected"
        return f"offline (was {status})" if status else "offline"
    return status or "connected"


def _connector_note(charge_point: Record, connector: Record) -> str:
    notes = []
    registration = charge_point.get("boot_status") or charge_point.get("registration")
    if registration in ("Pending", "Rejected"):
        notes.append(f"registration {registration}")
    if charge_point.get("connected") and charge_point.get("boot_status") is None:
        notes.append("no BootNotification yet")
    if charge_point.get("reboot_required"):
        notes.append("reboot required")
    if connector.get("info"):
        notes.append(plain_text(connector["info"]))
    return ", ".join(notes)


def _connector_style(row: Record) -> str:
    if not row["connected"]:
        return "dim"
    status = row.get("status")
    if status == "Faulted" or row.get("error_code") not in (None, "NoError"):
        return "red"
    if status in ("Charging", "SuspendedEV", "SuspendedEVSE"):
        return "bold green"
    return "green" if status in _GOOD or not status else "yellow"


def _connector_percent(value: Any, human: bool) -> str:
    return f"{plain_text(value)} %" if value is not None else ""


COLUMNS = (
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("shown", "STATUS", style=_connector_style),
    Column("transaction", "TX", right=True),
    Column("id_tag", "TAG"),
    Column("power_w", "kW", thousands_text, right=True),
    Column("energy_wh", "kWh", thousands_text, right=True),
    Column("soc_percent", "SoC", _connector_percent, right=True, wide=True),
    Column("since", "SINCE", moment_text, wide=True),
    Column("note", "NOTE", folds=True),
)
CSV_COLUMNS = tuple(
    Column(key, key)
    for key in (
        "charge_point",
        "connected",
        "last_seen_at",
        "registration",
        "connector",
        "status",
        "error_code",
        "status_at",
        "transaction",
        "id_tag",
        "power_w",
        "energy_wh",
        "soc_percent",
        "note",
    )
)
