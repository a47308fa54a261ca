"""What csmsd answers about charging profiles."""

from tests.csmsctl.scripted_daemon import Params

ACCEPTED: Params = {
    "charge_point": "CP1",
    "action": "GetCompositeSchedule",
    "outcome": "accepted",
    "status": "Accepted",
    "request": {},
    "response": {},
    "error": None,
    "duration_ms": 1,
    "task": 1,
}
