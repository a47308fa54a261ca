"""What a daemon answers, in the forms of docs/control-protocol.md."""

from typing import Any

Record = dict[str, Any]


def charge_point(identity: str = "CP1", **fields: Any) -> Record:
    return {
        "id": identity,
        "registration": "Accepted",
        "boot_status": "Accepted",
        "connected": True,
        "connected_at": "2026-01-31T11:00:00.000Z",
        "address": "192.0.2.7",
        "last_seen_at": "2026-01-31T12:00:00.000Z",
        "booted_at": "2026-01-31T11:00:01.000Z",
        "registered_at": "2026-01-01T00:00:00.000Z",
        "labels": ["north"],
        "note": None,
        "security_profile": 0,
        "vendor": "ACME",
        "model": "Wallbox 2",
        "serial_number": "S1",
        "charge_box_serial_number": None,
        "firmware_version": "1.2.3",
        "iccid": None,
        "imsi": None,
        "meter_type": None,
        "meter_serial_number": None,
        "time_zone": None,
        "strict": False,
        "subprotocol_optional": False,
        "ping": True,
        "reassert": None,
        "reboot_required": False,
        "connectors": [connector(1), connector(2, status="Charging", transaction=7, id_tag="A1", power_w=7360.0)],
        "open_tasks": [],
        "problems": [],
        **fields,
    }


def connector(number: int, **fields: Any) -> Record:
    return {
        "connector": number,
        "status": "Available",
        "error_code": "NoError",
        "info": None,
        "vendor_id": None,
        "vendor_error_code": None,
        "status_at": "2026-01-31T11:30:00.000Z",
        "transaction": None,
        "id_tag": None,
        "power_w": None,
        "energy_wh": None,
        "soc_percent": None,
        **fields,
    }


def problem(kind: str = "reboot_required", **fields: Any) -> Record:
    return {
        "kind": kind,
        "severity": "warning",
        "charge_point": "CP1",
        "connector": None,
        "since": "2026-01-31T11:30:00.000Z",
        "text": kind.replace("_", " "),
        "next": "csmsctl cp show CP1",
        **fields,
    }


def status(*charge_points: Record, **fields: Any) -> Record:
    return {
        "schema_version": 1,
        "daemon": {
            "version": "0.1.0",
            "uptime_s": 7500,
            "policies": {"unknown_charge_points": "reject", "unknown_id_tags": "Invalid"},
            "connected": 1,
            "charge_points": len(charge_points),
            "active_transactions": 1,
            "unknown_charge_points": 0,
            "open_tasks": 0,
            "queued_commands": 0,
            "store": "ok",
            "problems": [],
            **fields,
        },
        "charge_points": list(charge_points),
    }


def info(**fields: Any) -> Record:
    return {
        "version": "0.1.0",
        "protocol": 1,
        "schema_version": 1,
        "pid": 4711,
        "started_at": "2026-01-31T10:00:00.000Z",
        "uptime_s": 7500,
        "state_dir": "/var/lib/csmsd",
        "socket": "/run/csmsd/csmsd.sock",
        "listen": ["127.0.0.1:9000"],
        "policies": {"unknown_charge_points": "reject", "unknown_id_tags": "Invalid"},
        "connected": 1,
        "charge_points": 2,
        "loop": "uvloop",
        "store": {"state": "ok", "error": None, "slow_since": None, "database_bytes": 1_048_576},
        "peer": {"uid": 1000, "user": "jo"},
        **fields,
    }


def transaction(number: int = 7, **fields: Any) -> Record:
    return {
        "id": number,
        "charge_point": "CP1",
        "connector": 1,
        "id_tag": "A1",
        "id_tag_status": "Accepted",
        "state": "stopped",
        "start_time": "2026-01-31T10:00:00.000Z",
        "stop_time": "2026-01-31T11:00:00.000Z",
        "duration_s": 3600,
        "meter_start_wh": 1000,
        "meter_stop_wh": 8360,
        "energy_wh": 7360,
        "energy_suspect": False,
        "doubts": [],
        "at_least_wh": 7360,
        "at_most_wh": 7360,
        "basis": "start_and_stop",
        "settled_at": None,
        "settled_by": None,
        "settled_reason": None,
        "reckoned_wh": None,
        "power_w": None,
        "soc_percent": None,
        "stop_reason": "Remote",
        "stop_id_tag": None,
        "reservation": None,
        "flags": [],
        "note": None,
        **fields,
    }


def tag(identity: str = "A1", **fields: Any) -> Record:
    return {
        "id": identity,
        "parent": None,
        "expires_at": None,
        "blocked": False,
        "max_transactions": None,
        "note": None,
        "labels": [],
        "created_at": "2026-01-01T00:00:00.000Z",
        "status": "Accepted",
        "active_transactions": 0,
        **fields,
    }


def task(number: int = 42, **fields: Any) -> Record:
    return {
        "id": number,
        "created_at": "2026-01-31T10:00:00.000Z",
        "uid": 1000,
        "user": "jo",
        "charge_point": "CP1",
        "action": "Reset",
        "request": {"type": "Soft"},
        "state": "settled",
        "outcome": "accepted",
        "status": "Accepted",
        "response": {"status": "Accepted"},
        "error": None,
        "sent_at": "2026-01-31T10:00:00.001Z",
        "settled_at": "2026-01-31T10:00:00.013Z",
        "duration_ms": 12,
        **fields,
    }


def event(number: int, type_: str = "connector.status", **fields: Any) -> Record:
    return {
        "number": number,
        "time": "2026-01-31T10:00:00.000Z",
        "type": type_,
        "charge_point": "CP1",
        "data": {"connector": 1, "status": "Charging"},
        **fields,
    }


def message(number: int, **fields: Any) -> Record:
    return {
        "id": number,
        "time": "2026-01-31T10:00:00.000Z",
        "charge_point": "CP1",
        "direction": "in",
        "text": '[2,"1","Heartbeat",{}]',
        **fields,
    }


def result(identity: str = "CP1", outcome: str = "accepted", **fields: Any) -> Record:
    words = {"accepted": "Accepted", "rejected": "Rejected"}
    return {
        "charge_point": identity,
        "action": "Reset",
        "outcome": outcome,
        "status": words.get(outcome),
        "request": {"type": "Soft"},
        "response": {"status": words[outcome]} if outcome in words else None,
        "error": None,
        "duration_ms": 12,
        "task": 17,
        **fields,
    }
