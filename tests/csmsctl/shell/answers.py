"""What csmsd answers to a shell, and what the shell remembered."""

import json
from collections.abc import Callable

from csmsctl.shell.history import history_file

FIGURES = {
    "schema_version": 1,
    "version": "0.1.0",
    "started_at": "2026-11-25T12:00:00.000Z",
    "connected": 2,
    "charge_points": 3,
    "active_transactions": 1,
    "power_w": 11_040.0,
    "open_tasks": 0,
    "queued_commands": 0,
    "problems": 0,
    "store": "ok",
}


IDENTITIES = [["NORTH-01", "Charging"], ["NORTH-07", "Available"], ["SOUTH-07", "offline"], ["two words", "offline"]]


RunShell = Callable[..., None]


def history() -> list[str]:
    file = history_file()
    assert file is not None
    return [json.loads(line) for line in file.read_text().splitlines()]
