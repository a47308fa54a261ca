"""A transaction of an hour with what is known of it, for tests of its story."""

import json
from typing import Any

import msgspec

from csmsd.control.explanation.facts import Facts, Measured, Presented, Told
from csmsd.control.explanation.story import Story
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.task import Task
from tests.csmsd.profiles.scene import NOON

MINUTE = 60_000
TRANSACTION = Transaction(
    id=17,
    charge_point="CP1",
    connector=1,
    id_tag="ADA",
    id_tag_status="Accepted",
    state="stopped",
    start_time=NOON,
    start_text=format_timestamp(NOON),
    start_received_at=NOON,
    meter_start_wh=1000,
    stop_time=NOON + 60 * MINUTE,
    stop_received_at=NOON + 60 * MINUTE,
    meter_stop_wh=8000,
    stop_reason="Local",
    energy_wh=7000,
    reply="",
)
ADA = Presented(NOON - 1000, "ADA", "Accepted")


def facts(changed: dict[str, Any] | None = None, **more: Any) -> Facts:
    transaction = msgspec.structs.replace(TRANSACTION, **(changed or {}))
    usual: dict[str, Any] = {
        "transaction": transaction,
        "now": NOON + 60 * MINUTE,
        "end": transaction.stop_time or NOON + 60 * MINUTE,
        "energy_wh": transaction.energy_wh,
        "doubts": transaction.doubts,
        "events_since": 0,
        "measured": [Measured(NOON + minute * MINUTE, minute) for minute in range(0, 61, 5)],
        "connectors": (1, 2),
    }
    return Facts(**usual | more)


def task(number: int, minute: float, action: str, request: Any, **fields: Any) -> Task:
    time = NOON + round(minute * MINUTE)
    usual: dict[str, Any] = {"state": "settled", "outcome": "accepted", "status": "Accepted", "user": "jo", "uid": 1000}
    return Task(
        id=number,
        created_at=time,
        settled_at=time,
        charge_point="CP1",
        action=action,
        request=json.dumps(request),
        **usual | fields,
    )


def status(minute: float, word: str, connector: int = 1, **data: Any) -> Told:
    return Told(NOON + round(minute * MINUTE), "connector.status", {"connector": connector, "status": word, **data})


def told(minute: float, kind: str, **data: Any) -> Told:
    return Told(NOON + round(minute * MINUTE), kind, data)


def profile(limit: float, purpose: str = "TxDefaultProfile", id: int = 3, **fields: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {
        "chargingProfileId": id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **fields,
    }


def set_profile(number: int, minute: float, limit: float, connector: int = 1, **fields: Any) -> Task:
    request = {"connectorId": connector, "csChargingProfiles": profile(limit, **fields)}
    return task(number, minute, "SetChargingProfile", request)


def conclusion(found: Facts) -> str:
    return "\n".join(Story(found).conclusion)


def lines(found: Facts) -> list[tuple[float, str, str]]:
    """(minute, kind, text) of each line."""
    return [((entry.time - NOON) / MINUTE, entry.kind, entry.text) for entry in Story(found).entries]
